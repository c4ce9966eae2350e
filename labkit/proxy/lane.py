"""One direction of one connection: from a peer's ``recv`` to the other peer's ``send``.

Every fault comes down to two answers: how many bytes may leave now, and when the next ones may.
"""

import math
import socket
from collections import deque
from collections.abc import Callable
from random import Random

from labkit.proxy.faults import Faults
from labkit.proxy.segments import Segments, draw

# What a lane holds at most before it stops reading, which in turn stops the sender. With a latency
# the bytes on their way count too (the bandwidth-delay product, RFC 1323): 16 MiB are 320 MB/s at
# 50 ms. A rate wants little, as what is said after a file should not wait behind seconds of it; a
# lane without faults takes more at once, because each recv costs. Tiny chunks cost more than their
# bytes, so chunks are counted too.
WINDOW = RECV_SIZE = 64 * 1024
WINDOW_WITHOUT_FAULTS = 256 * 1024
WINDOW_IN_FLIGHT = 16 * 1024 * 1024
MAX_CHUNKS = 4096

# With the time it takes to sleep and wake, some 0.1 ms: enough for a receiver that waits in recv to
# take each segment by itself (98 in 100 on an idle machine, 85 on a busy one).
SEGMENT_PAUSE = 0.00005
# A limited rate leaves in pieces of this many seconds, and may make up for waking late by as much.
RATE_SLICE = 0.02


class Cut(Exception):
    """This connection has to be reset on both sides; with the reason, unless a peer did it."""


