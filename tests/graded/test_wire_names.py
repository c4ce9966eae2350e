"""Who is here, on the wire: names, the roster, who comes and who goes. Stage 2."""

from __future__ import annotations

import pytest

from reference.protocol import Hello, Joined, Left, Refused, Text, TextFrom, Welcome, encode
from tests.graded.bare import BareClient, raw_frame
from tests.graded.party import NAME
from tests.graded.story import Story

pytestmark = pytest.mark.stage(2)

task = pytest.mark.task


def bare_people(chat: Story, count: int) -> list[BareClient]:
    """So many clients of bare frames, who join one after the other."""
    people = [chat.bare_client() for _ in range(count)]
    for person in people:
        person.joins()
    return people


# --- The roster in the welcome ------------------------------------------------------------------------------------


@task("2.1", role="server", points=2, needs=("2.2",))
def test_the_welcome_names_everyone_with_the_newcomer_last(chat: Story) -> None:
    """In the order in which they came."""
    chat.server()
    names: list[str] = []
    for _ in range(4):
        person = chat.bare_client()
        names.append(person.name)
        welcome = person.joins()
        chat.agrees(f"the roster is {names}", welcome.roster == tuple(names), f"it is {welcome.roster}")


@task("2.1", role="server", points=1)
def test_the_server_says_that_it_knows_rosters(chat: Story) -> None:
    """So that a client knows whether an empty roster means something."""
    chat.server()
    welcome = chat.bare_client().joins()
    chat.agrees("roster is among its features", "roster" in welcome.features, f"they are {welcome.features}")


@task("2.1", role="server", points=2, needs=("2.2", "2.3", "2.4"))
def test_roster_and_notices_always_agree(chat: Story) -> None:
    """While people come and go all the time, whoever keeps count by the notices knows who is there."""
    chat.makes_races_certain()
    chat.server()
    steady = chat.bare_client()
    here = set(steady.joins().roster)
    guests = bare_people(chat, 3)
    for _ in range(4):
        for number, guest in enumerate(guests):
            guest.goes()
            guests[number] = chat.bare_client()
            guests[number].sends(Hello(guests[number].name, ("roster",)))
    for guest in guests:
        roster = guest.gets_next(Welcome).roster
        chat.agrees(f"{guest} is last in its own roster", roster[-1:] == (guest.name,), f"it is {roster}")
    last = chat.bare_client()
    expected = set(last.joins().roster)
    leaving = {guest.name for guest in guests} | {steady.name, last.name}
    with chat.step(f"{steady} has heard of everyone's coming and going"):
        while here != leaving:
            frame = steady.gets_any(Joined, Left)
            here = here | {frame.name} if isinstance(frame, Joined) else here - {frame.name}
    chat.agrees("nobody who is there is missing in the last roster", leaving <= expected, f"it has {expected}")


# --- Names --------------------------------------------------------------------------------------------------------


@task("2.2", role="server", points=3)
@pytest.mark.direct
def test_of_several_who_want_one_name_at_the_same_moment_one_gets_it(chat: Story) -> None:
    """Looking whether it is free and taking it must be one step."""
    chat.makes_races_certain(lock_seconds=0.03)  # all five come within that time, on a busy machine too
    server = chat.server()
    for _ in range(2):
        name = chat.drawn.name()
        wanting = [chat.bare_client(name) for _ in range(5)]
        hello = encode(Hello(name, ("roster",)))
        for person in wanting:
            person.sends_bytes("hello but for its last byte", hello[:-1])
        with chat.step("all of them send the last byte"):
            for person in wanting:
                person.sends_bytes("the last byte", hello[-1:])
        answers = [person.gets_any(Welcome, Refused) for person in wanting]
        welcomed = sum(isinstance(answer, Welcome) for answer in answers)
        chat.agrees(f"one of five is welcomed as {name}", welcomed == 1, f"{welcomed} are")
        server.sees(name)
        times = server.count(name)
        chat.agrees(f"the server shows {name} once", times == 1, f"{times} times")
        for person in wanting:
            person.goes()


@task("2.2", role="server", points=2)
def test_a_taken_name_is_refused_and_another_is_taken_on_the_same_connection(chat: Story) -> None:
    """The one who had it first keeps it, and keeps hearing."""
    server = chat.server()
    first, listener = bare_people(chat, 2)
    second = chat.bare_client(first.name)
    second.sends(Hello(first.name, ("roster",)))
    refused = second.gets_next(Refused)
    chat.agrees("there is a reason", bool(refused.reason.strip()))
    chat.agrees("its code begins with name-", refused.code.startswith("name-"), f"it is {refused.code!r}")
    second.name = chat.drawn.name()
    welcome = second.joins()
    roster = (first.name, listener.name, second.name)
    chat.agrees(f"the roster is {roster}", welcome.roster == roster or not welcome.roster, f"it is {welcome.roster}")
    hello = chat.drawn.text()
    second.says(hello)
    first.hears(second, hello)
    listener.hears(second, hello)
    server.sees(str(first), str(listener), str(second), f"[{second}] {hello}")


