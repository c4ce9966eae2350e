"""Kinds of frames that nobody knows: a byte that is no letter is one of them. Stage 1."""

from __future__ import annotations

import pytest

from tests.graded.bare import raw_frame
from tests.graded.story import Story

pytestmark = pytest.mark.stage(1)

task = pytest.mark.task

NO_LETTER = "\xff"  # as a byte by itself it is neither ASCII nor UTF-8


@task("1.1", role="server", points=1, needs=("1.3", "1.4"))
def test_the_server_ignores_a_kind_that_is_no_letter(chat: Story) -> None:
    """As any kind that it does not know: what comes after it still counts."""
    chat.server()
    listener, speaker = chat.bare_client(), chat.bare_client()
    listener.joins()
    speaker.joins()
    speaker.sends_bytes("a frame of kind 0xff", raw_frame(NO_LETTER, b"{}"))
    text = chat.drawn.text()
    speaker.says(text)
    listener.hears(speaker, text)


@task("1.1", role="client", points=1, needs=("1.6",))
def test_a_client_ignores_a_kind_that_is_no_letter(chat: Story) -> None:
    """As any kind that it does not know: what comes after it is shown."""
    sravya, server = chat.bare_server()
    server.sends_bytes("a frame of kind 0xff", raw_frame(NO_LETTER, b"{}"))
    name, text = chat.drawn.name(), chat.drawn.text()
    server.says(name, text)
    sravya.sees(f"[{name}] {text}")
