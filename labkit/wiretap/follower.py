"""Finds the frames in one direction of a connection, keeps their bytes, and notices where they break.

What is right and what is wrong is for `reference.protocol.Decoder` to say, as in a real server or client. The follower
hands it each frame by itself, so that it knows which bytes each frame was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from reference.protocol import ID_SIZE, Decoder, Frame, ProtocolError

HEAD = 5
"""Bytes of length and type: when they are there, the decoder has checked both."""

LENGTH = 4

DATA_HEAD = HEAD + ID_SIZE + 8
"""Bytes before a file's own bytes in a data frame: also its id and offset."""

KEPT = DATA_HEAD + 128
"""Bytes kept of a data frame. Nobody reads more of a file here, and to copy all of it would slow it down by half."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A frame that has come whole: its bytes from the length on, and what they say. Of data, just the beginning."""

    raw: bytes
    size: int
    """The frame's bytes in all."""
    frame: Frame | None
    """None: of a type that nobody knows, which receivers skip."""
    segments: int
    """In how many segments it came."""

    @property
    def letter(self) -> str:
        """The type byte as a letter."""
        return chr(self.raw[LENGTH])


@dataclass(frozen=True, slots=True)
class Broken:
    """Where a stream breaks: the bytes of the frame so far, those that came in the same segment behind, and why."""

    raw: bytes
    after: bytes
    error: ProtocolError


Result: TypeAlias = Whole | Broken


@dataclass(frozen=True, slots=True)
class Part:
    """What one segment has of one frame: ``size`` bytes, the first of which is the frame's byte number ``start``."""

    start: int
    size: int
    total: int | None
    """The frame's bytes in all; None when its length has not come yet, or makes no sense."""
    result: Result | None
    """Set by the part that ends the frame, one way or the other."""
    lost: bool = False
    """Bytes behind a broken frame: nobody knows what they are."""


class Follower:
    """Follows what one side sends. ``accepts`` is what it may send, as for the Decoder."""

    def __init__(self, accepts: Mapping[str, type[Frame]]) -> None:
        self._accepts = accepts
        self._raw = bytearray()
        self._size = 0  # the frame's bytes so far; of data, more than are kept
        self._total: int | None = None
        self._segments = 0
        self._broken = False
        self.lost = 0
        """Bytes that came after the stream broke."""

    @property
    def begun(self) -> tuple[bytes, int, int | None]:
        """A frame that has not ended: its bytes, how many have come, and how many it is to have, if that is known."""
        return bytes(self._raw), self._size, self._total

    def feed(self, segment: bytes) -> list[Part]:
        """What one segment has, frame by frame."""
        parts = []
        rest = memoryview(segment)
        while rest:
            if self._broken:
                self.lost += len(rest)
                parts.append(Part(0, len(rest), None, None, lost=True))
                break
            part = self._take(rest)
            parts.append(part)
            rest = rest[part.size :]
        return parts

    def _take(self, rest: memoryview) -> Part:
        start = self._size
        self._segments += 1
        result: Result | None = None
        if self._total is None:
            result = self._take_head(rest)
        if result is None and self._total is not None:
            result = self._take_body(rest[self._size - start :])
        part = Part(start, self._size - start, self._total, result)
        if result is not None:
            self._raw.clear()
            self._size = self._segments = 0
            self._total = None
        return part

    def _take_head(self, rest: memoryview) -> Broken | None:
        """Complete length and type, which alone may break a rule."""
        head = rest[: HEAD - self._size]
        self._raw += head
        self._size += len(head)
        if self._size < HEAD:
            return None
        try:
            if (length := int.from_bytes(self._raw[:LENGTH], "big")) != 1:  # with 1 the frame is whole: see below
                self._judge(self._raw)
        except ProtocolError as error:
            return self._break(error, rest[len(head) :])
        self._total = LENGTH + length
        return None

    def _take_body(self, rest: memoryview) -> Result | None:
        assert self._total is not None
        body = rest[: self._total - self._size]
        self._size += len(body)
        is_data = self._raw[LENGTH] == ord("D")
        self._raw += body[: max(0, KEPT - len(self._raw))] if is_data else body
        if self._size < self._total:
            return None
        raw = bytes(self._raw)
        try:
            # The decoder sees a shorter frame of the same beginning where not all is kept.
            frame = self._judge((len(raw) - LENGTH).to_bytes(LENGTH, "big") + raw[LENGTH:])
        except ProtocolError as error:
            return self._break(error, rest[len(body) :])
        return Whole(raw, self._size, frame, self._segments)

    def _judge(self, frame: bytes | bytearray) -> Frame | None:
        decoder = Decoder(self._accepts)
        decoder.feed(bytes(frame))
        return decoder.next_frame()

    def _break(self, error: ProtocolError, after: memoryview) -> Broken:
        self._broken = True
        return Broken(bytes(self._raw), bytes(after), error)