@task("2.2", role="server", points=1)
def test_names_that_look_the_same_are_the_same(chat: Story) -> None:
    """Large or small letters make no other name: nobody could tell the two apart."""
    chat.server()
    bare_people_named(chat, "Sravya")
    for name in ("sravya", "SRAVYA"):
        other = chat.bare_client(name)
        other.sends(Hello(name, ("roster",)))
        other.gets_next(Refused)


def bare_people_named(chat: Story, *names: str) -> list[BareClient]:
    """Clients of bare frames with these names, who join one after the other."""
    people = [chat.bare_client(name) for name in names]
    for person in people:
        person.joins()
    return people


@task("2.2", role="server", points=2)
@pytest.mark.parametrize(
    "name",
    ["", " ", "\t", "a" * 33, "é" * 33, "a\nb", "a\x1b[31mb", "a\x00b", "a\rb", "\x7f"],
    ids=["empty", "blank", "tab", "33 letters", "33 of two bytes", "break", "escape", "nul", "return", "delete"],
)
def test_a_name_that_nobody_could_read_is_refused(chat: Story, name: str) -> None:
    """With a reason; the next try on the same connection is free."""
    server = chat.server()
    before = server.shown()
    guest = chat.bare_client()
    guest.sends(Hello(name, ("roster",)))
    refused = guest.gets_next(Refused)
    chat.agrees("there is a reason", bool(refused.reason.strip()))
    guest.joins()
    server.sees(guest.name)
    after = server.shown()
    chat.agrees("the server shows just the good name", after == [*before, guest.name], f"{after[len(before) :]}")


@task("2.2", role="server", points=1)
@pytest.mark.parametrize("name", ["a" * 32, "é" * 32, "ж", "[x]", "!q", "a b", 'o\'neill "o"', "😀", "client 1"])
def test_any_other_name_is_welcome(chat: Story, name: str) -> None:
    """Up to 32 characters of any script, also one that looks like a command."""
    server = chat.server()
    guest = chat.bare_client(name)
    guest.joins()
    server.sees(name)


@task("2.2", role="server", points=2, needs=("2.4",))
def test_who_is_refused_and_goes_takes_nobody_along(chat: Story) -> None:
    """The one who has the name stays, is still in the roster, and nobody is told that they left."""
    chat.server()
    first, listener = bare_people(chat, 2)
    second = chat.bare_client(first.name)
    second.sends(Hello(first.name, ("roster",)))
    second.gets_next(Refused)
    second.goes()
    speaker = chat.bare_client()
    speaker.joins()
    hello = chat.drawn.text()
    speaker.says(hello)
    first.hears(speaker, hello)
    listener.hears(speaker, hello)
    chat.agrees("nobody was told that somebody left", not listener.got(Left), f"it got {listener.got(Left)}")


# --- Who comes ----------------------------------------------------------------------------------------------------


@task("2.3", role="server", points=2, needs=("2.2",))
def test_those_who_are_there_are_told_once_who_comes(chat: Story) -> None:
    """Everyone who came before, each time; never oneself, and never of those who came before."""
    chat.server()
    people = bare_people(chat, 4)
    hello = chat.drawn.text()
    people[-1].says(hello)
    for number, person in enumerate(people[:-1]):
        person.hears(people[-1], hello)
        later = [str(each) for each in people[number + 1 :]]
        # In any order, and perhaps after the text: each is announced by a thread of its own.
        while len(person.got(Joined)) < len(later):
            person.gets(Joined)
        told = [frame.name for frame in person.got(Joined)]  # type: ignore[union-attr]
        chat.agrees(f"{person} was told of {later}", sorted(told) == sorted(later), f"it was told of {told}")
    people[0].says(hello)
    people[-1].hears(people[0], hello)
    chat.agrees("the last one was told of nobody", not people[-1].got(Joined), f"{people[-1].got(Joined)}")


@task("2.3", role="server", points=1, needs=("2.1", "2.4"))
def test_who_does_not_know_notices_gets_none(chat: Story) -> None:
    """A client of stage 1 has named no features: it gets texts, and nothing it has never heard of."""
    chat.server()
    old = chat.bare_client()
    old.joins(can=())
    guest, speaker = bare_people(chat, 2)
    guest.goes()
    speaker.gets(Left)
    hello = chat.drawn.text()
    speaker.says(hello)
    old.hears(speaker, hello)
    chat.agrees("it got only texts", len(old.sees) == 2, f"it got {old.sees}")


@task("2.3", role="server", points=1)
def test_a_newcomer_is_announced_before_it_is_heard(chat: Story) -> None:
    """Also one who speaks at once."""
    chat.makes_races_certain()
    chat.server()
    listener = chat.bare_client()
    listener.joins()
    for _ in range(3):
        guest = chat.bare_client()
        guest.sends(Hello(guest.name, ("roster",)), Text("hello"))
        joined = listener.gets_any(Joined, TextFrom)
        chat.agrees(f"{guest} is announced first", joined == Joined(guest.name), f"it got {joined}")
        listener.hears(guest, "hello")


# --- Who goes -----------------------------------------------------------------------------------------------------


