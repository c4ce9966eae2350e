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
