"""One connection's outgoing side, and the thread that serves those who read slowly.

What ``Outbox`` promises to whoever sends:

1. It never blocks: what the network does not take at once waits here.
2. It never reorders texts and never tears a frame: one thread at a time writes to the socket.
3. It ties up nobody: whoever finds another thread writing leaves the bytes to it and goes on; and files are carried
   by the writer thread alone.
4. It never grows past its bound: who does not read is dropped.
"""

import contextlib
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

from reference.streams import Stream

MAX_BACKLOG = 4 * 1024 * 1024
"""Bytes of text that may wait for one reader. (Redis drops a subscriber at 8 MB for 60 s or 32 MB.) Slow readers of
one room share the bytes that wait, so a hundred of them cost little more than one."""

STALL_SECONDS = 30.0
"""How long a reader may take nothing while something waits for it. A laptop that changes its access point is back."""

MAX_LATER = 2_048
"""File frames that may be asked for and not yet sent: each is made only when its turn comes, so they cost little. Sixty
people who all send a picture at once make 300."""

_PIECE = 256 * 1024  # as many waiting texts as are joined for one send

_GRACE = 0.5  # seconds that the writer thread has to see that its time is over

# The lanes of every closed outbox. Two empty deques are 1.5 KB, and a thousand who have gone are remembered (room.py).
_NOTHING: deque[Any] = deque(maxlen=0)


class Overflow(Exception):
    """The other side asks for more than it takes."""


class Outbox:
    """Bytes on their way to one other side, in two lanes: texts first, then file frames.

    A frame once begun is finished, so a text waits for one file frame at most. Takes whole frames only.
    """

    def __init__(self, stream: Stream, writer: "Writer") -> None:
        self._stream = stream
        self._writer = writer
        # Guards the two lanes and the count; held for a few instructions, and never while anything else is taken.
        self._lock = Lock()
        self._texts: deque[bytes] = deque()
        self._files: deque[Callable[[], bytes]] = deque()
        self._waiting = 0  # bytes in _texts
        self._closed = False
        # Held by the one thread that writes to the socket. Only tried, never waited for, but for the end.
        self._writing = Lock()
        self._begun = memoryview(b"")  # what is left of the bytes begun; belongs to who holds _writing
        self._progress = time.monotonic()

    def send(self, frames: bytes) -> None:
        """Send these frames before any file frame that has not begun."""
        if self._send_directly(frames):
            return
        with self._lock:
            if self._closed:
                return
            # What waited before counts: a reader who is up to date is not dropped, however much comes at once.
            overflows = self._waiting > MAX_BACKLOG
            if not overflows:
                self._texts.append(frames)
                self._waiting += len(frames)
        if overflows:
            self.give_up()
        elif not self._flush():
            self._writer.watch(self)

    def send_later(self, make_frame: Callable[[], bytes]) -> None:
        """Have the writer send the frame that ``make_frame`` returns when its turn comes (b"" for none).

        Sends nothing itself, so a caller may hold a lock that decides the order. If sixteen threads carried the files
        that they ask for, a text's thread would have to wait for its turn among them: some 30 ms, and now 1 or 2.
        Raises Overflow.
        """
        with self._lock:
            if self._closed:
                return
            if len(self._files) >= MAX_LATER:
                raise Overflow(f"more than {MAX_LATER} chunks asked for at once")
            self._files.append(make_frame)
        self._writer.watch(self)

    def flush(self) -> bool:
        """Send what goes now, one file frame at most. For the writer thread; False while something is left."""
        return self._flush(with_file=True) and self.empty

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken: it was closed, or given up."""
        return self._closed

    @property
    def empty(self) -> bool:
        """Whether all that was given has gone to the network."""
        return self._closed or not (self._texts or self._files or self._begun)

    def stalled(self, now: float) -> bool:
        """Whether the other side has taken nothing for too long."""
        return now - self._progress > STALL_SECONDS

    def end(self) -> None:
        """Send the last words, as far as the network takes them at once, and end the connection."""
        self.finish()
        self._stream.end()

    def finish(self) -> None:
        """Send the last words, as far as the network takes them at once, and take nothing more."""
        with self._writing, contextlib.suppress(OSError):
            self._write(with_file=False)
        self.close()

    def close(self) -> None:
        """Drop what waits, and take nothing more."""
        with self._lock:
            self._closed = True
            self._texts = self._files = _NOTHING
            self._waiting = 0

    def _send_directly(self, frames: bytes) -> bool:
        """The short way past the lanes, when nothing waits and nobody else writes: nearly always. False if it is shut.

        A broadcast is as fast as this: of what a send to one member takes beyond the system call, it saves half.
        """
        if not self._writing.acquire(False):
            return False
        try:
            if self._closed or self._texts or self._files or self._begun:
                return False
            sent = self._stream.send_now(frames)
            if sent < len(frames):
                self._begun = memoryview(frames)[sent:]
                self._progress = time.monotonic()
        except BlockingIOError:
            return False
        except OSError:
            self.give_up()
        finally:
            self._writing.release()
        # Look again, as _flush does. Not by ``empty``: a call for each member of the room is felt.
        if (self._texts or self._files or self._begun) and not self._flush():
            self._writer.watch(self)
        return True

    def _flush(self, with_file: bool = False) -> bool:
        """Write what is there, if nobody else does. False when the writer thread must go on with it later."""
        # Whoever puts something in and finds another thread writing may go: that thread looks again after it has let
        # go of the lock. (ergo's irc/socket.go does the same for its socket.)
        while not self.empty and self._writing.acquire(blocking=False):
            try:
                done = self._write(with_file)
            except OSError:
                self.give_up()
                return True
            finally:
                self._writing.release()
            if not done:
                return False
        return True

    def _write(self, with_file: bool) -> bool:
        """Write the texts, and one file frame if wanted. True when nothing is left. Requires _writing."""
        while True:
            if not self._begun:
                data, is_file = self._next(with_file)
                if data is None:
                    return not self._files
                with_file = with_file and not is_file
                self._begun = memoryview(data)
            try:
                sent = self._stream.send_now(self._begun)
            except BlockingIOError:
                return False
            self._progress = time.monotonic()
            self._begun = self._begun[sent:]
            if self._begun:
                return False

    def _next(self, with_file: bool) -> tuple[bytes | None, bool]:
        with self._lock:
            if self._texts:
                return self._join_texts(), False
            if not self._files or not with_file:
                return None, False
            make_frame = self._files.popleft()
        return make_frame(), True  # without the lock: it reads from the disk

    def _join_texts(self) -> bytes:
        """Some of the waiting texts as one, because one send for many costs what it costs for one. Requires _lock."""
        if len(self._texts) == 1:
            frames = self._texts.popleft()
        else:
            taken, size = [], 0
            while self._texts and size < _PIECE:
                taken.append(self._texts.popleft())
                size += len(taken[-1])
            frames = b"".join(taken)
        self._waiting -= len(frames)
        return frames

    # What the writer thread needs to wait for this connection and to end it.

    def fileno(self) -> int:
        """For selectors; -1 once the connection is closed."""
        return self._stream.fileno()

    def give_up(self) -> None:
        """Drop what cannot be served: the thread that reads this connection then sees the end of the stream."""
        self.close()
        self._stream.end()

    def mark_wait(self) -> None:
        """Waiting begins now: silence before it was not the reader's fault."""
        self._progress = time.monotonic()


