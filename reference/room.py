"""Who is here, and what was said: one log in one order, and the broadcast of it.

The broadcast is **flat combining** (Hendler, Incze, Shavit, Tzafrir, SPAA 2010). A thread that reads a client appends
its entry to the log and tries to take the flush lock. Who gets it takes all that has gathered, joins it, and hands
each member one piece of bytes; who does not get it goes back to reading, because the holder carries its entry too. In
a quiet room a text leaves at once; in a busy one hundreds leave with one system call per member.

Every entry has a number. Who can resume is sent one frame for each, in order (an ``ack`` for its own), so it knows
where it is by counting, and the bytes are the same for everyone. When its connection breaks, its place is held; when it
comes back, it is sent what came after the last it saw, from a history that is bounded.

Locks, in the order in which they may be taken: ``Member.voice``, ``_flushing``, ``_lock``, then those of an outbox.
"""

import itertools
import math
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Condition, Lock

from reference import protocol as wire
from reference.flood import FloodControl
from reference.outbox import Outbox
from reference.printable import has_control, plain

MAX_NAME = 32
"""Characters in a name: fits a line of the roster, and is what most chats allow."""

MAX_ROUNDS = 8
"""Rounds that one thread flushes for the others before it hands over, so that its own client is read too."""

GATHER = 0.1
"""A pause before each round while the room is busy, as a share of what the last round took: who has something to say
says it meanwhile, and one round carries it all. (Nagle's idea, RFC 896, for a room.)"""

MAX_PENDING = 1024 * 1024
"""Bytes that may wait for a flush; who adds more waits for one. Backpressure: TCP then slows that client down."""

HOLD_SECONDS = 15.0
"""How long the place of a broken connection is held, unless the server is told otherwise: an access point is changed, a
lid opened, a cable put back."""

EARLIER = 20
"""The last texts that a newcomer is shown, unless the server is told otherwise: a screenful."""

MAX_HISTORY = 5_000
"""Entries kept for those who come back: more than a busy class says in a minute."""

MAX_HISTORY_BYTES = 2 * 1024 * 1024
"""Bytes of these: half of what an outbox takes at once (outbox.py), because a replay is one piece."""

MAX_PLACES = 6_000
"""People who are here or whose place is held: a welcome that lists so many of the longest names is three quarters of
the longest that may be sent (protocol.py)."""

MAX_HELD_EACH = 600
"""Places held for one address: a whole course whose access point restarts. Who cuts its own connections again and again
cannot take everybody's place with that."""

MAX_MARKS = 1_000
"""Of a member's own entries that are no texts, so many are remembered."""

MAX_DEPARTED = 1_000
"""People who are gone and yet remembered: who comes back late is told how much was missed, and says nothing twice."""