@task("2.4", role="server", points=2)
@pytest.mark.parametrize("how", ["closes", "resets", "breaks the rules"])
def test_everyone_is_told_once_who_has_gone(chat: Story, how: str) -> None:
    """However it went."""
    chat.server()
    guest, *others = bare_people(chat, 3)
    if how == "closes":
        guest.goes()
    elif how == "resets":
        guest.vanishes()
    else:
        guest.sends_bytes("no JSON", raw_frame("T", b"hello"))
        guest.is_hung_up_on()
    for person in others:
        person.gets_exactly(Left(guest.name))
    hello = chat.drawn.text()
    others[0].says(hello)
    others[1].hears(others[0], hello)
    for person in others:
        chat.agrees(f"{person} was told just once", len(person.got(Left)) == 1, f"{person.got(Left)}")
    chat.bare_client(guest.name).joins()  # the name is free again


@task("2.4", role="server", points=1, needs=("2.2",))
def test_who_never_joined_is_never_said_to_have_gone(chat: Story) -> None:
    """One who connects, says nothing and goes was never there."""
    chat.server()
    listener, speaker = bare_people(chat, 2)
    silent = chat.bare_client()
    silent.goes()
    refused = chat.bare_client()
    refused.sends(Hello("", ("roster",)))
    refused.gets(Refused)
    refused.goes()
    hello = chat.drawn.text()
    speaker.says(hello)
    listener.hears(speaker, hello)
    chat.agrees("it was told of nobody's going", not listener.got(Left), f"it was told {listener.got(Left)}")


@task("2.4", role="server", points=2, needs=("2.3",))
@pytest.mark.direct
def test_many_go_at_the_same_moment_and_each_is_told_of(chat: Story) -> None:
    """Threads that all take themselves out of one list, and tell all who are in it."""
    chat.makes_races_certain()
    chat.server()
    listener, speaker = bare_people(chat, 2)
    for _ in range(2):
        guests = bare_people(chat, 6)
        with chat.step("all of them go at once"):
            for guest in guests:
                guest.vanishes()
        with chat.step(f"{listener} is told of each"):
            for _ in guests:
                listener.gets(Left)
    hello = chat.drawn.text()
    speaker.says(hello)
    listener.hears(speaker, hello)
    names = {frame.name for frame in listener.got(Left)}  # type: ignore[union-attr]
    chat.agrees("of each once", len(names) == len(listener.got(Left)) == 12, f"{listener.got(Left)}")


# --- The client's screen ------------------------------------------------------------------------------------------


@task("2.5", role="client", points=2)
def test_a_client_shows_the_roster_it_is_given(chat: Story) -> None:
    """How many there are, and each with a number, as the server has them."""
    names = [chat.drawn.name() for _ in range(3)]
    sravya, _ = chat.bare_server(before=tuple(names))
    everyone = [*names, sravya.name]
    sravya.sees("Total No of Clients: 4", *(f"Client {number} : {name}" for number, name in enumerate(everyone, 1)))


@task("2.5", role="client", points=2)
def test_a_client_shows_who_comes_and_who_goes(chat: Story) -> None:
    """As it is told, in that order."""
    sravya, server = chat.bare_server()
    first, second = chat.drawn.name(), chat.drawn.name()
    server.sends(Joined(first), Joined(second), Left(first))
    sravya.sees(f"{first} joined the chat!", f"{second} joined the chat!", f"{first} exited the chat")
    server.says(second, "hello")
    sravya.sees(f"[{second}] hello")


@task("2.5", role="client", points=1)
def test_a_client_needs_no_roster(chat: Story) -> None:
    """A server of stage 1 sends none: then there is nothing to show, and the chat goes on."""
    sravya, server = chat.bare_server(can=())
    name, text = chat.drawn.name(), chat.drawn.text()
    server.says(name, text)
    sravya.sees(f"[{name}] {text}")
    shown = [line for line in sravya.program.lines() if "Client" in line]
    chat.agrees("it shows no roster", not shown, f"it shows {shown}")


@task("2.5", role="client", points=1)
def test_no_name_can_forge_a_line(chat: Story) -> None:
    """Whatever a server says somebody is called stays in its line."""
    sravya, server = chat.bare_server()
    forged = f"[somebody] {chat.drawn.text()}"
    server.sends(Joined(f"x\n{forged}"), Left(f"x\x1b[2J\r\n{forged}"))
    server.says("somebody else", "hello")
    sravya.sees("[somebody else] hello")
    lines = sravya.program.lines()
    chat.agrees("no line is forged", not any(line.startswith(forged) for line in lines), f"the lines are {lines}")


@task("2.5", role="client", points=1, needs=("2.1",))
def test_a_client_says_that_it_knows_rosters(chat: Story) -> None:
    """In its hello; a server sends nothing to a client that it did not name."""
    sravya, server = chat.bare_server_that_refuses("another one, please")
    sravya.answers(NAME, chat.drawn.name())
    hello = server.gets_next(Hello)
    chat.agrees("roster is among its features", "roster" in hello.features, f"they are {hello.features}")
