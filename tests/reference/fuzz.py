"""Frames that are nearly right, by the million: ``make fuzz``. Everything is drawn from one seed, which is printed.

The decoder must end in frames or in ProtocolError, and never hold more than a frame; a live server must refuse and go
on, without a traceback, while two people chat.
"""

from __future__ import annotations

import argparse
import random
import socket
import time

from reference.protocol import (
    FROM_CLIENT,
    FROM_SERVER,
    MAX_WELCOME,
    Decoder,
    Hello,
    ProtocolError,
    Text,
    TextFrom,
    encode,
)
from tests.reference.live import ServerProgram
from tests.reference.raw import Raw
from tests.reference.vectors import load

LONGEST = 2_000
"""Bytes of a frame to begin with: longer ones tell nothing more, and take longer."""


class Mutator:
    """Makes frames that are nearly right out of the protocol's vectors."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        vectors = [*load("frames"), *load("streams"), *load("errors"), *load("exchange")]
        self._frames = [vector.data for vector in vectors if 0 < len(vector.data) <= LONGEST]
        self._ways = [self._flip, self._flip, self._cut, self._insert, self._double, self._length, self._splice]

    def next(self) -> bytes:
        """One frame, wrong in one to four ways."""
        frame = bytearray(self._random.choice(self._frames))
        for _ in range(self._random.randint(1, 4)):
            self._random.choice(self._ways)(frame)
        return bytes(frame)

    def _place(self, frame: bytearray) -> int:
        return self._random.randrange(len(frame) + 1)

    def _flip(self, frame: bytearray) -> None:
        if frame:
            frame[self._random.randrange(len(frame))] ^= 1 << self._random.randrange(8)

    def _cut(self, frame: bytearray) -> None:
        place = self._place(frame)
        del frame[place : place + self._random.randint(1, 8)]

    def _insert(self, frame: bytearray) -> None:
        place = self._place(frame)
        frame[place:place] = self._random.randbytes(self._random.randint(1, 8))

    def _double(self, frame: bytearray) -> None:
        start, place = self._place(frame), self._place(frame)
        frame[place:place] = frame[start : start + self._random.randint(1, 32)]

    def _length(self, frame: bytearray) -> None:
        """Make the length right again, so that what follows is looked at."""
        frame[:4] = max(0, len(frame) - 4).to_bytes(4, "big")

    def _splice(self, frame: bytearray) -> None:
        other = self._random.choice(self._frames)
        frame[self._place(frame) :] = other[self._random.randrange(len(other)) :]


def fuzz_decoder(seed: int, count: int, seconds: float) -> str:
    """Feed so many frames to the decoder of either side, for so many seconds at most."""
    mutator, stop_at = Mutator(seed), time.monotonic() + seconds
    fed = frames = errors = 0
    while fed < count and time.monotonic() < stop_at:
        for accepts in (FROM_CLIENT, FROM_SERVER):
            data = mutator.next()
            decoder = Decoder(accepts)
            decoder.feed(data)
            try:
                while decoder.next_frame() is not None:
                    frames += 1
            except ProtocolError:
                errors += 1
            except BaseException:
                print(f"seed {seed}, frame {fed}: {data.hex()}")
                raise
            assert len(decoder._buffer) <= len(data) <= MAX_WELCOME
            fed += 1
    return f"decoder: {fed:,} mutated frames gave {frames:,} frames and {errors:,} errors"


def fuzz_server(seed: int, count: int, seconds: float) -> str:
    """Send so many to a running server, a few on each connection; two people chat meanwhile."""
    mutator, stop_at = Mutator(seed), time.monotonic() + seconds
    sent = connections = 0
    with ServerProgram("--hold", "0") as server, Raw(server.address) as ann, Raw(server.address) as bob:
        ann.join("ann")
        bob.join("bob")
        while sent < count and time.monotonic() < stop_at:
            with socket.create_connection(server.address) as sock:
                hello = encode(Hello(f"fuzz {connections}", ("roster", "files", "bye", "ping", "history", "resume")))
                batch = [mutator.next() for _ in range(20)]
                try:
                    sock.sendall(hello * (connections % 4 > 0) + b"".join(batch))
                except OSError:
                    pass  # it has been refused already
            sent += len(batch)
            connections += 1
            if connections % 50 == 0:
                ann.send(Text(f"{connections}"))
                bob.until(TextFrom("ann", f"{connections}"))
        ann.send(Text("all well"))
        bob.until(TextFrom("ann", "all well"))
        assert server.end() == 0, "the server did not end well"
        assert not any("Traceback" in line for line in server.shown.lines), "\n".join(server.shown.lines[-40:])
    return f"server: {sent:,} mutated frames on {connections:,} connections; it stayed up, and the others chatted on"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Feed frames that are nearly right.")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--frames", type=int, default=1_000_000, help="for the decoder")
    parser.add_argument("--sent", type=int, default=20_000, help="to a live server")
    parser.add_argument("--seconds", type=float, default=600.0, help="for each of both, at most")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    print(fuzz_decoder(options.seed, options.frames, options.seconds), flush=True)
    print(fuzz_server(options.seed, options.sent, options.seconds), flush=True)


if __name__ == "__main__":
    main()
