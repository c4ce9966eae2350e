"""The room: who is in it, and that everyone is told the same in the same order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from threading import Barrier, Event, Thread

import pytest

from reference import room as room_module
from reference.outbox import Writer
from reference.protocol import (
    BYE,
    FEATURES,
    FILES,
    PING,
    ROSTER,
    Frame,
    Joined,
    Left,
    OfferFrom,
    Text,
    TextFrom,
    Welcome,
    encode,
)
from reference.room import MAX_NAME, MAX_PENDING, Entry, Member, NameRefused, Room
from tests.reference.people import DEADLINE, Lines, Mailbox, enter, make_room, seen, take


@pytest.fixture
def switching() -> Iterator[None]:
    """Have Python change threads as often as it can, so that races are lost that are rarely lost."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def run_together(*functions: Callable[[], None]) -> None:
    """Run these on threads that start at once, to the end."""
    barrier = Barrier(len(functions))

    def run(function: Callable[[], None]) -> None:
        barrier.wait()
        function()

    threads = [Thread(target=run, args=[each], daemon=True) for each in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive(), "a thread hangs"


def say_numbers(room: Room, member: Member, count: int, width: int = 1) -> None:
    """Count aloud, in texts of some width."""
    for number in range(count):
        room.say(member, Text(str(number).ljust(width)))


# --- Joining and leaving -------------------------------------------------------------------------------------------


def test_welcome_lists_everyone_the_newcomer_last():
    """Who joins is told who is here, in order of joining."""
    room = make_room()
    enter(room, "ann")
    assert seen(enter(room, "bob")) == [Welcome(FEATURES, ("ann", "bob"))]


def test_others_are_told_who_comes_and_goes():
    """Everyone but the one concerned sees a join and a leave."""
    room = make_room()
    ann, bob = enter(room, "ann"), enter(room, "bob")
    room.leave(bob, "")
    assert seen(ann)[1:] == [Joined("bob"), Left("bob")]
    assert seen(bob)[1:] == []


def test_name_is_free_again_after_its_owner_left():
    """A name belongs to who is here, and to nobody afterwards."""
    room = make_room()
    room.leave(enter(room, "ann"), "")
    assert seen(enter(room, "Ann")) == [Welcome(FEATURES, ("Ann",))]


def test_server_shows_what_happens_in_order():
    """The terminal of the server is told of joins, texts and parting, as in the transcripts."""
    lines = Lines()
    room = make_room(lines)
    ann = enter(room, "ann")
    room.say(ann, Text("hello"))
    room.leave(ann, "[ann] !DISCONNECT")
    assert lines == ["ann", "[ann] hello", "[ann] !DISCONNECT"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("  \t ", id="blank"),
        pytest.param("\u200b\u200d\u2060", id="nothing visible"),
        pytest.param("\u3164", id="blank letter"),
        pytest.param("x" * (MAX_NAME + 1), id="too long"),
        pytest.param("an\x1b[2Jn", id="escape sequence"),
        pytest.param("ann\nbob", id="line break"),
        pytest.param("nna\u202e", id="right-to-left override"),
        pytest.param("ann\x9b", id="C1 control"),
    ],
)
def test_bad_name_is_refused(name: str):
    """A name must show, fit its line and leave the screen alone."""
    with pytest.raises(NameRefused) as refused:
        enter(make_room(), name)
    assert refused.value.code == "name-bad"
    assert str(refused.value)


@pytest.mark.parametrize("name", ["x" * MAX_NAME, "Ольга", "सान्या", "李雷", "Zoë", "👩‍💻", "o'neill the 2nd", "[ann]"])
def test_name_in_any_script_is_taken(name: str):
    """Whoever can be shown can join, under exactly their name."""
    assert seen(enter(make_room(), name)) == [Welcome(FEATURES, (name,))]


@pytest.mark.parametrize(
    "name",
    [
        "straße",
        "STRASSE",
        "ｓｔｒａｓｓｅ",
        "stra\u200bße",
        " strasse",
        "str\u00adasse",
        "\u017ftra\u017f\u017fe",
    ],  # ſtraſſe
)
def test_look_alike_of_a_name_is_taken(name: str):
    """Case, look-alike forms of Unicode and what does not show make no second name."""
    room = make_room()
    enter(room, "Strasse")
    with pytest.raises(NameRefused) as refused:
        enter(room, name)
    assert refused.value.code == "name-taken"


def test_refused_name_leaves_no_trace():
    """Nobody hears of an attempt to take somebody's name."""
    room = make_room()
    ann = enter(room, "ann")
    with pytest.raises(NameRefused):
        enter(room, "ANN")
    assert seen(ann)[1:] == []


# --- What is said --------------------------------------------------------------------------------------------------


