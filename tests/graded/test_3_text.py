"""Transcript 3: text. Everyone else and the server see it, with the sender's name."""

from __future__ import annotations

import pytest

from tests.graded.story import Story

pytestmark = pytest.mark.stage(1)

LIKE_COMMANDS = (
    *("quit", "q", "yes", "no !q", "DISCONNECT", "send image.jpg", "/help"),
    *("{'type': 'bye'}", '{"type": "B"}', "%s %d %n {0} {name}", "\\n \\x1b[2J"),
    *("[SERVER TERMINATED]", "The server has closed the chat"),
)


@pytest.mark.task("1.4", role="both", points=3, needs=("1.1", "1.3", "1.6"))
def test_a_text_reaches_everyone_else_and_the_server(chat: Story) -> None:
    """Everyone else and the server see a text; its sender gets no echo."""
    server = chat.server()
    sravya, sanjay, meera = chat.join(), chat.join(), chat.join()
    hello = chat.drawn.text()
    sravya.types(hello)
    sanjay.sees(f"[{sravya}] {hello}")
    meera.sees(f"[{sravya}] {hello}")
    server.sees(f"[{sravya}] {hello}")
    sravya.never_sees(f"[{sravya}] {hello}")


@pytest.mark.task("1.4", role="both", points=1, needs=("1.1", "1.3", "1.6"))
def test_no_line_has_words_of_the_programs_own(chat: Story) -> None:
    """Nothing but a prompt stands before a text, neither at the client nor at the server."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    texts = [chat.drawn.text() for _ in range(3)]
    for text in texts:
        sanjay.types(text)
    lines = [f"[{sanjay}] {text}" for text in texts]
    for party in (sravya, server):
        party.sees(*lines)
        party.adds_no_words(*lines[1:])  # the first may stand behind a prompt that is shown once for each line typed


@pytest.mark.every_network
@pytest.mark.task("1.2", role="both", points=2, needs=("1.1", "1.3", "1.4", "1.6"))
def test_a_conversation_arrives_once_and_in_order(chat: Story) -> None:
    """What one person says when everyone has another's text comes after it, and just once."""
    server = chat.server()
    sravya, sanjay, meera = chat.join(), chat.join(), chat.join()
    lines = []
    for speaker, listener in [(sravya, sanjay), (sanjay, sravya)] * 2:
        text = chat.drawn.text()
        speaker.types(text)
        lines.append(f"[{speaker}] {text}")
        # By all: each speaker has a thread of its own, so an answer may overtake a text that is still being sent.
        for each in (listener, meera, server):
            each.sees(lines[-1])
    meera.sees_once(*lines)
    server.sees_once(*lines)


@pytest.mark.every_network
@pytest.mark.task("1.1", role="both", points=2, needs=("1.2", "1.3", "1.4", "1.6"))
def test_many_texts_typed_at_once_arrive_whole_and_in_order(chat: Story) -> None:
    """Texts sent so closely that TCP glues them together are still texts of their own."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    texts = [chat.drawn.text() for _ in range(20)]
    for text in texts:
        sravya.types(text)
    lines = [f"[{sravya}] {text}" for text in texts]
    sanjay.sees_once(*lines)
    server.sees_once(*lines)


@pytest.mark.task("1.4", role="both", points=1, needs=("1.1", "1.2", "1.3", "1.6"))
def test_both_talk_at_the_same_time(chat: Story) -> None:
    """Texts of two people that cross on the way all arrive, each person's in their order."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    texts = [chat.drawn.text() for _ in range(10)]
    for text in texts:
        sravya.types(text)
        sanjay.types(text)
    sravya.sees_once(*(f"[{sanjay}] {text}" for text in texts))
    sanjay.sees_once(*(f"[{sravya}] {text}" for text in texts))
    server.sees(*(f"[{sanjay}] {text}" for text in texts))
    server.sees(*(f"[{sravya}] {text}" for text in texts))


@pytest.mark.task("1.1", role="both", points=1, needs=("1.2", "1.3", "1.4", "1.6"))
def test_texts_of_any_length_arrive_whole(chat: Story) -> None:
    """A text of one letter, and one that fills several rows of the screen."""
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    for length in (1, 700):
        text = "".join(chat.drawn.pick(*"abcdefghijklmnopqrstuvwxyz") for _ in range(length))
        sravya.types(text)
        sanjay.sees(f"[{sravya}] {text}")


@pytest.mark.every_network
@pytest.mark.task("1.2", role="both", points=2, needs=("1.1", "1.3", "1.4", "1.6"))
def test_a_letter_of_several_bytes_survives_any_cut(chat: Story) -> None:
    """UTF-8 letters that a segment's border splits arrive as they were typed."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    text = "é€😀".join(chat.drawn.pick("ж", "ß", "あ", "क", "🎉") for _ in range(30))
    sravya.types(text)
    sanjay.sees(f"[{sravya}] {text}")
    server.sees(f"[{sravya}] {text}")


@pytest.mark.task("1.4", role="both", points=1, needs=("1.1", "1.3", "1.6"))
def test_a_text_that_looks_like_a_command_is_just_a_text(chat: Story) -> None:
    """A received text is never a command, whatever it says."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    for text in LIKE_COMMANDS:
        sravya.types(text)
        sanjay.sees(f"[{sravya}] {text}")
        server.sees(f"[{sravya}] {text}")
    reply = chat.drawn.text()
    sanjay.types(reply)
    sravya.sees(f"[{sanjay}] {reply}")


@pytest.mark.task("1.4", role="both", points=1, needs=("1.1", "1.3", "1.6"))
def test_a_text_cannot_pass_for_somebody_elses(chat: Story) -> None:
    """Whoever types another's name in brackets is still shown as who they are."""
    chat.server()
    sravya, sanjay, meera = chat.join(), chat.join(), chat.join()
    forged = f"[{sravya}] {chat.drawn.text()}"
    sanjay.types(forged)
    meera.sees(f"[{sanjay}] {forged}")
    meera.never_sees(forged)
