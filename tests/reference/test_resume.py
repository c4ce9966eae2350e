"""A connection that breaks: what was said is neither lost nor doubled, and the place is held."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from labkit.proxy import Proxy
from reference import room as room_module
from reference.client import connection
from reference.flood import FloodControl
from reference.protocol import (
    BYE,
    FEATURES,
    FILES,
    RESUME,
    ROSTER,
    Ack,
    Earlier,
    Frame,
    Hello,
    Joined,
    Left,
    Numbers,
    OfferFrom,
    ProtocolError,
    Refused,
    Resume,
    Text,
    TextFrom,
    Welcome,
    encode,
)
from reference.room import Entry, Member, NameRefused, Room
from tests.reference.cutting import chat, send_through_cuts
from tests.reference.live import ClientProgram, Live, ServerProgram, serving
from tests.reference.people import BASIC, DEADLINE, Lines, Mailbox, enter, seen, take
from tests.reference.raw import Raw

CAN_RESUME = (ROSTER, FILES, BYE, RESUME)


class Clock:
    """A clock that stands still until it is told otherwise."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The room's clock."""
    return Clock()


@pytest.fixture
def lines() -> Lines:
    """What the server shows."""
    return Lines()


@pytest.fixture
def room(clock: Clock, lines: Lines) -> Room:
    """A room that holds places for 15 seconds."""
    return Room(lines.show, lambda: None, hold=15.0, clock=clock)


def token_of(member: Member) -> Numbers:
    """What the member was told about coming back."""
    return next(frame for frame in reversed(seen(member)) if isinstance(frame, Numbers))


def join_to_resume(raw: Raw) -> Numbers:
    """Join a real server as ann, and return what she was told about coming back."""
    raw.join("ann", CAN_RESUME)
    numbers = raw.until(Numbers)[-1]
    assert isinstance(numbers, Numbers)
    return numbers


def come_back(room: Room, numbers: Numbers, number: int, said: int = 0) -> tuple[Member, list[Frame]]:
    """Resume, and return what the new connection is sent."""
    member = room.resume(Resume(numbers.token, number, said), Mailbox(), FEATURES)
    return member, take(member)


# --- Numbers -------------------------------------------------------------------------------------------------------


def test_who_can_resume_is_told_where_it_stands(room: Room):
    """The welcome's entry is the last before what comes next."""
    enter(room, "ann")
    bob = enter(room, "bob", CAN_RESUME)
    assert seen(bob) == [Welcome(FEATURES, ("ann", "bob")), Numbers(bob.token, 2)]