def test_everyone_but_the_speaker_hears_a_text():
    """There is no echo."""
    room = make_room()
    ann, bob, eve = (enter(room, name) for name in ("ann", "bob", "eve"))
    room.say(bob, Text("hi"))
    assert take(ann)[-1] == take(eve)[-1] == TextFrom("bob", "hi")
    assert TextFrom("bob", "hi") not in take(bob)


def test_speakers_in_one_batch_get_the_pieces_around_their_own():
    """Entries that leave in one round reach each member without their own, and in the log's order."""
    room = make_room()
    ann, bob, eve = (enter(room, name) for name in ("ann", "bob", "eve"))
    for member in (ann, bob, eve):
        take(member)
    texts = [(ann, "1"), (bob, "2"), (ann, "3"), (ann, "4"), (eve, "5"), (bob, "6")]
    for member, text in texts:
        room.add(Entry(member, encode(TextFrom(member.name, text))))
    room.flush()
    for member in (ann, bob, eve):
        assert take(member) == [TextFrom(other.name, text) for other, text in texts if other is not member]


def test_newcomer_in_a_batch_gets_nothing_from_before_its_join():
    """Welcome is the first frame and the entry after the join the next, though all of it leaves in one round."""
    bob_came = Event()

    class Watched(Room):
        def _append(self, entry: Entry) -> None:
            super()._append(entry)
            if entry.line == "bob":
                bob_came.set()

    class Blocked(Mailbox):
        """Takes its first frames only when bob has come, so that those of others gather behind them."""

        def send(self, frames: bytes) -> None:
            if not self.frames:
                add("before")
                joining.start()
                assert bob_came.wait(DEADLINE)
                add("after")
            super().send(frames)

    def add(text: str) -> None:
        room.add(Entry(None, encode(TextFrom("eve", text))))

    room = Watched(Lines().show, lambda: None)
    members: list[Member] = []
    joining = Thread(target=lambda: members.append(enter(room, "bob")))
    ann = enter(room, "ann", mailbox=Blocked())
    joining.join(DEADLINE)
    (bob,) = members
    assert seen(ann) == [
        Welcome(FEATURES, ("ann",)),
        TextFrom("eve", "before"),
        Joined("bob"),
        TextFrom("eve", "after"),
    ]
    assert seen(bob) == [Welcome(FEATURES, ("ann", "bob")), TextFrom("eve", "after")]


def test_nobody_is_sent_what_they_did_not_name():
    """A client without a feature is at home: no roster, no joins, no offers; texts always."""
    room = make_room()
    plain = enter(room, "plain", features=[])
    roster = enter(room, "roster", features=[ROSTER, BYE, PING])
    files = enter(room, "files", features=[FILES])
    offer = OfferFrom("eve", bytes(16), "a.txt", 1)
    room.add(Entry(None, encode(offer), FILES))
    room.say(files, Text("hi"))
    room.leave(files, "")
    assert seen(plain) == [Welcome(FEATURES), TextFrom("files", "hi")]
    welcome = Welcome(FEATURES, ("plain", "roster"))
    assert seen(roster) == [welcome, Joined("files"), TextFrom("files", "hi"), Left("files")]
    assert seen(files) == [Welcome(FEATURES), offer]


@pytest.mark.usefixtures("switching")
def test_one_order_for_everyone():
    """Eight people talk at once: each hears all others, in the one order that a listener hears."""
    room = make_room()
    listener = enter(room, "listener")
    speakers = [enter(room, f"speaker {number}") for number in range(8)]
    for member in (listener, *speakers):
        take(member)

    run_together(*(partial(say_numbers, room, member, 100) for member in speakers))
    room.flush()  # what a thread handed over
    heard = [frame for frame in seen(listener) if isinstance(frame, TextFrom)]
    assert len(heard) == 8 * 100
    for member in speakers:
        assert seen(member) == [frame for frame in heard if frame.sender != member.name]
        own = [frame.text for frame in heard if frame.sender == member.name]
        assert own == [str(number) for number in range(100)]


@pytest.mark.usefixtures("switching")
def test_welcome_fits_the_log_seamlessly():
    """Whoever joins in a storm of joins, texts and leaves: the roster is that of its moment, and n+1 its next frame."""
    room = make_room()
    listener = enter(room, "listener")
    members: list[Member] = []

    def visit(number: int) -> Callable[[], None]:
        def run() -> None:
            for visit in range(10):
                member = enter(room, f"{number} {visit}")
                members.append(member)
                room.say(member, Text("hello"))
                if visit % 3 == 0:
                    room.leave(member, "")

        return run

    run_together(*map(visit, range(8)))
    room.flush()
    log = seen(listener)[1:]
    assert len(log) == 8 * (10 + 10 + 4)
    for member in members:
        came = log.index(Joined(member.name))
        stayed = Left(member.name) not in log
        welcome, *rest = seen(member)
        assert isinstance(welcome, Welcome)
        assert welcome.roster == roster_after(log[: came + 1])
        others = [each for each in log[came + 1 :] if each != TextFrom(member.name, "hello")]
        assert rest == (others if stayed else others[: len(rest)])


