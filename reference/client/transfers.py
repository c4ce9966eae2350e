"""The files of one client, both ways: those it offers and answers for, and those it asks for."""

import errno
import os
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock

from reference import protocol as wire
from reference.client import events
from reference.files import Changed, Download, Upload
from reference.outbox import Outbox, Overflow
from reference.pull import Damaged, Pull

PROGRESS_SECONDS = 0.1
"""The least time between two events of progress of one file: an eye sees no more, and a window must draw each."""


TYPING_SECONDS = 0.5
"""How long after a key somebody still types."""

GIVE_WAY_SECONDS = 0.01
"""What each piece of a file waits while somebody types: 25 MB/s are left, and a processor for who draws the letters."""


class _File:
    def __init__(self, number: int, name: str, size: int) -> None:
        self.number, self.name, self.size = number, name, size
        self._told_at = time.monotonic()

    def progress(self, done: int) -> list[events.Event]:
        """An event, if the last one is long enough ago."""
        now = time.monotonic()
        if now - self._told_at < PROGRESS_SECONDS:
            return []
        self._told_at = now
        return [events.FileProgress(self.number, self.name, done, self.size)]

    def failed(self, reason: str) -> events.FileFailed:
        """The event of that."""
        return events.FileFailed(self.number, self.name, reason)


class _Outgoing(_File):
    def __init__(self, number: int, upload: Upload, offer: bytes) -> None:
        super().__init__(number, upload.name, upload.size)
        self.offer = offer  # the frame
        self.upload = upload


class _Incoming(_File):
    def __init__(self, number: int, offer: wire.OfferFrom) -> None:
        super().__init__(number, offer.name, offer.size)
        self.offer = offer
        self.pull = Pull(offer.id, offer.size)
        self.download: Download | None = None  # until it is asked for
        # Called off by us. What was asked before is still answered, and all of these answers must have come before it
        # can be asked for again: else they would be taken for the new ones.
        self.called_off = False
        self.wanted_again = False


