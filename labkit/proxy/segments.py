"""Where a stream is cut into segments."""

import math
from random import Random

# Single bytes with a pause after each take some 10 s per 64 KiB. So small segments are for the
# bytes where a cut can hurt: the beginning of a stream (the handshake, the first texts, whole UTF-8
# characters) and around each frame's border (the length prefix, the type, the first and last bytes
# of a body). In between a segment has at least BULK bytes.
START = 64 * 1024
AROUND = 16
BULK = 16 * 1024

HEADER_SIZE = 4
# Longer than any frame that we know: this stream is something else (ASCII read as a length is 500
# million or more).
MAX_FRAME = 16 * 1024 * 1024


def draw(size: int | tuple[int, int], rng: Random) -> int:
    """A number from a range (both ends included), or the number itself."""
    return rng.randint(*size) if isinstance(size, tuple) else size


class FrameBorders:
    """Follows the frames of a stream: a 4-byte big-endian length of what follows, and that much.

    ``last`` is the stream offset at which the current frame begins and ``next`` that of the
    following one: infinity while its length is not known yet, and for good when the stream turns
    out not to be framed like this.
    """

    def __init__(self) -> None:
        self.last = 0
        self.next = math.inf
        self._offset = 0
        self._header = bytearray()

    def feed(self, data: bytes | memoryview) -> None:
        """Follow the next bytes of the stream."""
        while len(data) > 0:
            if len(self._header) < HEADER_SIZE:
                step = min(HEADER_SIZE - len(self._header), len(data))
                self._header += data[:step]
                self._offset += step
                if len(self._header) == HEADER_SIZE:
                    length = int.from_bytes(self._header, "big")
                    # Every frame has a type byte, so 0 is no length of ours either.
                    self.next = self._offset + length if 1 <= length <= MAX_FRAME else math.inf
            else:
                step = int(min(self.next - self._offset, len(data)))
                self._offset += step
                if self._offset == self.next:
                    self.last, self.next = self._offset, math.inf
                    self._header.clear()
            data = data[step:]


class Segments:
    """Draws the segments of one stream, from its bytes and the generator, not from the time."""

    def __init__(self, size: int | tuple[int, int], rng: Random) -> None:
        self._size = size
        self._rng = rng
        self._borders = FrameBorders()

    def next_cut(self, offset: int) -> int:
        """The stream offset at which the segment that begins at ``offset`` ends."""
        size = draw(self._size, self._rng)
        borders = self._borders
        hurts = offset < START or offset < borders.last + AROUND or offset >= borders.next - AROUND
        if hurts or size >= BULK:
            return offset + size
        return int(min(offset + BULK, borders.next - AROUND))

    def passed(self, data: bytes | memoryview) -> None:
        """Tell which bytes have been forwarded: the borders ahead follow from them."""
        self._borders.feed(data)
