"""Who is here, and what was said: one log in one order, and the broadcast of it.

The broadcast is **flat combining** (Hendler, Incze, Shavit, Tzafrir, SPAA 2010). A thread that reads a client appends
its entry to the log and tries to take the flush lock. Who gets it takes all that has gathered, joins it, and hands
each member one piece of bytes; who does not get it goes back to reading, because the holder carries its entry too. In
a quiet room a text leaves at once; in a busy one hundreds leave with one system call per member.

Locks, in the order in which they may be taken: ``_flushing``, then ``_lock``, then those of an outbox.
"""

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock

from reference.outbox import Outbox
from reference.printable import has_control, plain
from reference.protocol import ROSTER, Joined, Left, Text, TextFrom, Welcome, encode

MAX_NAME = 32
"""Characters in a name: fits a line of the roster, and is what most chats allow."""

MAX_ROUNDS = 8
"""Rounds that one thread flushes for the others before it hands over, so that its own client is read too."""

GATHER = 0.1
"""A pause before each round while the room is busy, as a share of what the last round took: who has something to say
says it meanwhile, and one round carries it all. (Nagle's idea, RFC 896, for a room.)"""

MAX_PENDING = 1024 * 1024
"""Bytes that may wait for a flush; who adds more waits for one. Backpressure: TCP then slows that client down."""


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


@dataclass(eq=False, slots=True)
class Entry:
    """One line of the log: what all but ``sender`` are sent who have ``feature``, and what the server shows."""

    sender: Member | None
    frame: bytes = b""
    feature: str = ""
    line: str = ""
    welcome: Welcome | None = None
    """What the sender is sent in place of the frame, and before anything else: this entry is where it came in."""


class Room:
    """The members and the log. Every method may be called by any thread."""

    def __init__(self, show: Callable[[Iterable[str]], None], hand_over: Callable[[], None]) -> None:
        """``show`` is told the server's lines. ``hand_over`` must have another thread call ``flush`` soon."""
        self._show = show
        self._hand_over = hand_over
        # Guards the members and the log; held for a few instructions, and never while anything is sent.
        self._lock = Lock()
        self._members: dict[str, Member] = {}  # by plain form of the name, in order of joining
        self._log: list[Entry] = []
        self._pending = 0  # bytes in the log
        # Held by the one thread that sends. Only tried, except for backpressure and in settle().
        self._flushing = Lock()
        # How the last round went, which says whether the room is busy; these belong to who holds _flushing.
        self._several = False  # it carried more than one entry
        self._seconds = 0.0
        self._ended = 0.0

    def join(self, name: str, features: frozenset[str], outbox: Outbox, server_features: tuple[str, ...]) -> Member:
        """Let someone in: the roster up to here is their first frame, and the log from here on what follows.

        Raises NameRefused.
        """
        problem = name_problem(name)
        if problem:
            raise NameRefused("name-bad", problem)
        member = Member(name, features, outbox)
        joined = encode(Joined(name))
        with self._lock:
            if plain(name) in self._members:
                raise NameRefused("name-taken", "this name is taken")
            self._members[plain(name)] = member
            roster = tuple(each.name for each in self._members.values()) if ROSTER in features else ()
            self._append(Entry(member, joined, ROSTER, name, Welcome(server_features, roster)))
        self.settle()  # or the answer to what this client says next might be there before the welcome
        return member

    def leave(self, member: Member, line: str) -> None:
        """Let someone go; ``line`` is what the server shows."""
        with self._lock:
            del self._members[plain(member.name)]
            self._append(Entry(member, encode(Left(member.name)), ROSTER, line))
        self.flush()

    def say(self, member: Member, text: Text) -> None:
        """Pass a text on to everyone else."""
        self.add(Entry(member, encode(TextFrom(member.name, text.text)), line=f"[{member.name}] {text.text}"))
        self.flush()

    def add(self, entry: Entry) -> tuple[Member, ...]:
        """Put an entry into the log, and return who is here at this moment. To be followed by ``flush``."""
        with self._lock:
            self._append(entry)
            return tuple(self._members.values())

    def settle(self) -> None:
        """Come back when all that was in the log until now has been given to the outboxes."""
        with self._flushing:
            self._flush_once()
        self.flush()

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

    def _append(self, entry: Entry) -> None:
        """Requires _lock."""
        self._log.append(entry)
        self._pending += len(entry.frame)

    def _gather(self) -> None:
        """Give those who have something to say the time to say it, if the room is busy. Requires _flushing.

        It is when one round follows another at once, too: on one core a thread may come through with its round before
        the next one runs at all, and then nobody would ever find company.
        """
        pause = GATHER * self._seconds
        if self._several or time.monotonic() - self._ended < pause:
            time.sleep(pause)

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
        self._ended = time.monotonic()
        self._seconds = self._ended - begun
        self._show(entry.line for entry in entries if entry.line)
        return True


class _Batch:
    """One round's entries as bytes: joined once for all who did not speak; who did gets the pieces around their own."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries
        self._own: dict[Member | None, list[int]] = {}
        for index, entry in enumerate(entries):
            self._own.setdefault(entry.sender, []).append(index)
        self._joined: dict[frozenset[str], tuple[bytes, list[int]]] = {}

    def frames_for(self, member: Member) -> bytes:
        joined, bounds = self._join(member.features)
        own = self._own.get(member)
        if own is None:
            return joined
        view = memoryview(joined)
        pieces: list[bytes | memoryview] = []
        start = 0
        for index in own:
            entry = self._entries[index]
            if entry.welcome:
                pieces = [encode(entry.welcome)]
            else:
                pieces.append(view[start : bounds[index]])
            start = bounds[index + 1]
        pieces.append(view[start:])
        return b"".join(pieces)

    def _join(self, features: frozenset[str]) -> tuple[bytes, list[int]]:
        """All entries for members with these features; entry i lies from bounds[i] to bounds[i + 1]."""
        if features not in self._joined:
            frames = [entry.frame if not entry.feature or entry.feature in features else b"" for entry in self._entries]
            bounds = [0, *itertools.accumulate(map(len, frames))]
            self._joined[features] = b"".join(frames), bounds
        return self._joined[features]


def name_problem(name: str) -> str | None:
    """What is wrong with a name, as a reason to show, or None."""
    if len(name) > MAX_NAME:  # first: to fold 16,000 combining characters takes seconds
        return f"a name has at most {MAX_NAME} characters, this has {len(name)}"
    if not plain(name):
        return "a name needs at least one visible character"
    if has_control(name):
        return "a name must not have control characters"
    return None
