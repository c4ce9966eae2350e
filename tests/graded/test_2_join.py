"""Transcript 2: join."""

from __future__ import annotations

import pytest

from tests.graded.party import CONNECT, NAME
from tests.graded.story import Story


@pytest.mark.stage(2)
@pytest.mark.every_network
@pytest.mark.task("2.1", role="both", points=3, needs=("2.5",))
def test_the_roster_has_everyone_with_oneself_last(chat: Story) -> None:
    """The number of people, then each with their number, in the order they came."""
    chat.server()
    names: list[str] = []
    for _ in range(3):
        person = chat.join()
        names.append(str(person))
        person.sees(
            f"Total No of Clients: {len(names)}",
            *(f"Client {number} : {name}" for number, name in enumerate(names, 1)),
        )


@pytest.mark.stage(2)
@pytest.mark.task("2.3", role="both", points=2, needs=("2.1", "2.5"))
def test_those_already_there_see_who_joins(chat: Story) -> None:
    """Everyone there sees it once; the one who joins does not."""
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    sravya.sees(f"{sanjay} joined the chat!")  # before the next one joins: each is announced by a thread of its own
    meera = chat.join()
    sravya.sees_once(f"{sanjay} joined the chat!", f"{meera} joined the chat!")
    sanjay.sees_once(f"{meera} joined the chat!")
    sanjay.never_sees(f"{sanjay} joined the chat!", f"{sravya} joined the chat!")
    meera.never_sees(f"{meera} joined the chat!")


@pytest.mark.stage(2)
@pytest.mark.task("2.4", role="both", points=2, needs=("2.1", "2.5"))
def test_one_who_left_is_no_longer_in_the_roster(chat: Story) -> None:
    """Whoever comes later sees just those who are there, numbered without a gap."""
    chat.server()
    sravya, sanjay, meera = chat.join(), chat.join(), chat.join()
    chat.everyone_talks()
    sanjay.presses("Ctrl-C")
    sanjay.ends(0)
    sravya.sees(f"{sanjay} exited the chat")
    arjun = chat.join()
    arjun.sees(
        "Total No of Clients: 3",
        f"Client 1 : {sravya}",
        f"Client 2 : {meera}",
        f"Client 3 : {arjun}",
    )


@pytest.mark.stage(2)
@pytest.mark.task("2.4", role="both", points=2, needs=("2.1", "2.2", "2.5"))
def test_a_name_is_free_again_when_its_owner_has_left(chat: Story) -> None:
    """The same person can come back under the same name."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    chat.everyone_talks()
    sanjay.presses("Ctrl-C")
    sanjay.ends(0)
    sravya.sees(f"{sanjay} exited the chat")
    again = chat.join(sanjay.name)
    again.sees("Total No of Clients: 2", f"Client 1 : {sravya}", f"Client 2 : {sanjay}")
    hello = chat.drawn.text()
    again.types(hello)
    sravya.sees(f"[{sanjay}] {hello}")
    server.sees(str(sravya), str(sanjay), str(sanjay))


@pytest.mark.stage(1)
@pytest.mark.task("1.3", role="both", points=1, needs=("1.1", "1.4", "1.6"))
def test_the_server_prints_each_name_once_as_they_join(chat: Story) -> None:
    """A line with just the name, in the order people came."""
    server = chat.server()
    people = []
    for _ in range(3):
        people.append(chat.join())
        server.sees(str(people[-1]))  # before the next one joins: each is printed by a thread of its own
    server.sees_once(*map(str, people))


@pytest.mark.stage(1)
@pytest.mark.task("1.6", role="client", points=1, needs=("1.1", "1.3"))
def test_no_ends_the_client_and_the_server_sees_nothing(chat: Story) -> None:
    """Exit status 0 at once, without a connection."""
    server = chat.server()
    before = server.shown()
    sravya = chat.opens_client()
    sravya.answers(CONNECT, "no")
    sravya.ends(0)
    sanjay = chat.join()
    after = server.shown()
    chat.agrees(
        "the server saw only the next one come",
        after == [*before, str(sanjay)],
        f"it printed {after[len(before) :]}",
    )


@pytest.mark.stage(1)
@pytest.mark.task("1.6", role="client", points=1, needs=("1.1", "1.3"))
def test_any_other_answer_asks_again(chat: Story) -> None:
    """Neither yes nor no: the same question once more, and a yes then counts."""
    chat.server()
    sravya = chat.opens_client()
    for answer in ("", "maybe", "y e s", "nope", "1"):
        sravya.answers(CONNECT, answer)
        sravya.is_asked_again(CONNECT)
    sravya.goes_in()


@pytest.mark.stage(2)
@pytest.mark.every_network
@pytest.mark.task("2.2", role="both", points=2, needs=("2.1", "2.5"))
def test_a_name_that_is_taken_is_refused_and_asked_again(chat: Story) -> None:
    """The reason, and the same question; with another name they are in, as themselves."""
    server = chat.server()
    sravya = chat.join()
    sanjay = chat.opens_client()
    sanjay.answers_up_to_the_name()
    sanjay.answers(NAME, sravya.name)
    sanjay.is_told_why_before(NAME)
    sanjay.goes_in()
    hello = chat.drawn.text()
    sanjay.types(hello)
    sravya.sees(f"[{sanjay}] {hello}")
    server.sees_once(str(sravya), str(sanjay))


@pytest.mark.stage(2)
@pytest.mark.task("2.2", role="both", points=2, needs=("2.1", "2.5"))
def test_a_name_that_is_none_is_refused_and_asked_again(chat: Story) -> None:
    """Empty, blank or longer than 32 letters: the reason, and the same question."""
    server = chat.server()
    before = server.shown()
    sravya = chat.opens_client()
    sravya.answers_up_to_the_name()
    for name in ("", "   ", "a" * 33, "é" * 40):
        sravya.answers(NAME, name)
        sravya.is_told_why_before(NAME)
    sravya.goes_in()
    after = server.shown()
    chat.agrees(
        "the server printed just the name that was good",
        after == [*before, str(sravya)],
        f"it printed {after[len(before) :]}",
    )


@pytest.mark.stage(1)
@pytest.mark.task("1.3", role="both", points=1, needs=("1.1", "1.4", "1.6"))
def test_who_refuses_to_choose_a_name_harms_nobody(chat: Story) -> None:
    """Someone who stops at the question for the name is in nobody's way, and nobody sees them."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    silent = chat.opens_client()
    silent.answers_up_to_the_name()
    hello = chat.drawn.text()
    sravya.types(hello)
    sanjay.sees(f"[{sravya}] {hello}")
    silent.presses("Ctrl-C")
    silent.ends(0)
    sravya.never_sees(f"{silent} joined the chat!", f"{silent} exited the chat")
    server.never_sees(str(silent))