class Transfers:
    """Answers and asks for files on one connection.

    The methods named after frames are for the thread that reads the connection, the other public ones for any.
    """

    def __init__(
        self,
        outbox: Outbox,
        folder: Path,
        auto_get: int,
        on_event: Callable[[events.Event], None],
        can_resume: bool = False,
    ) -> None:
        """``folder`` is where received files go; those up to ``auto_get`` bytes are fetched without being asked for.

        A server with which we ``can_resume`` keeps a file for us until it hears that we have it.
        """
        self._outbox = outbox
        self._folder = folder
        self._auto_get = auto_get
        self._on_event = on_event
        self._can_resume = can_resume
        # Guards the three below, which files of others come and which are called off, and what is asked for them.
        self._lock = Lock()
        self._outgoing: dict[bytes, _Outgoing] = {}
        self._incoming: dict[bytes, _Incoming] = {}
        self._count = 0
        self._withdrawn: deque[bytes] = deque(maxlen=100)  # aborts of ours that the server may not have seen
        self._typed_at = float("-inf")

    def send_file(self, path: Path) -> None:
        """Offer a file to everyone else. Raises OSError with the reason when it cannot be read."""
        upload = Upload(path)
        file_id = os.urandom(wire.ID_SIZE)
        try:
            offer = wire.encode(wire.Offer(file_id, upload.name, upload.size))
        except wire.ProtocolError as error:
            upload.close()
            raise OSError(errno.EFBIG, str(error)) from None
        with self._lock:
            outgoing = _Outgoing(self._next_number(), upload, offer)
        self._on_event(events.FileSending(outgoing.number, upload.name, upload.size))
        with self._lock:  # kept while it is sent: it must be offered once on each connection
            self._outgoing[file_id] = outgoing
            self._outbox.send(offer)

    def get(self, number: int) -> bool:
        """Fetch a file that waits. False when none of that number does."""
        with self._lock:
            incoming = next((each for each in self._incoming.values() if each.number == number), None)
            if incoming is None or (incoming.download is not None and not incoming.called_off):
                return False
            incoming.wanted_again = incoming.called_off
            begins = not incoming.called_off
        if begins:
            self._begin(incoming)
        return True

    def cancel(self, number: int) -> bool:
        """Call a file off, either way; ``get`` fetches one that was coming again. False when none of that number moves.

        For a file that comes, the thread that reads the connection does it, with the next answer.
        """
        with self._lock:
            going = [file_id for file_id, each in self._outgoing.items() if each.number == number]
            coming = [each for each in self._incoming.values() if each.number == number and each.download is not None]
            stopped = [each for each in coming if not each.called_off]
            for incoming in coming:
                incoming.called_off, incoming.wanted_again = True, False
        for file_id in going:
            outgoing = self._drop_outgoing(file_id)
            if outgoing is not None:
                self._withdraw(file_id, "its sender called it off")
                self._on_event(outgoing.failed("you called it off"))
        for incoming in stopped:
            self._on_event(incoming.failed("you called it off"))
        return bool(going or coming)

    def give_way(self) -> None:
        """Somebody types: files come a little slower for a moment, so that the letters are there at once."""
        self._typed_at = time.monotonic()

    def under_way(self) -> list[tuple[int, str]]:
        """Number and name of each file that moves, either way."""
        with self._lock:
            coming = [each for each in self._incoming.values() if each.download is not None and not each.called_off]
            files: list[_File] = [*self._outgoing.values(), *coming]
            return sorted((each.number, each.name) for each in files)

    def reconnected(self, outbox: Outbox) -> None:
        """There is another connection: go on where the last one broke. For the thread that reads it."""
        with self._lock:
            self._outbox = outbox
            for frame in [*self._withdrawn, *(each.offer for each in self._outgoing.values())]:
                outbox.send(frame)
            coming = [each for each in self._incoming.values() if each.download is not None]
            called_off = [each for each in coming if each.called_off]
            for incoming in coming:
                incoming.pull.restart()
                if not incoming.called_off:
                    self._ask(incoming)
        for incoming in called_off:
            self._let_go(incoming)

    def sending(self) -> bool:
        """Whether the server has not all of a file of ours."""
        return bool(self._outgoing)

    def end(self, reason: str) -> int:
        """The connection is over: nothing half-done stays on the disk. Returns how many files of ours were not sent."""
        with self._lock:
            outgoing, incoming = list(self._outgoing.values()), list(self._incoming.values())
            self._outgoing.clear()
            self._incoming.clear()
        for sent in outgoing:
            sent.upload.close()
            self._on_event(sent.failed(reason))
        for received in incoming:
            if received.download is not None:
                received.download.discard()
            if received.download is not None and not received.called_off:
                self._on_event(received.failed(reason))
        return len(outgoing)

    # --- what the server asks of us

    def asked(self, get: wire.Get) -> None:
        """The server wants some bytes of a file of ours."""
        outgoing = self._outgoing.get(get.id)
        if outgoing is None:
            return  # called off a moment ago
        try:
            self._outbox.send_later(partial(self._answer, outgoing, get))
        except Overflow as error:
            raise wire.ProtocolError("too-much", str(error)) from None

    def stored(self, stored: wire.Stored) -> None:
        """The server has a whole file of ours."""
        outgoing = self._drop_outgoing(stored.id)
        if outgoing is not None:
            self._on_event(events.FileSent(outgoing.number, outgoing.name))

    def _answer(self, outgoing: _Outgoing, get: wire.Get) -> bytes:
        """The answer, made when its turn on the wire has come. For whichever thread writes then."""
        try:
            answer = outgoing.upload.answer(get)
        except (Changed, OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            if self._drop_outgoing(get.id) is None:
                return b""
            self._on_event(outgoing.failed(reason))
            self._withdraw(get.id, reason)
            return b""
        for event in outgoing.progress(get.offset):
            self._on_event(event)
        return wire.encode(answer)

    # --- what we ask of the server

    def offered(self, offer: wire.OfferFrom) -> None:
        """Somebody else has a file."""
        waits = offer.size > self._auto_get
        with self._lock:
            known = self._incoming.get(offer.id)
            if known is not None and known.download is not None and known.size == offer.size:
                return  # its sender came back late, or the server is a new one: our questions go on
            incoming = _Incoming(self._next_number(), offer)
            self._incoming[offer.id] = incoming
        self._on_event(events.FileOffered(incoming.number, offer.sender, offer.name, offer.size, waits))
        if not waits:
            self._begin(incoming)

    def data(self, data: wire.Data) -> None:
        """Some bytes that we asked for. Raises ProtocolError when we did not."""
        incoming = self._incoming.get(data.id)
        if incoming is None or incoming.download is None:
            return  # called off a moment ago
        incoming.pull.take(data)
        if incoming.called_off:
            self._let_go(incoming)
            return
        try:
            incoming.download.write(data.data)
        except OSError as error:
            self._fail(incoming, f"cannot write it: {error.strerror}", tell=True)
            return
        for event in incoming.progress(incoming.pull.arrived):
            self._on_event(event)
        with self._lock:
            self._ask(incoming)
        if time.monotonic() - self._typed_at < TYPING_SECONDS:
            time.sleep(GIVE_WAY_SECONDS)

    def ended(self, end: wire.End) -> None:
        """A file is whole, if its hash is right. Raises ProtocolError."""
        incoming = self._incoming.get(end.id)
        if incoming is None or incoming.download is None:
            return
        try:
            incoming.pull.finish(end)
            if incoming.called_off:
                self._let_go(incoming)
                return
            path = incoming.download.finish()
        except Damaged as error:
            self._fail(incoming, str(error), tell=self._can_resume)
        except OSError as error:
            self._fail(incoming, f"cannot write it: {error.strerror}", tell=self._can_resume)
        else:
            with self._lock:
                del self._incoming[end.id]
            if self._can_resume:
                self._withdraw(end.id, "it has arrived")
            self._on_event(events.FileReceived(incoming.number, incoming.name, path))

    def aborted(self, abort: wire.Abort) -> None:
        """A file of ours is not taken, or one of somebody else's is called off."""
        outgoing = self._drop_outgoing(abort.id)
        if outgoing is not None:
            self._on_event(outgoing.failed(abort.reason))
        incoming = self._incoming.get(abort.id)
        if incoming is not None:
            self._fail(incoming, abort.reason)

    # --- inside

    def _begin(self, incoming: _Incoming) -> None:
        try:
            with self._lock:
                if incoming.download is not None or self._incoming.get(incoming.offer.id) is not incoming:
                    return  # another thread was faster
                incoming.download = Download(self._folder, incoming.name, incoming.offer.id)
                self._ask(incoming)
        except (OSError, ValueError) as error:  # ValueError: a name that this disk's encoding cannot hold
            reason = error.strerror if isinstance(error, OSError) else "no file can have this name here"
            self._fail(incoming, f"cannot write to {self._folder}: {reason}", tell=True)

    def _let_go(self, incoming: _Incoming) -> None:
        """Make a file that we called off one that waits, once all that was asked for has been answered."""
        assert incoming.download is not None
        incoming.download.discard()
        if incoming.pull.open_questions == 0:
            with self._lock:
                incoming.download = None
                incoming.pull = Pull(incoming.offer.id, incoming.offer.size)
                incoming.called_off = False
                again = incoming.wanted_again
            if again:
                self._begin(incoming)

    def _ask(self, incoming: _Incoming) -> None:
        """Requires _lock: what is asked goes out on the connection that it is noted for."""
        questions = b"".join(wire.encode(get) for get in incoming.pull.questions())
        if questions:
            self._outbox.send(questions)

    def _fail(self, incoming: _Incoming, reason: str, tell: bool = False) -> None:
        with self._lock:
            self._incoming.pop(incoming.offer.id, None)
        if incoming.download is not None:
            incoming.download.discard()
        if tell:
            self._outbox.send(wire.encode(wire.Abort(incoming.offer.id, reason)))
        if not incoming.called_off or incoming.wanted_again:
            self._on_event(incoming.failed(reason))

    def _withdraw(self, file_id: bytes, reason: str) -> None:
        """Have no more to do with a file, on this connection and, in case it is broken, on the next."""
        frame = wire.encode(wire.Abort(file_id, reason))
        with self._lock:
            self._withdrawn.append(frame)
            self._outbox.send(frame)

    def _drop_outgoing(self, file_id: bytes) -> _Outgoing | None:
        with self._lock:
            outgoing = self._outgoing.pop(file_id, None)
        if outgoing is not None:
            outgoing.upload.close()
        return outgoing

    def _next_number(self) -> int:
        """Requires _lock."""
        self._count += 1
        return self._count