def test_tokens_differ_and_cannot_be_guessed(room: Room):
    """128 random bits each."""
    tokens = {enter(room, str(number), CAN_RESUME).token for number in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {16}


def test_an_own_text_is_acknowledged_in_its_place(room: Room):
    """By the room's number, and between the texts of the others."""
    ann, bob = enter(room, "ann", CAN_RESUME), enter(room, "bob", CAN_RESUME)
    take(ann)
    room.say(bob, Text("first"))
    room.say(ann, Text("mine"))
    room.say(bob, Text("last"))
    assert take(ann) == [TextFrom("bob", "first"), Ack(4, 1), TextFrom("bob", "last")]


def test_who_would_not_see_every_entry_cannot_resume(room: Room):
    """Counting would tell it nothing."""
    assert seen(enter(room, "ann", (RESUME,))) == [Welcome(FEATURES)]


# --- Coming back ---------------------------------------------------------------------------------------------------


def test_what_was_said_meanwhile_comes_once_and_in_order(room: Room):
    """And then what is said from now on."""
    ann, bob = enter(room, "ann", CAN_RESUME), enter(room, "bob")
    numbers = token_of(ann)
    room.say(bob, Text("seen"))
    room.hold(ann, "")
    room.say(bob, Text("one"))
    room.say(bob, Text("two"))
    ann, frames = come_back(room, numbers, number=3)
    assert frames == [
        Welcome(FEATURES, ("ann", "bob")),
        Numbers(numbers.token, 3),
        TextFrom("bob", "one"),
        TextFrom("bob", "two"),
    ]
    room.say(bob, Text("three"))
    assert take(ann) == [TextFrom("bob", "three")]


def test_what_was_heard_is_told_so_that_it_is_not_said_twice(room: Room):
    """Also where the acknowledgement was lost; it comes again in its place."""
    ann = enter(room, "ann", CAN_RESUME)
    room.say(ann, Text("heard"))
    room.hold(ann, "")
    _, frames = come_back(room, token_of(ann), number=1)
    assert frames[1:] == [Numbers(ann.token, 1, said=0, heard=1), Ack(2, 1)]


def test_the_others_see_nothing_of_it(room: Room, lines: Lines):
    """The server does."""
    ann, bob = enter(room, "ann", CAN_RESUME), enter(room, "bob")
    take(bob)
    room.hold(ann, "[ann] connection lost")
    come_back(room, token_of(ann), number=2)
    assert take(bob) == []
    assert lines[-2:] == ["[ann] connection lost", "[ann] reconnected"]


def test_a_connection_that_only_its_client_knows_is_broken_is_ended(room: Room):
    """The server ends it, and hears nothing more from it before the next one speaks."""
    old = Mailbox()
    ann = enter(room, "ann", CAN_RESUME, old)
    old.give_up = lambda: ann.voice.locked() and room.hold(ann, "")  # type: ignore[assignment, method-assign]
    come_back(room, token_of(ann), number=1)
    assert ann.outbox is not old


def test_an_unknown_token_is_refused(room: Room):
    """As after a restart of the server: the client then says hello."""
    with pytest.raises(NameRefused) as caught:
        room.resume(Resume(bytes(16), 0, 0), Mailbox(), FEATURES)
    assert caught.value.code == "name-unknown"


@pytest.mark.parametrize(("number", "said"), [(99, 0), (1, 99)])
def test_numbers_that_the_server_has_not_reached_are_refused(room: Room, number: int, said: int):
    """Whoever tells them is not who has this token, or there is a mistake."""
    ann = enter(room, "ann", CAN_RESUME)
    room.hold(ann, "")
    with pytest.raises(NameRefused):
        room.resume(Resume(ann.token, number, said), Mailbox(), FEATURES)


# --- The place -----------------------------------------------------------------------------------------------------


def test_numbers_that_do_not_fit_together_are_refused_and_the_place_is_held_on(room: Room, clock: Clock):
    """The last number, but none of one's own texts: nobody gets a place for that, and none is kept for ever."""
    ann = enter(room, "ann", CAN_RESUME)
    for _ in range(4):
        room.say(ann, Text("hello"))
    last = max(frame.number for frame in seen(ann) if isinstance(frame, Ack))
    room.hold(ann, "")
    with pytest.raises(NameRefused):
        room.resume(Resume(ann.token, last, 0), Mailbox(), FEATURES)
    clock.now = 15.0
    assert room.expire() == [ann]


def test_a_refused_one_leaves_nothing_unsaid(room: Room):
    """What comes into the log in its round is left to it by everybody else."""

    class Answering(Mailbox):
        answers = False

        def send(self, frames: bytes) -> None:
            super().send(frames)
            if self.answers:
                self.answers = False
                room.add(Entry(None, encode(TextFrom("eve", "in the midst of the round"))))

    answering = Answering()
    bob, ann = enter(room, "bob", mailbox=answering), enter(room, "ann", CAN_RESUME)
    room.hold(ann, "")
    room.add(Entry(None, encode(TextFrom("eve", "before"))))
    answering.answers = True
    with pytest.raises(NameRefused):
        room.resume(Resume(ann.token, 1_000, 0), Mailbox(), FEATURES)
    assert seen(bob)[-1] == TextFrom("eve", "in the midst of the round")


def test_a_place_is_held_and_then_given_up(room: Room, clock: Clock):
    """The others see the exit only then."""
    ann, bob = enter(room, "ann", CAN_RESUME), enter(room, "bob")
    take(bob)
    room.hold(ann, "")
    clock.now = 14.9
    assert (room.expire(), take(bob)) == ([], [])
    clock.now = 15.0
    assert (room.expire(), take(bob)) == ([ann], [Left("ann")])


def test_who_asks_for_a_held_name_is_told_when_it_is_free(room: Room, clock: Clock):
    """In words for somebody whose own connection it was."""
    room.hold(enter(room, "ann", CAN_RESUME), "")
    clock.now = 4.5
    with pytest.raises(NameRefused) as caught:
        enter(room, "Ann")
    assert str(caught.value) == "in use, perhaps by your lost connection; free in 11 s"
    assert caught.value.code == "name-held"


def test_who_comes_back_late_has_missed_nothing_either(room: Room, clock: Clock):
    """The others see an exit and a join, and who comes back is sent what it has not seen."""
    ann, bob = enter(room, "ann", CAN_RESUME), enter(room, "bob")
    room.hold(ann, "")
    clock.now = 20
    room.expire()
    room.say(bob, Text("hi"))
    take(bob)
    _, frames = come_back(room, token_of(ann), number=2)
    assert frames[1:] == [Numbers(ann.token, 2), Ack(3, 0), TextFrom("bob", "hi"), Ack(5, 0)]
    assert take(bob) == [Joined("ann")]


def test_held_places_count_as_taken(room: Room, monkeypatch: pytest.MonkeyPatch):
    """However many come and break off: the next welcome, which lists them all, still fits into a frame."""
    monkeypatch.setattr(room_module, "MAX_PLACES", 2)
    for name in ("ann", "bob"):
        room.hold(enter(room, name, CAN_RESUME), "")
    with pytest.raises(ProtocolError) as caught:
        enter(room, "eve")
    assert caught.value.code == "full"


def test_one_address_cannot_take_every_place(room: Room, monkeypatch: pytest.MonkeyPatch):
    """By breaking off again and again: beyond a bound its places are not held, until somebody comes back."""
    monkeypatch.setattr(room_module, "MAX_HELD_EACH", 1)
    ann, bob, eve = (
        room.join(name, frozenset(CAN_RESUME), Mailbox(), FEATURES, address)
        for name, address in (("ann", "here"), ("bob", "here"), ("eve", "there"))
    )
    assert room.hold(ann, "")
    assert not room.hold(bob, "")
    assert room.hold(eve, "")
    come_back(room, token_of(ann), number=3)
    assert room.hold(bob, "")


def test_whose_place_is_not_held_leaves(monkeypatch: pytest.MonkeyPatch):
    """As those who cannot come back do."""
    monkeypatch.setattr(room_module, "MAX_HELD_EACH", 0)
    with serving() as live, Raw(live.address) as bob:
        with Raw(live.address) as ann:
            ann.join("ann", CAN_RESUME)
            bob.join("bob")
        assert bob.next() == Left("ann")


def test_nobody_can_ask_for_what_was_said_before_they_came(room: Room):
    """By a number that is none of theirs."""
    enter(room, "ann")
    bob = enter(room, "bob", CAN_RESUME)
    room.hold(bob, "")
    with pytest.raises(NameRefused) as caught:
        come_back(room, token_of(bob), number=1)
    assert caught.value.code == "name-unknown"


def test_who_has_said_goodbye_meanwhile_does_not_come_back(room: Room):
    """The goodbye may be the last that is heard from the old connection while the new one waits for its silence."""

    class Leaving(Mailbox):
        def give_up(self) -> None:
            room.leave(ann, "")

    ann = enter(room, "ann", CAN_RESUME, Leaving())
    with pytest.raises(NameRefused) as caught:
        come_back(room, token_of(ann), number=1)
    assert caught.value.code == "name-unknown"


def test_the_longest_names_of_all_places_fit_into_a_welcome():
    """Or somebody's join would break the room."""
    names = (f"{number:04}".ljust(room_module.MAX_NAME, "\U0001d54f") for number in range(room_module.MAX_PLACES))
    encode(Welcome(FEATURES, tuple(names)))


def test_a_late_one_does_not_take_a_name_back_from_somebody_else(room: Room, clock: Clock):
    """First come, first served."""
    ann = enter(room, "ann", CAN_RESUME)
    room.hold(ann, "")
    clock.now = 20
    room.expire()
    enter(room, "ANN")
    with pytest.raises(NameRefused) as caught:
        come_back(room, token_of(ann), number=1)
    assert caught.value.code == "name-taken"


def test_who_said_goodbye_does_not_come_back(room: Room):
    """Its token is worth nothing any more."""
    ann = enter(room, "ann", CAN_RESUME)
    room.leave(ann, "")
    with pytest.raises(NameRefused):
        come_back(room, token_of(ann), number=1)


# --- The history ---------------------------------------------------------------------------------------------------


def test_beyond_the_history_the_count_is_exact(room: Room, monkeypatch: pytest.MonkeyPatch):
    """What the others said and is kept no more; one's own texts among it are not missed."""
    monkeypatch.setattr(room_module, "MAX_HISTORY", 3)
    ann, bob = enter(room, "ann", CAN_RESUME), enter(room, "bob")
    room.say(ann, Text("mine"))
    for number in range(10):
        room.say(bob, Text(str(number)))
    room.hold(ann, "")
    _, frames = come_back(room, token_of(ann), number=2)
    assert frames[1:] == [Numbers(ann.token, 10, said=1, heard=1, missed=7), *(TextFrom("bob", n) for n in "789")]


def test_ones_own_offers_and_exits_are_not_missed_either(room: Room, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    """Only what others said, offered and did can be missed."""
    monkeypatch.setattr(room_module, "MAX_HISTORY", 3)
    ann, bob = enter(room, "ann", CAN_RESUME), enter(room, "bob")
    room.add(Entry(ann, encode(OfferFrom("ann", bytes(16), "photo.jpg", 3)), FILES))
    room.hold(ann, "")
    clock.now = 20
    room.expire()
    for number in range(10):
        room.say(bob, Text(str(number)))
    _, frames = come_back(room, token_of(ann), number=2)
    assert frames[1] == Numbers(ann.token, 11, said=0, heard=0, missed=7)


def test_the_history_is_bounded_in_bytes(room: Room, monkeypatch: pytest.MonkeyPatch):
    """Whatever is said."""
    monkeypatch.setattr(room_module, "MAX_HISTORY_BYTES", 10_000)
    ann, bob = enter(room, "ann", CAN_RESUME), enter(room, "bob")
    room.hold(ann, "")
    for _ in range(10):
        room.say(bob, Text("x" * 3000))
    _, frames = come_back(room, token_of(ann), number=2)
    assert len(frames) == 2 + 3


def test_a_newcomer_is_shown_the_last_texts_as_earlier(clock: Clock, lines: Lines):
    """As many as the server was told, in their order, and without a number."""
    room = Room(lines.show, lambda: None, earlier=2)
    ann = enter(room, "ann")
    for text in ("one", "two", "three"):
        room.say(ann, Text(text))
    bob = enter(room, "bob", FEATURES)
    assert seen(bob)[1:] == [Numbers(bob.token, 5), Earlier("ann", "two"), Earlier("ann", "three")]


def test_a_history_of_nothing_shows_nothing(lines: Lines):
    """Switched off."""
    room = Room(lines.show, lambda: None, earlier=0)
    room.say(enter(room, "ann"), Text("secret"))
    assert not any(isinstance(frame, Earlier) for frame in seen(enter(room, "bob", FEATURES)))


# --- Real connections ----------------------------------------------------------------------------------------------


@pytest.fixture
def live() -> Iterator[Live]:
    """A server that holds places for a second."""
    with serving(hold=1.0) as live:
        yield live


def test_one_that_cannot_resume_exits_at_once(live: Live):
    """Its place is not held."""
    with Raw(live.address) as bob, Raw(live.address) as ann:
        bob.join("bob")
        ann.join("ann", BASIC)
        ann.close()
        bob.until(Left("ann"))
    live.shown.wait_for("[ann] connection lost")


def test_a_vanished_one_exits_when_its_place_is_held_no_more(live: Live):
    """The server says at once that the connection is lost."""
    with Raw(live.address) as bob, Raw(live.address) as ann:
        bob.join("bob")
        ann.join("ann", CAN_RESUME)
        ann.close()
        live.shown.wait_for("[ann] connection lost")
        bob.send(Text("still there"))
        live.shown.wait_for("[bob] still there")
        assert bob.until(Left("ann")) == [Joined("ann"), Left("ann")]


def test_half_a_frame_and_then_silence_is_a_lost_connection():
    """Of one that can resume: its network stands still, and it may come back."""
    with serving(hold=10.0, patience=0.3) as live, Raw(live.address) as ann:
        ann.join("ann", CAN_RESUME)
        ann.send_bytes(encode(Text("hello"))[:9])
        live.shown.wait_for("[ann] connection lost")
        with Raw(live.address) as other:
            other.send(Hello("ann"))
            refused = other.next()
            assert isinstance(refused, Refused)
            assert refused.code == "name-held"


def test_a_second_connection_takes_the_place_of_a_half_open_one(live: Live):
    """As when a laptop wakes in another network: the server did not know that the old connection is dead."""
    with Raw(live.address) as old, Raw(live.address) as new:
        numbers = join_to_resume(old)
        new.send(Resume(numbers.token, numbers.number, 0))
        assert isinstance(new.next(), Welcome)
        assert old.rest() == []


def test_what_the_old_connection_had_still_to_say_delays_nobody(live: Live, monkeypatch: pytest.MonkeyPatch):
    """However slowly flood control has it read: nothing more is heard there, and the new one says it again."""
    first_is_held, go_on = Event(), Event()

    def hold_the_first(control: FloodControl, text: str) -> None:
        if text == "1":
            first_is_held.set()
            go_on.wait(DEADLINE)

    monkeypatch.setattr(FloodControl, "admit", hold_the_first)
    with Raw(live.address) as old, Raw(live.address) as new:
        numbers = join_to_resume(old)
        old.send(Text("1"), Text("2"), Text("3"))
        assert first_is_held.wait(DEADLINE)
        new.send(Resume(numbers.token, numbers.number, 0))
        assert old.rest() == []  # so it has been given up
        go_on.set()
        again = new.until(Numbers)[-1]
        assert isinstance(again, Numbers)
        assert again.heard == 1


def test_to_come_back_is_no_new_burst(live: Live, monkeypatch: pytest.MonkeyPatch):
    """Or who reconnects for every two hundred lines would flood everybody."""
    monkeypatch.setattr(FloodControl, "admit", lambda control, text: asked.append(control))
    asked: list[FloodControl] = []
    with Raw(live.address) as old, Raw(live.address) as new:
        numbers = join_to_resume(old)
        old.send(Text("1"))
        old.until(Ack)
        new.send(Resume(numbers.token, numbers.number + 1, 1), Text("2"))
        new.until(Ack)
    assert len(asked) == 2
    assert asked[0] is asked[1]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that do not wait long before they reconnect."""
    monkeypatch.setattr(connection, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(connection, "LONGEST_PAUSE", 0.2)


@pytest.mark.usefixtures("quick")
def test_five_people_whose_connections_are_cut_lose_nothing(tmp_path: Path):
    """100 resets at random places, in either direction. (`make cuts` has a thousand.)"""
    with ServerProgram() as server:
        report = chat(server.address, tmp_path, messages=2_000, every=(1, 8_000), seed=1)
    assert (report.lost, report.doubled, report.disordered, report.problems) == (0, 0, 0, []), report
    assert report.cuts >= 50


@pytest.mark.usefixtures("quick")
def test_what_is_missed_beyond_the_history_is_told_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A history of 100 entries, and cuts that last longer than it."""
    monkeypatch.setattr(connection, "FIRST_PAUSE", 0.3)
    with ServerProgram(code="import reference.room; reference.room.MAX_HISTORY = 100") as server:
        report = chat(server.address, tmp_path, messages=5_000, every=(1, 20_000), seed=1, ahead=3_000)
    assert report.lost == report.missed > 100
    assert (report.doubled, report.disordered, report.problems) == (0, 0, []), report


@pytest.mark.usefixtures("quick")
def test_a_file_goes_on_after_cuts_on_both_legs(tmp_path: Path):
    """From where it was, so little is sent twice."""
    size, cuts = 40_000_000, 4
    with ServerProgram() as server:
        sender, receiver = send_through_cuts(server.address, tmp_path, size, cuts)
    for leg in (sender, receiver):
        assert leg.cuts == cuts
        assert leg.passed <= 1.1 * size


# --- Programs ------------------------------------------------------------------------------------------------------


def test_a_name_is_refused_while_its_place_is_held(tmp_path: Path):
    """Somebody whose client was killed starts another: told to wait, and asked again."""
    with ServerProgram("--hold", "2") as server:
        with ClientProgram(server.address, "ann", tmp_path) as ann:
            ann.joined()
            ann.kill(signal.SIGKILL)
            server.shown.wait_for("[ann] connection lost")
        with ClientProgram(server.address, "ann", tmp_path) as again:
            again.shown.wait_for(lambda line: line.startswith("in use, perhaps by your lost connection; free in "))


def test_a_server_that_is_killed_and_restarted(tmp_path: Path):
    """The clients come back by themselves, say that something is missing, and what they typed meanwhile is heard."""
    with Proxy(target=("127.0.0.1", 9)) as reserved:  # keeps a port that nobody else takes
        port = reserved.address[1]
    with ServerProgram(port=port) as server:
        ann = ClientProgram(server.address, "ann", tmp_path).joined()
        bob = ClientProgram(server.address, "bob", tmp_path).joined()
        server.kill(signal.SIGKILL)
        server.status()
    with ann, bob:
        ann.shown.wait_for(lambda line: line.startswith("Connection lost"))
        ann.type("are you there?")
        ann.shown.wait_for("(not connected: 1 message still to be sent)")
        with ServerProgram(port=port) as server:
            ann.shown.wait_for("Reconnected to a server that does not remember us: what was said meanwhile is lost")
            ann.shown.wait_for("1 message sent again")
            server.shown.wait_for("[ann] are you there?")
            bob.shown.wait_for(lambda line: line.startswith("Reconnected"))
            bob.type("now I am")
            ann.shown.wait_for("[bob] now I am")


def test_a_newcomer_sees_what_was_said_before(tmp_path: Path):
    """Marked, so that nobody takes it for an answer."""
    with ServerProgram() as server, ClientProgram(server.address, "ann", tmp_path) as ann:
        ann.joined().type("hello")
        server.shown.wait_for("[ann] hello")
        with ClientProgram(server.address, "bob", tmp_path) as bob:
            bob.joined().shown.wait_for("(earlier) [ann] hello")