class NameRefused(Exception):
    """Nobody can join by this name. ``code`` for ``refused``, and the reason as text."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(eq=False, slots=True)
class Member:
    """Someone in the room: what others call them, what both sides can do, and where their frames go."""

    name: str
    features: frozenset[str]
    outbox: Outbox
    address: str = ""
    """Where it came from."""
    token: bytes = b""
    """Brings who can resume back here; nobody else is told."""
    number: int = 0
    """The entry where it came in: what was said before is not for it."""
    said: int = 0
    """How many texts were heard from here."""
    marks: list[int] = field(default_factory=list)
    """The numbers of its other entries, as offers: who comes back late has not missed its own."""
    outcomes: dict[bytes, wire.Frame] = field(default_factory=dict)
    """How its last files went, by their ids: the connection may break before it is told. Belongs to the spool."""
    flood: FloodControl = field(default_factory=FloodControl)
    """Belongs to whose voice it is; to come back is no new burst."""
    held_until: float = math.inf
    """When the place is given up; infinity while there is a connection."""
    voice: Lock = field(default_factory=Lock)
    """Held by the connection that speaks for this member: the next one must wait until it has fallen silent."""


@dataclass(eq=False, slots=True)
class Entry:
    """One line of the log: what all but ``sender`` are sent who have ``feature``, and what the server shows."""

    sender: Member | None
    frame: bytes = b""
    feature: str = ""
    line: str = ""
    welcome: wire.Welcome | None = None
    """What the sender is sent in place of the frame, and before anything else: this entry is where it came in."""
    follows: bytes = b""
    """What the sender is sent after this welcome."""
    number: int = 0
    said: int = 0
    """How many texts of the sender were in the room by then."""


class Room:
    """The members and the log. Every method may be called by any thread."""

    def __init__(
        self,
        show: Callable[[Iterable[str]], None],
        hand_over: Callable[[], None],
        hold: float = HOLD_SECONDS,
        earlier: int = EARLIER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``show`` is told the server's lines. ``hand_over`` must have another thread call ``flush`` soon."""
        self._show = show
        self._hand_over = hand_over
        self._hold = hold
        self._clock = clock
        # Equal sets as one, because a broadcast looks one up for each member, and to compare two costs more than that.
        self._features: dict[frozenset[str], frozenset[str]] = {}
        # Guards the members and the log; held for a few instructions, and never while anything is sent.
        self._lock = Lock()
        self._members: dict[str, Member] = {}  # by plain form of the name, in order of joining
        self._tokens: dict[bytes, Member] = {}
        self._held: Counter[str] = Counter()  # places that are held, by address
        self._departed: deque[Member] = deque()  # who may still come back, though gone
        self._earlier: deque[bytes] = deque(maxlen=earlier)  # the last texts
        self._log: list[Entry] = []
        self._pending = 0  # bytes in the log
        self._number = 0  # the last entry's
        # Held by the one thread that sends. Only tried, except for backpressure and in resume().
        self._flushing = Lock()
        # What has left the log; belongs, as all that follows, to who holds _flushing.
        self._history: deque[Entry] = deque()
        self._history_bytes = 0
        self._flushed = 0  # the number of the last entry in it; settle() may look at it, too
        # Tells settle() of each round. Nothing else is taken while it is held.
        self._carried = Condition()
        # How the last round went.
        self._several = False  # it carried more than one entry, so the room is busy
        self._seconds = 0.0

    def join(
        self,
        name: str,
        features: frozenset[str],
        outbox: Outbox,
        server_features: tuple[str, ...],
        address: str = "",
    ) -> Member:
        """Let someone in: the roster up to here is their first frame, and the log from here on what follows.

        Raises NameRefused, or ProtocolError when the room is full.
        """
        problem = name_problem(name)
        if problem:
            raise NameRefused("name-bad", problem)
        if not features.issuperset({wire.ROSTER, wire.FILES, wire.BYE}.intersection(server_features)):
            features -= {wire.RESUME}  # not all entries would be sent, so counting them tells nothing; nor does an end
        features = self._features.setdefault(features, features)
        member = Member(name, features, outbox, address)
        member.voice.acquire()
        joined = Entry(member, wire.encode(wire.Joined(name)), wire.ROSTER, name)
        with self._lock:
            self._check_free(name)
            if len(self._members) >= MAX_PLACES:
                raise wire.ProtocolError("full", "the server is full: try again later")
            self._members[plain(name)] = member
            earlier = [_as_earlier(frame) for frame in self._earlier] if wire.HISTORY in features else []
            self._append(joined)
            member.number = joined.number
            joined.welcome = wire.Welcome(server_features, self._roster_for(member))
            if wire.RESUME in features:
                member.token = secrets.token_bytes(wire.TOKEN_SIZE)
                self._tokens[member.token] = member
                earlier.insert(0, wire.encode(wire.Numbers(member.token, joined.number)))
            joined.follows = b"".join(earlier)
        self.settle()  # or the answer to what this client says next might be there before the welcome
        return member

    def resume(self, resume: wire.Resume, outbox: Outbox, server_features: tuple[str, ...]) -> Member:
        """Give someone their place back, on another connection. Raises NameRefused."""
        member = self._member_with(resume.token)
        self._silence(member)
        try:
            self._member_with(resume.token)  # unless the last that was heard of it was a goodbye
            with self._flushing:
                self._flush_once()  # what was said on the broken connection is now in the history, too
                replay = self._replay(member, resume)
                with self._lock:
                    self._seat(member)
                    member.outbox = outbox
                    roster = self._roster_for(member)
                outbox.send(wire.encode(wire.Welcome(server_features, roster)) + replay)
        except BaseException:
            member.voice.release()
            raise
        finally:
            self.flush()  # what came into the log meanwhile was left to us, also if this one is refused
        return member

    def leave(self, member: Member, line: str) -> None:
        """Let someone go; ``line`` is what the server shows."""
        with self._lock:
            self._tokens.pop(member.token, None)
            self._remove(member, line)
        member.voice.release()
        self.flush()

    def hold(self, member: Member, line: str) -> bool:
        """Someone's connection is broken: keep the place until they ``resume``, or ``expire`` gives it up.

        False when too many are held for this address: then they must ``leave``.
        """
        with self._lock:
            if self._held[member.address] >= MAX_HELD_EACH:
                return False
            self._held[member.address] += 1
            member.held_until = self._clock() + self._hold
            self._append(Entry(None, line=line))
        member.voice.release()
        self.flush()
        return True

    def expire(self) -> list[Member]:
        """Let those go who have not come back in time, and return who they are. To be called about once a second."""
        with self._lock:
            now = self._clock()
            gone = [member for member in self._members.values() if member.held_until <= now]
            for member in gone:
                self._remove(member, "")
                self._departed.append(member)
            while len(self._departed) > MAX_DEPARTED:
                forgotten = self._departed.popleft()
                if self._members.get(plain(forgotten.name)) is not forgotten:
                    self._tokens.pop(forgotten.token, None)
        if gone:
            self.flush()
        return gone

    def say(self, member: Member, text: wire.Text) -> None:
        """Pass a text on to everyone else."""
        entry = Entry(member, wire.encode(wire.TextFrom(member.name, text.text)), line=f"[{member.name}] {text.text}")
        with self._lock:
            member.said += 1
            self._earlier.append(entry.frame)
            self._append(entry)
        self.flush()

    def add(self, entry: Entry) -> tuple[Member, ...]:
        """Put an entry into the log, and return who is here at this moment. To be followed by ``flush``."""
        with self._lock:
            self._append(entry)
            return tuple(self._members.values())

    def settle(self) -> None:
        """Come back when all that was in the log until now has been given to the outboxes."""
        with self._lock:
            last = self._number
        self.flush()
        # Not by taking _flushing: of a thousand who join together each would send a round, where a few carry them all.
        with self._carried:
            self._carried.wait_for(lambda: self._flushed >= last)

    def flush(self) -> None:
        """Send what is in the log, unless another thread is doing so."""
        # After the lock is let go the log is looked at again: an entry that came in between was left to us.
        while self._log and self._flushing.acquire(blocking=self._pending > MAX_PENDING):
            try:
                rounds = 0
                while rounds < MAX_ROUNDS and self._flush_once():
                    rounds += 1
            finally:
                self._flushing.release()
            if rounds == MAX_ROUNDS:
                self._hand_over()
                return

    # --- members

    def _check_free(self, name: str) -> None:
        """Raises NameRefused when somebody has this name. Requires _lock."""
        holder = self._members.get(plain(name))
        if holder is not None and holder.held_until < math.inf:
            seconds = max(1, math.ceil(holder.held_until - self._clock()))
            reason = f"in use, perhaps by your lost connection; free in {seconds} s"
            raise NameRefused("name-held", reason)
        if holder is not None:
            raise NameRefused("name-taken", "this name is taken")

    def _member_with(self, token: bytes) -> Member:
        """Raises NameRefused."""
        with self._lock:
            member = self._tokens.get(token)
        if member is None:
            raise NameRefused("name-unknown", "the server does not know this token")
        return member

    def _silence(self, member: Member) -> None:
        """End the connection that speaks for this member, and wait until nothing more comes of it."""
        for _ in range(100):
            member.outbox.give_up()
            if member.voice.acquire(timeout=0.1):
                return
        raise NameRefused("name-held", "the old connection does not end; try again")

    def _seat(self, member: Member) -> None:
        """Who resumes has a place again, or still. Requires _lock."""
        if self._members.get(plain(member.name)) is not member:
            self._check_free(member.name)
            self._members[plain(member.name)] = member
            self._append(Entry(member, wire.encode(wire.Joined(member.name)), wire.ROSTER))
        self._stop_holding(member)
        self._append(Entry(None, line=f"[{member.name}] reconnected"))

    def _remove(self, member: Member, line: str) -> None:
        """Requires _lock."""
        del self._members[plain(member.name)]
        self._stop_holding(member)
        self._append(Entry(member, wire.encode(wire.Left(member.name)), wire.ROSTER, line))

    def _stop_holding(self, member: Member) -> None:
        """The place is taken again, or given up. Requires _lock."""
        if member.held_until < math.inf:
            member.held_until = math.inf
            self._held -= Counter([member.address])  # and forgets an address that holds none

    def _roster_for(self, member: Member) -> tuple[str, ...]:
        """Requires _lock."""
        return tuple(each.name for each in self._members.values()) if wire.ROSTER in member.features else ()

    # --- the log

    def _append(self, entry: Entry) -> None:
        """Requires _lock."""
        if entry.frame:
            self._number += 1
            entry.number = self._number
            if entry.sender:
                entry.said = entry.sender.said
                if entry.feature:
                    entry.sender.marks.append(entry.number)
                    del entry.sender.marks[:-MAX_MARKS]
        self._log.append(entry)
        self._pending += len(entry.frame)

    def _gather(self) -> None:
        """Give those who have something to say the time to say it, if the room is busy. Requires _flushing."""
        if self._several:
            time.sleep(GATHER * self._seconds)

    def _flush_once(self) -> bool:
        """One round: all that has gathered, to everyone who is here. Requires _flushing. False if there was nothing."""
        self._gather()
        with self._lock:
            entries, self._log, self._pending = self._log, [], 0
            members = tuple(self._members.values())
        self._several = len(entries) > 1
        if not entries:
            return False
        begun = time.monotonic()
        batch = _Batch(entries)
        for member in members:
            frames = batch.frames_for(member)
            if frames:
                member.outbox.send(frames)
        self._seconds = time.monotonic() - begun
        self._show([entry.line for entry in entries if entry.line])
        self._keep(entries)
        with self._carried:
            self._carried.notify_all()
        return True

    def _keep(self, entries: list[Entry]) -> None:
        """Put what was sent into the history, and let the oldest go. Requires _flushing."""
        for entry in entries:
            if entry.frame:
                entry.line, entry.welcome, entry.follows = "", None, b""  # shown and sent once
                self._history.append(entry)
                self._history_bytes += len(entry.frame)
                self._flushed = entry.number
        while len(self._history) > MAX_HISTORY or self._history_bytes > MAX_HISTORY_BYTES:
            self._history_bytes -= len(self._history.popleft().frame)

    def _replay(self, member: Member, resume: wire.Resume) -> bytes:
        """Where who resumes stands, and what it has not seen, as far as it is kept. Requires _flushing.

        Raises NameRefused for numbers that cannot be this member's.
        """
        kept = [entry for entry in self._history if entry.number > resume.number]
        before = kept[0].number - 1 if kept else self._flushed
        own = next((entry.said - (not entry.feature) for entry in kept if entry.sender is member), member.said)
        marks = sum(resume.number < number <= before for number in member.marks)
        missed = before - resume.number - (own - resume.said) - marks  # what is its own it has not missed
        if not member.number <= resume.number <= self._flushed or resume.said > member.said or missed < 0:
            raise NameRefused("name-unknown", "nobody with this token has seen that entry")
        numbers = wire.Numbers(member.token, before, own, member.said, missed)
        return wire.encode(numbers) + _Batch(kept).frames_for(member)