class Lane:
    """Carries the bytes of one direction. For one thread alone; the sockets do not block."""

    def __init__(
        self,
        direction: str,
        source: socket.socket,
        sink: socket.socket,
        faults: Faults,
        rng: Random,
        tell: Callable[[str, str, bytes], None],
    ) -> None:
        self.direction = direction
        self.source = source
        self.sink = sink
        self.blocked = False  # the sink took nothing; worth trying again when it is writable
        self.source_reset = False  # what had come before it may still be on its way
        self.done = False  # the end has been passed on, and nothing more can come

        self._faults = faults
        self._rng = rng
        self._tell = tell
        self._window = WINDOW_IN_FLIGHT if faults.delay or faults.glue else WINDOW
        self._recv_size = RECV_SIZE
        if faults == Faults():
            self._window = self._recv_size = WINDOW_WITHOUT_FAULTS
        self._chunks: deque[tuple[float, bytes]] = deque()  # (when it arrived, what arrived)
        self._batch = memoryview(b"")  # taken from the chunks, being sent
        self._held = 0  # bytes in both
        self._end = ""  # "fin" or "reset", once the source has ended
        self._end_due = 0.0
        self._discarding = False
        self._passed = 0  # bytes sent: the stream offset of the next one
        self._told = 0  # bytes that the observer knows of
        self._not_before = 0.0

        # Drawn once, before anything else, so that it does not depend on the traffic.
        self._reset_at = draw(faults.reset_after, rng) if faults.reset_after else math.inf
        self._fin_at = faults.half_close_after or math.inf
        self._segments = Segments(faults.segment, rng) if faults.segment else None
        self._cut_at = self._segments.next_cut(0) if self._segments else 0

    # --- the receiving end

    @property
    def has_room(self) -> bool:
        """Whether to read from the source. While this is false its sender is held back by TCP."""
        return not self._end and self._held < self._window and len(self._chunks) < MAX_CHUNKS

    def receive(self, now: float) -> None:
        """Read once from the source, which is readable."""
        try:
            data = self.source.recv(self._recv_size)
        except BlockingIOError:
            return
        except OSError:
            self.on_source_reset(now)
            data = b""
        if not data:
            self._end_with("reset" if self.source_reset else "fin", now)
            return
        self._tell(self.direction, "segment", data)
        if not self._discarding:
            self._chunks.append((now, data))
            self._held += len(data)

    def on_source_reset(self, now: float) -> None:
        """Learn that the source has reset the connection.

        The kernel reports a reset once, to whoever calls first. If that was the other lane's send,
        recv still brings what had come before, and then what looks like an ordinary end.
        """
        self.source_reset = True
        self.blocked = False
        if self._end:
            self._end_with("reset", now)

    def _end_with(self, end: str, now: float) -> None:
        self._tell(self.direction, end, b"")
        self._end, self._end_due = end, now + self._faults.delay
        self.done = False

    # --- the sending end

    def next_time(self) -> float:
        """When `forward` has something to do (`time.monotonic`); infinity: when an event comes."""
        if self.done or self.blocked:
            return math.inf
        if self._batch:
            return self._not_before
        if self._chunks:
            return max(self._not_before, self._chunks[0][0] + self._faults.delay + self._faults.glue)
        return self._end_due if self._end else math.inf

    def forward(self, now: float) -> bool:
        """Send at most one segment, or pass on the end of the stream, if it is time.

        Returns False if the sink turns out to have reset the connection. Raises Cut.
        """
        if now < self.next_time():
            return True
        if not self._batch and self._chunks:
            self._take_batch()
        if not self._batch:
            return self._pass_on_end()
        piece = self._batch[: self._allowance()]
        self._tell_of(piece)
        try:
            sent = self.sink.send(piece)
        except BlockingIOError:
            # A reset waits for the bytes before it, but not for a receiver that takes none: its
            # kernel would know by now.
            if self.source_reset:
                raise Cut from None
            self.blocked = True
            return True
        except OSError:
            return False
        self._account_for(piece[:sent], now)
        return True

    def abandon(self) -> None:
        """Drop everything: the sink is gone."""
        self._chunks.clear()
        self._batch = memoryview(b"")
        self._end, self.done = self._end or "reset", True

    def _take_batch(self) -> None:
        """Move the first chunk, and what came within the time to glue, to the batch."""
        arrived, data = self._chunks.popleft()
        if self._faults.glue:
            glued = [data]
            while self._chunks and self._chunks[0][0] <= arrived + self._faults.glue:
                glued.append(self._chunks.popleft()[1])
            data = b"".join(glued)
        self._batch = memoryview(data)

    def _allowance(self) -> int:
        """How many bytes may leave now, at least one."""
        allowed = min(self._reset_at, self._fin_at) - self._passed
        if self._segments:
            allowed = min(allowed, self._cut_at - self._passed)
        if self._faults.rate:
            allowed = min(allowed, max(1, int(self._faults.rate * RATE_SLICE)))
        return int(min(allowed, len(self._batch)))

    def _tell_of(self, piece: memoryview) -> None:
        """Tell what is about to be sent: told later, the receiver's answer could be told first. What a send leaves for
        the next one is told once.
        """
        end = self._passed + len(piece)
        if end > self._told:
            self._tell(self.direction, "passed", bytes(piece[self._told - self._passed :]))
            self._told = end

    def _account_for(self, sent: memoryview, now: float) -> None:
        """Move on by what was sent, and see which faults are due after it."""
        self._batch = self._batch[len(sent) :]
        self._held -= len(sent)
        self._passed += len(sent)
        if self._faults.rate:
            self._not_before = max(self._not_before, now - RATE_SLICE) + len(sent) / self._faults.rate
        if self._segments:
            self._segments.passed(sent)
            self._not_before = max(self._not_before, now + SEGMENT_PAUSE)

        if self._passed == self._reset_at:
            raise Cut(f"{self._passed} bytes had passed {self.direction}")
        segment_ended = self._passed == self._cut_at if self._segments else not self._batch
        if segment_ended and self._rng.random() < self._faults.reset_chance:
            raise Cut(f"by chance, after {self._passed} bytes {self.direction}")
        if segment_ended and self._segments:
            self._cut_at = self._segments.next_cut(self._passed)
        if self._passed == self._fin_at:
            self._half_close()

    def _half_close(self) -> None:
        self._shut_down_sink()
        self._discarding = True
        self._chunks.clear()
        self._batch = memoryview(b"")
        self._held = 0

    def _pass_on_end(self) -> bool:
        if self._end == "reset":
            raise Cut
        self.done = True
        return self._discarding or self._shut_down_sink()

    def _shut_down_sink(self) -> bool:
        self._tell(self.direction, "ended", b"")
        try:
            self.sink.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return True
