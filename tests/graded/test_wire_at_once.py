"""Several who come at the same moment: each must learn of each exactly once. Stage 2."""

from __future__ import annotations

import pytest

from reference.protocol import Hello, Joined, Text, TextFrom, Welcome, encode
from tests.graded.bare import BareClient
from tests.graded.story import Story

pytestmark = [pytest.mark.stage(2), pytest.mark.direct]

task = pytest.mark.task


def makes_all_come_while_one_waits(chat: Story) -> None:
    """Whoever wants a lock waits for so long that all the others come meanwhile, on a busy machine too."""
    chat.makes_races_certain(bytes_at_once=4096, lock_seconds=0.03)


def come_at_once(chat: Story, count: int) -> list[tuple[BareClient, Welcome]]:
    """So many clients of bare frames whose hellos are whole at the same moment, each with its welcome."""
    people = [chat.bare_client() for _ in range(count)]
    hellos = [encode(Hello(person.name, ("roster",))) for person in people]
    for person, hello in zip(people, hellos, strict=True):
        person.sends_bytes("hello but for its last byte", hello[:-1])
    with chat.step("all of them send the last byte"):
        for person, hello in zip(people, hellos, strict=True):
            person.sends_bytes("the last byte", hello[-1:])
    return [(person, person.gets(Welcome)) for person in people]


@task("2.1", role="server", points=2, needs=("2.2",))
def test_of_several_who_come_at_once_each_is_last_in_its_own_roster(chat: Story) -> None:
    """Whoever is in the room when the roster is made, but came later, does not belong into it."""
    makes_all_come_while_one_waits(chat)
    chat.server()
    for _ in range(3):
        for person, welcome in come_at_once(chat, 4):
            roster = welcome.roster or ()
            chat.agrees(f"{person} is last in its own roster", roster[-1:] == (person.name,), f"it is {roster}")
            person.goes()


@task("2.3", role="server", points=3, needs=("2.1", "2.2"))
def test_of_several_who_come_at_once_each_learns_of_each_once(chat: Story) -> None:
    """By the roster of those who came before, by a notice of those who came after; never by both, nor by neither."""
    makes_all_come_while_one_waits(chat)
    chat.server()
    for _ in range(3):
        came = come_at_once(chat, 4)
        names = sorted(person.name for person, _ in came)
        for person, _ in came:
            person.sends(Text("I am in"))  # whose text is heard has been announced
        for person, welcome in came:
            while len(heard_of(person, names)) < len(names) - 1:
                person.gets(TextFrom)
            joined = [frame.name for frame in person.got(Joined)]  # type: ignore[union-attr]
            told = sorted(name for name in [*(welcome.roster or ()), *joined] if name in names)
            chat.agrees(f"{person} learns of {names}, of each once", told == names, f"of {told}")
        for person, _ in came:
            person.goes()


def heard_of(person: BareClient, names: list[str]) -> list[str]:
    """Whose texts, of these people's, someone has heard."""
    return [frame.sender for frame in person.got(TextFrom) if frame.sender in names]  # type: ignore[union-attr]