class Writer:
    """The one thread that waits for slow readers, so that nobody else has to."""

    def __init__(self) -> None:
        # Appended to by any thread: deque.append is atomic.
        self._arrivals: deque[Outbox] = deque()
        self._calls: deque[Callable[[], None]] = deque()
        self._stop_at: float | None = None
        self._selector = selectors.DefaultSelector()
        self._bell, self._button = socket.socketpair()
        self._bell.setblocking(False)
        self._button.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread = Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def watch(self, outbox: Outbox) -> None:
        """Go on with this outbox when its network takes more."""
        self._arrivals.append(outbox)
        self._wake()

    def call(self, function: Callable[[], None]) -> None:
        """Have the writer thread call this function soon."""
        self._calls.append(function)
        self._wake()

    def stop(self, seconds: float) -> None:
        """Go on until nothing waits, but at most so many seconds; then end the thread."""
        self._stop_at = time.monotonic() + seconds
        self._wake()
        self._thread.join(seconds + _GRACE)  # not for ever: what it calls may be stuck, as in a pipe that is full

    def _wake(self) -> None:
        try:
            self._button.send(b"!")
        except OSError:
            pass  # it has been rung often enough, or the thread has ended

    def _run(self) -> None:
        checked = time.monotonic()
        while not self._may_stop():
            for key, _ in self._select(0.1 if self._stop_at else 1.0):
                if key.data is None:
                    self._bell.recv(4096)
                elif key.data.flush():
                    self._selector.unregister(key.fileobj)
            for _ in range(len(self._calls)):  # not what is added meanwhile: slow readers have their turn in between
                self._calls.popleft()()
            for _ in range(len(self._arrivals)):
                self._admit(self._arrivals.popleft())
            if time.monotonic() - checked >= 1.0:
                checked = time.monotonic()
                self._forget_finished()
                self._drop_stalled(checked)
        self._selector.close()
        self._bell.close()
        self._button.close()

    def _select(self, timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        try:
            return self._selector.select(timeout)
        except (OSError, ValueError):  # Windows' select() takes no connection that was closed meanwhile
            self._forget_finished()
            return []

    def _admit(self, outbox: Outbox) -> None:
        if outbox.empty:
            return
        try:
            key = self._selector.get_map().get(outbox.fileno())
            if key is None or key.data is not outbox:
                if key is not None:  # a connection that is closed by now, and the system gave its number to this one
                    self._forget_finished()
                outbox.mark_wait()
                self._selector.register(outbox, selectors.EVENT_WRITE, outbox)
        except (ValueError, KeyError, OSError):
            outbox.give_up()  # mostly closed in this very moment

    def _drop_stalled(self, now: float) -> None:
        for outbox in self._watched():
            if outbox.stalled(now):
                outbox.give_up()

    def _forget_finished(self) -> None:
        for outbox in self._watched():
            if outbox.empty or outbox.fileno() == -1:
                self._selector.unregister(outbox)

    def _watched(self) -> list[Outbox]:
        return [key.data for key in self._selector.get_map().values() if key.data is not None]

    def _may_stop(self) -> bool:
        if self._stop_at is None:
            return False
        return time.monotonic() > self._stop_at or not (self._calls or self._arrivals or self._watched())
