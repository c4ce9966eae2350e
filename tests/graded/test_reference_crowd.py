"""Many people, and some that do not keep up: what the reference's server must bear."""

from __future__ import annotations

import pytest

from tests.graded.story import Story

pytestmark = [
    pytest.mark.reference("server"),
    pytest.mark.reference("client"),
    pytest.mark.direct,
]


def test_sixty_people_see_everything_once_and_in_one_order(chat: Story) -> None:
    """All talk at the same time; everyone sees the others' texts in the server's order."""
    server = chat.server()
    people = chat.join_by_pipes([chat.drawn.name() for _ in range(60)])
    said = {}
    for _ in range(2):
        for person in people:
            text = chat.drawn.text()
            said[f"[{person}] {text}"] = person
            person.types(text)
    server.sees_all(said)
    order = [line for line in server.program.lines() if line in said]
    chat.agrees("the server shows each once", sorted(order) == sorted(said))
    for person in people:
        others = [line for line in order if said[line] is not person]
        person.sees_all(others)
        seen = [line for line in person.program.lines() if line in said]
        chat.agrees(
            f"{person} saw the others' texts once and in the server's order",
            seen == others,
            f"the first difference is at {_first_difference(seen, others)}",
        )


def test_a_server_whose_terminal_is_stopped_goes_on(chat: Story) -> None:
    """Ctrl-S there holds up nobody: what it cannot print does not keep texts from flowing."""
    server = chat.server()
    sravya, sanjay = chat.join_by_pipes([chat.drawn.name(), chat.drawn.name()])
    with chat.step("the server's terminal stops"):
        server.program.pause_output()
    texts = [f"{number} " + "x" * 900 for number in range(400)]
    with chat.step(f"{sravya} says more than any terminal holds"):
        for text in texts:
            sravya.program.type(text)
    with chat.step(f"{sanjay} sees all of it"):
        sanjay.sees_all([f"[{sravya}] {text}" for text in texts])
    with chat.step("the server's terminal goes on"):
        server.program.resume_output()
    hello = chat.drawn.text()
    sanjay.types(hello)
    server.sees(f"[{sanjay}] {hello}")


def test_one_who_freezes_for_a_while_loses_nothing(chat: Story) -> None:
    """The others talk on meanwhile, and on waking everything said is there, in order."""
    chat.server()
    sravya, sanjay, meera = chat.join_by_pipes([chat.drawn.name() for _ in range(3)])
    with chat.step(f"{meera} freezes"):
        meera.program.stop()
    texts = [f"{number} {chat.drawn.text()}" for number in range(200)]
    with chat.step(f"{sravya} says {len(texts)} things, and {sanjay} sees them"):
        for text in texts:
            sravya.program.type(text)
        sanjay.sees_all([f"[{sravya}] {text}" for text in texts])
    with chat.step(f"{meera} wakes"):
        meera.program.cont()
    meera.sees(*(f"[{sravya}] {text}" for text in texts))


def _first_difference(seen: list[str], expected: list[str]) -> str:
    for number, (one, other) in enumerate(zip(seen, expected, strict=False)):
        if one != other:
            return f"line {number}: {one!r} instead of {other!r}"
    return f"the end: {len(seen)} lines instead of {len(expected)}"
