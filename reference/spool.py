"""The files that are being shared: taken from the one who offers, kept on disk, handed to those who ask.

Both legs are pulled. The server asks the sender until it has the file; receivers ask the server, and who asks for
bytes that have not arrived yet is answered when they have. So no loop here ever blocks a thread, a slow receiver
delays nobody, and a file is passed on while it arrives.

A file's bytes are in a temporary file without a name: whatever happens to the server, nothing is left over, and no
name that a client chose ever comes near the disk.
"""

import errno
import time
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from reference import protocol as wire
from reference.outbox import Overflow
from reference.pull import Damaged, Pull
from reference.room import Entry, Member, Room
from reference.store import Store

MAX_FILE = 2 * 1024**3
"""Bytes of one file, unless the server is told otherwise: a long film."""

MAX_SPOOL = 8 * 1024**3
"""Bytes of all files together, unless the server is told otherwise."""

MAX_FILES_EACH = 16
"""Files that one sender may have on their way here at a time."""

MAX_FILES = 1_000
"""Files in all: a fifth of the server's descriptors is kept for them."""

IDLE_SECONDS = 30.0
"""How long a file may lie without moving before it has to go for a newer one: fetched by nobody, or begun and left."""

MAX_OUTCOMES = 2 * MAX_FILES_EACH
"""Files of one sender that are remembered when they are done, because its connection may break before it is told."""

MAX_WAITING_GETS = 16
"""Questions of one receiver about one file that wait for bytes to arrive; the reference client has five open."""


@dataclass(eq=False)
class _SharedFile:
    offer: wire.Offer
    sender: Member
    store: Store
    pull: Pull
    receivers: set[Member] = field(default_factory=set)  # who was offered it, and is not done with it
    waiting: list[tuple[Member, wire.Get]] = field(default_factory=list)  # who asked for bytes that have not come yet
    arrived: int = 0
    sha256: bytes = b""  # known once it is whole
    moved_at: float = field(default_factory=time.monotonic)  # when bytes of it last came or went
    called_off: bool = False
    broken: bool = False  # its sender's connection, which may offer it again to go on


class _NotTaken(Exception):
    """Why the server does not take a file."""


