"""Finds the frames in one direction of a connection, keeps their bytes, and notices where they break.

What is right and what is wrong is for `reference.protocol.Decoder` to say, as in a real server or client. The follower
hands it one frame at a time, so that it knows which bytes each frame was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from reference.protocol import Decoder, Frame, ProtocolError

HEAD = 5
"""Bytes of length and type: when they are there, the decoder has checked both."""

LENGTH = 4


@dataclass(frozen=True, slots=True)
class Whole:
    """A frame that has come whole: its bytes from the length on, and what they say."""

    raw: bytes
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
        self._decoder = Decoder(accepts)
        self._raw = bytearray()
        self._total: int | None = None
        self._segments = 0
        self._broken = False
        self.lost = 0
        """Bytes that came after the stream broke."""

    @property
    def begun(self) -> tuple[bytes, int | None]:
        """The bytes of a frame that has not ended, and how many it is to have, if that is known."""
        return bytes(self._raw), self._total

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
        start = len(self._raw)
        self._segments += 1
        result = None
        if start < HEAD:
            result = self._take_head(rest[: HEAD - start], rest)
        if result is None and self._total is not None:
            missing = rest[len(self._raw) - start :][: self._total - len(self._raw)]
            self._raw += missing
            if missing and len(self._raw) == self._total:
                taken = len(self._raw) - start
                result = self._decode(bytes(self._raw[HEAD:]), rest[taken:])
        part = Part(start, len(self._raw) - start, self._total, result)
        if result is not None:
            self._raw.clear()
            self._total = None
            self._segments = 0
        return part

    def _take_head(self, head: memoryview, rest: memoryview) -> Result | None:
        self._raw += head
        if len(self._raw) < HEAD:
            return None
        length = int.from_bytes(self._raw[:LENGTH], "big")
        result = self._decode(bytes(self._raw), rest[len(head) :], whole=length == 1)
        if not isinstance(result, Broken):
            self._total = LENGTH + length
        return result

    def _decode(self, data: bytes, after: memoryview, whole: bool = True) -> Result | None:
        """Feed the decoder. ``whole``: these are the frame's last bytes."""
        self._decoder.feed(data)
        try:
            frame = self._decoder.next_frame()
        except ProtocolError as error:
            self._broken = True
            return Broken(bytes(self._raw), bytes(after), error)
        return Whole(bytes(self._raw), frame, self._segments) if whole else None
