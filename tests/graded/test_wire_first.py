"""The first frames: what can be seen as soon as there are any, with one client and no thread but the first."""

from __future__ import annotations

import pytest

from reference.protocol import Text
from tests.graded.story import Story

pytestmark = pytest.mark.stage(1)

task = pytest.mark.task


@task("1.1", role="client", points=1)
def test_what_is_typed_travels_in_frames(chat: Story) -> None:
    """Hello, and then each line in a frame of its own, its length before it."""
    sravya, server = chat.bare_server()
    for _ in range(3):
        text = chat.drawn.text()
        sravya.types(text)
        server.gets_exactly(Text(text))


@task("1.1", role="server", points=1)
def test_a_server_takes_frames_apart(chat: Story) -> None:
    """It welcomes the first who says hello, and shows what they say."""
    server = chat.server()
    guest = chat.bare_client()
    guest.joins()
    for _ in range(3):
        text = chat.drawn.text()
        guest.says(text)
        server.sees(f"[{guest}] {text}")


@task("1.2", role="client", points=1, needs=("1.1",))
@pytest.mark.stages("client")
def test_a_client_that_receives_a_few_bytes_at_once_reads_a_whole_reason(chat: Story) -> None:
    """The first thing that it reads, before there is a second thread: why its name is not taken."""
    chat.makes_races_certain()
    reason = f"this name is taken é€😀 {chat.drawn.between(1, 10**6)}"
    sravya, _ = chat.bare_server_that_refuses(reason)
    sravya.sees(reason)


@task("1.2", role="server", points=1, needs=("1.1",))
def test_a_server_that_receives_a_few_bytes_at_once_reads_whole_texts(chat: Story) -> None:
    """Each recv ends in the midst of a length, of a word, of a letter of several bytes."""
    chat.makes_races_certain()
    server = chat.server()
    guest = chat.bare_client()
    guest.joins()
    text = f"{'é€😀' * 5} {chat.drawn.text()}"
    guest.says(text)
    server.sees(f"[{guest}] {text}")