class _Batch:
    """One round's entries as bytes: joined once for all who did not speak; who did gets the pieces around their own."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries
        self._own: dict[Member | None, list[int]] = {}
        for index, entry in enumerate(entries):
            self._own.setdefault(entry.sender, []).append(index)
        self._joined: dict[frozenset[str], tuple[bytes, list[int]]] = {}

    def frames_for(self, member: Member) -> bytes:
        joined, bounds = self._joined.get(member.features) or self._join(member.features)
        own = self._own.get(member)
        if own is None:
            return joined
        view = memoryview(joined)
        pieces: list[bytes | memoryview] = []
        start = 0
        for index in own:
            entry = self._entries[index]
            if entry.welcome:
                pieces = [wire.encode(entry.welcome), entry.follows]
            else:
                pieces.append(view[start : bounds[index]])
                if entry.frame and wire.RESUME in member.features:
                    pieces.append(wire.encode(wire.Ack(entry.number, entry.said)))
            start = bounds[index + 1]
        pieces.append(view[start:])
        return b"".join(pieces)

    def _join(self, features: frozenset[str]) -> tuple[bytes, list[int]]:
        """All entries for members with these features; entry i lies from bounds[i] to bounds[i + 1]."""
        frames = [entry.frame if not entry.feature or entry.feature in features else b"" for entry in self._entries]
        bounds = [0, *itertools.accumulate(map(len, frames))]
        self._joined[features] = b"".join(frames), bounds
        return self._joined[features]


def _as_earlier(frame: bytes) -> bytes:
    """A text as a newcomer is shown it: ``earlier`` has the same body."""
    return frame[:4] + b"F" + frame[5:]


def name_problem(name: str) -> str | None:
    """What is wrong with a name, as a reason to show, or None."""
    if len(name) > MAX_NAME:  # first: to fold 16,000 combining characters takes seconds
        return f"a name has at most {MAX_NAME} characters, this has {len(name)}"
    if not plain(name):
        return "a name needs at least one visible character"
    if has_control(name):
        return "a name must not have control characters"
    return None
