"""Fetching a file by asking for it, chunk by chunk. No sockets, no files: questions out, answers in.

A few questions are open at once, so that the line is never idle; how many bytes that is follows the line, so that a
text never waits long behind a chunk. The rule is LEDBAT's (RFC 6817) in small: as long as answers come about as fast
as the fastest one did, ask for more; when they begin to queue, ask for less.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from reference.protocol import MAX_CHUNK, Data, End, Get, ProtocolError

MIN_WINDOW = 8 * 1024
"""Bytes asked for at once on the slowest line: a second on 64 kbit/s."""

FIRST_WINDOW = 64 * 1024
"""Bytes asked for before anything is known of the line."""

MAX_WINDOW = 1024 * 1024
"""Bytes asked for at once on the fastest line: four full chunks keep a loopback busy."""

MAX_QUEUE_SECONDS = 0.1
"""How long an answer may have queued: what a text waits behind a file, and hardly noticed (RFC 6817 has 100 ms too)."""


class Damaged(Exception):
    """All bytes came, and they are not those that were sent."""


class _Question(NamedTuple):
    offset: int
    size: int
    asked_at: float


class Pull:
    """One file on its way here. The caller sends what ``questions`` yields, and keeps what ``take`` approves."""

    def __init__(self, file_id: bytes, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``size`` is what the offer said, in bytes."""
        self.id = file_id
        self.size = size
        self.arrived = 0
        self._clock = clock
        self._asked = 0  # everything before this offset has been asked for
        self._asked_for_end = False
        self._open: deque[_Question] = deque()
        self._window = FIRST_WINDOW
        self._fastest = float("inf")
        self._adapted_at = float("-inf")
        self._hash = hashlib.sha256()

    @property
    def open_questions(self) -> int:
        """How many questions have no answer yet."""
        return len(self._open)

    def questions(self) -> Iterator[Get]:
        """The questions to ask now."""
        while not self._asked_for_end and (not self._open or self._asked - self.arrived < self._window):
            size = min(MAX_CHUNK, max(MIN_WINDOW // 4, self._window // 4))
            self._open.append(_Question(self._asked, size, self._clock()))
            yield Get(self.id, self._asked, size)
            self._asked_for_end = self._asked >= self.size
            self._asked = min(self._asked + size, self.size)

    def restart(self) -> None:
        """The connection was broken, and what is open will not be answered: go on with what has not arrived."""
        self._open.clear()
        self._asked = self.arrived
        self._asked_for_end = False
        self._window = min(self._window, FIRST_WINDOW)

    def take(self, data: Data) -> None:
        """An answer: its bytes belong at ``data.offset``. Raises ProtocolError when nobody asked for them."""
        question = self._open.popleft() if self._open else None
        if question is None or data.offset != question.offset or data.offset == self.size:
            raise ProtocolError("out-of-turn", "data: nobody asked for these bytes")
        expected = min(question.size, self.size - question.offset)
        if len(data.data) != expected:
            raise ProtocolError("bad-field", f"data: must have the {expected} bytes asked for, not {len(data.data)}")
        self._hash.update(data.data)
        self.arrived += expected
        self._adapt(question)

    def finish(self, end: End) -> None:
        """The answer to the last question. Raises Damaged, or ProtocolError when the end comes too early."""
        if self.arrived != self.size or len(self._open) != 1:
            raise ProtocolError("out-of-turn", "end: the file is not at its end")
        self._open.clear()
        if end.sha256 != self._hash.digest():
            raise Damaged("the SHA-256 is not the sender's")

    def _adapt(self, question: _Question) -> None:
        now = self._clock()
        seconds = now - question.asked_at
        self._fastest = min(self._fastest, seconds)
        if question.asked_at < self._adapted_at:
            return  # it was asked before the window last changed, and cannot judge that
        self._adapted_at = now
        if seconds - self._fastest <= MAX_QUEUE_SECONDS:
            self._window = min(self._window + self._window // 4, MAX_WINDOW)
        else:
            self._window = max(self._window // 2, MIN_WINDOW)