class Spool:
    """Every shared file, by id. Every method may be called by any thread."""

    def __init__(
        self,
        room: Room,
        folder: str | None,
        max_file: int = MAX_FILE,
        max_total: int = MAX_SPOOL,
        max_files: int = MAX_FILES,
    ) -> None:
        """``folder`` None means the system's for temporary files."""
        self._room = room
        self._folder = folder
        self._max_file = max_file
        self._max_total = max_total
        self._max_files = max_files
        # Guards the files and all that is in them, but not their bytes and their pull: those belong to the sender's
        # thread. Taken before the room's lock and those of outboxes; never held while anything is sent.
        self._lock = Lock()
        self._files: dict[bytes, _SharedFile] = {}

    # --- from the one who offers

    def offer(self, sender: Member, offer: wire.Offer) -> None:
        """Pass an offer on to everyone else, and begin to ask for the file; or go on where the connection broke."""
        if self._go_on(sender, offer):
            return
        frame = wire.encode(wire.OfferFrom(sender.name, offer.id, offer.name, offer.size))
        line = f"[{sender.name}] !send {offer.name}"
        self._make_room(offer.size)
        try:
            with self._lock:
                self._check(sender, offer)
                file = _SharedFile(offer, sender, Store(self._folder), Pull(offer.id, offer.size))
                self._files[offer.id] = file
                present = self._room.add(Entry(sender, frame, wire.FILES, line))
                file.receivers = {
                    member for member in present if wire.FILES in member.features and member is not sender
                }
        except _NotTaken as problem:
            sender.outbox.send(wire.encode(wire.Abort(offer.id, str(problem))))
        except OSError as error:
            sender.outbox.send(wire.encode(wire.Abort(offer.id, _disk_reason(error))))
        else:
            self._room.flush()
            self._ask(file)

    def data(self, sender: Member, data: wire.Data) -> None:
        """Keep what came, hand it to who waits for it, and ask for more. Raises ProtocolError."""
        file = self._sent_by(sender, data.id)
        if file is None:
            return
        file.pull.take(data)
        try:
            file.store.write(data.offset, data.data)
        except (OSError, ValueError) as error:
            self._call_off(file, _disk_reason(error), also=sender)
            return
        with self._lock:
            file.arrived = file.pull.arrived
            file.moved_at = time.monotonic()
        self._answer_waiting(file)
        self._ask(file)

    def end(self, sender: Member, end: wire.End) -> None:
        """The whole file is here, if its hash is right. Raises ProtocolError."""
        file = self._sent_by(sender, end.id)
        if file is None:
            return
        try:
            file.pull.finish(end)
        except Damaged:
            self._call_off(file, "it arrived damaged", also=sender)
            return
        with self._lock:
            if file.called_off:  # in this very moment
                return
            file.sha256 = end.sha256
            offer = file.offer
            self._room.add(Entry(None, line=f"Received {offer.name} ({offer.size} bytes)"))
        self._tell_sender(file, wire.Stored(end.id))
        self._room.flush()
        self._answer_waiting(file)
        self._done_with(file, sender)

    # --- from those who ask

    def get(self, receiver: Member, get: wire.Get) -> None:
        """Answer now, or when the bytes have come. Raises ProtocolError, Overflow."""
        with self._lock:
            file = self._files.get(get.id)
            if file is None or receiver not in file.receivers:
                file = None
            elif get.offset > file.offer.size:
                raise wire.ProtocolError("bad-field", "get: the offset is beyond the end of the file")
            elif not _is_there(file, get):
                if sum(member is receiver for member, _ in file.waiting) >= MAX_WAITING_GETS:
                    raise Overflow(f"more than {MAX_WAITING_GETS} questions about one file at once")
                file.waiting.append((receiver, get))
            else:
                receiver.outbox.send_later(partial(self._answer, file, receiver, get))
        if file is None:
            receiver.outbox.send(wire.encode(wire.Abort(get.id, "the server does not have it, or no longer")))

    def abort(self, member: Member, abort: wire.Abort) -> None:
        """The sender calls a file off; or a receiver does not want it, or has all of it."""
        with self._lock:
            file = self._files.get(abort.id)
        if file is None:
            return
        if member is file.sender and not file.sha256:
            self._call_off(file, abort.reason)
        else:
            self._done_with(file, member)

    def gone(self, member: Member) -> None:
        """Someone left the room: their unfinished files are called off, and nothing waits for them any more."""
        with self._lock:
            files = list(self._files.values())
        for file in files:
            if file.sender is member and not file.sha256:
                reason = f"{member.name} has left"
                self._call_off(file, reason)
                # Reaches nobody, unless they came back in the moment when their place was given up.
                member.outbox.send(wire.encode(wire.Abort(file.offer.id, reason)))
            elif self._done_with(file, member):
                # Whoever came back in the moment when their place was given up may be asking for it.
                member.outbox.send(wire.encode(wire.Abort(file.offer.id, "your place was given up")))

    def lost(self, member: Member) -> None:
        """Someone's connection is broken: what they asked for on it is not answered, and their files rest."""
        with self._lock:
            for file in self._files.values():
                file.waiting = [each for each in file.waiting if each[0] is not member]
                file.broken = file.broken or file.sender is member

    def close(self) -> None:
        """Drop every file."""
        with self._lock:
            for file in list(self._files.values()):
                self._forget(file)

    # --- inside

    def _go_on(self, sender: Member, offer: wire.Offer) -> bool:
        """Whether this is a file that was offered before, on a connection that broke."""
        with self._lock:
            outcome = sender.outcomes.get(offer.id)
            file = self._files.get(offer.id)
            resumed = file is not None and file.sender is sender and file.broken
            if resumed and file is not None and file.sha256:
                outcome = wire.Stored(offer.id)
            if file is not None and resumed:
                file.broken = False
        if outcome is not None:
            sender.outbox.send(wire.encode(outcome))
        elif file is not None and resumed:
            file.pull.restart()
            self._ask(file)
        return outcome is not None or resumed

    def _tell_sender(self, file: _SharedFile, outcome: wire.Frame) -> None:
        with self._lock:
            outcomes = file.sender.outcomes
            if file.sender.token:  # it can come back
                outcomes[file.offer.id] = outcome
            if len(outcomes) > MAX_OUTCOMES:
                del outcomes[next(iter(outcomes))]
        file.sender.outbox.send(wire.encode(outcome))

    def _check(self, sender: Member, offer: wire.Offer) -> None:
        """Raises _NotTaken. Requires _lock."""
        if offer.id in self._files:
            raise _NotTaken("this id is in use")
        if offer.size > self._max_file:
            raise _NotTaken(f"too large: this server takes files up to {self._max_file} bytes")
        if not self._fits(offer.size):
            raise _NotTaken("the server has no room for it now")
        if sum(file.sender is sender and not file.sha256 for file in self._files.values()) >= MAX_FILES_EACH:
            raise _NotTaken(f"{MAX_FILES_EACH} of your files are still on their way: send it later")

    def _fits(self, size: int) -> bool:
        """Requires _lock."""
        total = sum(file.offer.size for file in self._files.values())
        return total + size <= self._max_total and len(self._files) < self._max_files

    def _make_room(self, size: int) -> None:
        """Call off files that do not move, the oldest first, until one of this size fits."""
        while size <= min(self._max_file, self._max_total):
            last = time.monotonic() - IDLE_SECONDS
            with self._lock:
                idle = next(
                    (file for file in self._files.values() if file.moved_at < last and not file.called_off), None
                )
                if idle is None or self._fits(size):
                    return
            self._call_off(idle, "the server needs the room for newer files", also=None if idle.sha256 else idle.sender)

    def _sent_by(self, sender: Member, file_id: bytes) -> _SharedFile | None:
        """The file that ``sender`` is sending; None when it has been called off, and answers are still coming in."""
        with self._lock:
            file = self._files.get(file_id)
        if file is None or file.sender is not sender or file.sha256 or file.called_off:
            return None
        return file

    def _ask(self, file: _SharedFile) -> None:
        questions: list[wire.Frame] = list(file.pull.questions())
        if questions:
            file.sender.outbox.send(b"".join(map(wire.encode, questions)))

    def _answer_waiting(self, file: _SharedFile) -> None:
        with self._lock:
            ready = [(member, get) for member, get in file.waiting if _is_there(file, get)]
            file.waiting = [(member, get) for member, get in file.waiting if not _is_there(file, get)]
            for member, get in ready:  # queued under the lock: a later question must not be answered before this one
                try:
                    member.outbox.send_later(partial(self._answer, file, member, get))
                except Overflow:
                    member.outbox.give_up()

    def _answer(self, file: _SharedFile, receiver: Member, get: wire.Get) -> bytes:
        """The answer to a question, made when its turn on the wire has come."""
        if get.offset == file.offer.size:
            if not receiver.token:  # who can come back says itself that it has the file: this end may never arrive
                self._done_with(file, receiver)
            return wire.encode(wire.End(get.id, file.sha256))
        try:
            data = file.store.read(get.offset, min(get.size, file.offer.size - get.offset))
        except ValueError:
            return b""  # called off meanwhile, and everyone has been told
        except OSError:
            self._done_with(file, receiver)
            return wire.encode(wire.Abort(get.id, "the server cannot read it"))
        file.moved_at = time.monotonic()
        return wire.encode(wire.Data(get.id, get.offset, data))

    def _call_off(self, file: _SharedFile, reason: str, also: Member | None = None) -> None:
        """Tell those who were offered it, and perhaps its sender."""
        with self._lock:
            if file.called_off:
                return
            file.called_off = True
        self._room.settle()  # the offer is in the log, perhaps even a receiver's welcome: they come first
        with self._lock:
            told = list(file.receivers)
        frame = wire.Abort(file.offer.id, reason)
        for member in told:
            member.outbox.send(wire.encode(frame))
        if also:
            self._tell_sender(file, frame)
        with self._lock:
            self._forget(file)  # only now: who asks meanwhile must not be told less than the reason

    def _done_with(self, file: _SharedFile, member: Member) -> bool:
        """Someone does not need it any more; it goes when nobody does. False when they were done with it before."""
        with self._lock:
            was_offered = member in file.receivers
            file.receivers.discard(member)
            file.waiting = [each for each in file.waiting if each[0] is not member]
            if file.sha256 and not file.receivers:
                self._forget(file)
        return was_offered

    def _forget(self, file: _SharedFile) -> None:
        """Requires _lock."""
        if self._files.get(file.offer.id) is file:  # the id may have been used anew since
            del self._files[file.offer.id]
        file.store.close()


def _is_there(file: _SharedFile, get: wire.Get) -> bool:
    if get.offset == file.offer.size:
        return bool(file.sha256)
    return min(get.offset + get.size, file.offer.size) <= file.arrived


def _disk_reason(error: Exception) -> str:
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return "the server's disk is full" if full else "the server cannot store it"