def roster_after(log: list[Frame]) -> tuple[str, ...]:
    """Who is here after these joins and leaves, the listener first."""
    names = ["listener"]
    for frame in log:
        if isinstance(frame, Joined):
            names.append(frame.name)
        elif isinstance(frame, Left):
            names.remove(frame.name)
    return tuple(names)


# --- Flat combining ------------------------------------------------------------------------------------------------


class Busy(Mailbox):
    """Whenever it is sent something, somebody says one thing more: the room is never quiet."""

    def __init__(self, more: int) -> None:
        super().__init__()
        self.more = more
        self.room: Room | None = None

    def send(self, frames: bytes) -> None:
        """Keep it, and say one more."""
        super().send(frames)
        if self.room is not None and self.more:
            self.more -= 1
            self.room.add(Entry(None, encode(TextFrom("eve", str(self.more)))))


def test_thread_hands_over_after_some_rounds():
    """Who flushes for the others does not do so for ever: its own client must be read too."""
    handed_over = []
    room = make_room(hand_over=lambda: handed_over.append(True))
    busy = Busy(more=room_module.MAX_ROUNDS + 3)
    ann, bob = enter(room, "ann", mailbox=busy), enter(room, "bob")
    take(ann)
    busy.room = room
    room.say(bob, Text("go"))
    assert handed_over == [True]
    assert len(seen(ann)) == room_module.MAX_ROUNDS
    room.flush()
    assert len(seen(ann)) == 1 + room_module.MAX_ROUNDS + 3


@pytest.mark.usefixtures("switching")
def test_nothing_handed_over_is_lost(monkeypatch: pytest.MonkeyPatch):
    """However often the flush changes hands, everything said is heard without anybody saying more."""
    monkeypatch.setattr(room_module, "MAX_ROUNDS", 1)
    writer = Writer()
    writer.start()
    room = make_room(hand_over=lambda: writer.call(room.flush))
    speakers = [enter(room, f"speaker {number}") for number in range(4)]
    complete = Event()

    class Counting(Mailbox):
        def send(self, frames: bytes) -> None:
            super().send(frames)
            if sum(isinstance(frame, TextFrom) for frame in self.frames) == 4 * 200:
                complete.set()

    enter(room, "listener", mailbox=Counting())
    run_together(*(partial(say_numbers, room, member, 200) for member in speakers))
    assert complete.wait(DEADLINE)
    writer.stop(DEADLINE)


def test_who_join_together_share_rounds():
    """In a busy room nobody is sent a round for each of a thousand who join while one takes long."""
    room = make_room()
    stuck, go_on = Event(), Event()

    class Slow(Busy):
        rounds = 0

        def send(self, frames: bytes) -> None:
            super().send(frames)
            self.rounds += 1
            if self.room:
                stuck.set()
                assert go_on.wait(DEADLINE)

    slow = Slow(more=100)
    enter(room, "slow", mailbox=slow)
    speaker = enter(room, "speaker")
    slow.room = room
    threads = [Thread(target=room.say, args=[speaker, Text("go")])]
    threads[0].start()
    assert stuck.wait(DEADLINE)
    threads += [Thread(target=enter, args=[room, f"newcomer {number}"]) for number in range(30)]
    for thread in threads[1:]:
        thread.start()
    while len(room.add(Entry(None))) < 32:
        assert all(thread.is_alive() for thread in threads), "somebody is in before those here were told"
    before = slow.rounds
    go_on.set()
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive(), "a thread hangs"
    assert slow.rounds - before < 30


def test_who_says_too_much_waits_for_the_flush():
    """Backpressure: while a flush takes long, little may be added at once, and much only when it is over."""
    room = make_room()
    speaker = enter(room, "speaker")
    stuck, go_on = Event(), Event()

    class Slow(Mailbox):
        largest = 0

        def send(self, frames: bytes) -> None:
            super().send(frames)
            self.largest = max(self.largest, len(frames))
            if isinstance(self.frames[-1], TextFrom) and not stuck.is_set():
                stuck.set()
                assert go_on.wait(DEADLINE)

    slow = Slow()
    enter(room, "slow", mailbox=slow)
    first = Thread(target=lambda: room.say(speaker, Text("first")))
    first.start()
    assert stuck.wait(DEADLINE)
    room.say(speaker, Text("a little more does not wait"))
    flood = Thread(target=say_numbers, args=[room, speaker, 3 * MAX_PENDING // 4000, 4000])
    flood.start()
    flood.join(0.2)
    assert flood.is_alive(), "nothing slowed the flood down"
    go_on.set()
    for thread in (first, flood):
        thread.join(DEADLINE)
    room.flush()
    assert len([frame for frame in slow.frames if isinstance(frame, TextFrom)]) == 2 + 3 * MAX_PENDING // 4000
    assert slow.largest < MAX_PENDING + 2 * 4100
