"""What the tap costs: ``python -m benchmarks.wiretap``. Everything is measured in one run, in turns, on this machine.

A server, the tap and the measuring clients are processes of their own; the tap prints into a pipe that is read. Text:
one client says a line, another waits for it. Files: a client pulls a file's bytes from the server in questions of 256
KiB, four of them open, and throws them away.
"""

import argparse
import hashlib
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from reference.protocol import (
    FROM_SERVER,
    MAX_CHUNK,
    Data,
    Decoder,
    End,
    Frame,
    Get,
    Hello,
    Offer,
    OfferFrom,
    Stored,
    Text,
    TextFrom,
    encode,
)

HOST = "127.0.0.1"
DEADLINE = 60.0
FEATURES_OF_A_STAGE = ("roster", "files", "bye")
"""Without resume: the next turn's clients have the same names, and nobody's place is to be held."""

WINDOW = 4
"""Questions that the measuring client keeps open."""

MOST_MILLISECONDS = 2.0
LEAST_SHARE = 0.25


class Peer:
    """A client without a screen."""

    def __init__(self, port: int, name: str) -> None:
        self._socket = socket.create_connection((HOST, port), DEADLINE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._decoder = Decoder(FROM_SERVER)
        self.send(Hello(name, FEATURES_OF_A_STAGE))
        self.next()

    def send(self, *frames: Frame) -> None:
        """Send frames in one call."""
        self._socket.sendall(b"".join(map(encode, frames)))

    def next(self) -> Frame:
        """The next frame that matters here."""
        while True:
            while (frame := self._decoder.next_frame()) is None:
                self._decoder.feed(self._socket.recv(256 * 1024))
            if isinstance(frame, TextFrom | OfferFrom | Data | End | Get | Stored):
                return frame
            if not hasattr(self, "_in"):
                self._in = True
                return frame

    def pull(self, file_id: bytes, size: int) -> None:
        """Ask for a whole file, a few questions at a time, and count what comes without looking at it."""
        chunk = len(encode(Data(file_id, 0, bytes(MAX_CHUNK))))
        overhead = chunk - MAX_CHUNK
        questions = [Get(file_id, offset, MAX_CHUNK) for offset in range(0, size, MAX_CHUNK)]
        self.send(*questions[:WINDOW])
        asked, received, buffer = WINDOW, 0, bytearray(256 * 1024)
        while received < size + overhead * len(questions):
            received += self._socket.recv_into(buffer)
            while asked < len(questions) and received // chunk + WINDOW > asked:
                self.send(questions[asked])
                asked += 1

    def close(self) -> None:
        """Leave."""
        self._socket.close()


def latency(port: int, lines: int) -> float:
    """The median time from one client's send to the other's receive, in milliseconds."""
    ann, bob = Peer(port, "ann"), Peer(port, "bob")
    times = []
    for number in range(lines):
        begin = time.perf_counter()
        ann.send(Text(f"line {number}"))
        while not isinstance(bob.next(), TextFrom):
            pass
        times.append(time.perf_counter() - begin)
    ann.close()
    bob.close()
    return statistics.median(times) * 1000


def throughput(server_port: int, port: int, size: int) -> float:
    """MB/s of a file that a client behind this port pulls; the sender is connected to the server itself."""
    sender, receiver = Peer(server_port, "sender"), Peer(port, "receiver")
    file_id = os.urandom(16)
    sender.send(Offer(file_id, "file", size))
    offering = threading.Thread(target=serve, args=(sender, file_id, size))
    offering.start()
    while not isinstance(receiver.next(), OfferFrom):
        pass
    offering.join()  # the server has it all before the clock starts
    begin = time.perf_counter()
    receiver.pull(file_id, size)
    seconds = time.perf_counter() - begin
    sender.close()
    receiver.close()
    return size / seconds / 1e6


def serve(sender: Peer, file_id: bytes, size: int) -> None:
    """Answer the server's questions until it has stored the file."""
    digest = hashlib.sha256(bytes(size)).digest()
    while not isinstance(frame := sender.next(), Stored):
        if isinstance(frame, Get):
            length = min(frame.size, size - frame.offset)
            sender.send(Data(file_id, frame.offset, bytes(length)) if length else End(file_id, digest))


@contextmanager
def running(*arguments: str) -> Iterator[int]:
    """A program that says on which port it listens; what it prints is read and thrown away."""
    process = subprocess.Popen([sys.executable, "-u", *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        port = next(int(found[1]) for line in process.stdout if (found := re.search(r"127\.0\.0\.1:(\d+)", line)))
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield port
    finally:
        process.terminate()
        process.wait(DEADLINE)


def main() -> int:
    """Measure in turns, print medians. Exit status 1 if the tap costs more than it may."""
    parser = argparse.ArgumentParser(description="Measure what the tap costs.")
    parser.add_argument("--lines", type=int, default=500, help="texts in one turn")
    parser.add_argument("--size", type=int, default=200, help="megabytes of the file")
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    size = options.size * 1_000_000
    with running("-m", "benchmarks.open_server", HOST, "0") as direct:
        tap = ["-m", "labkit", "wiretap", "--listen", "0", "--to", f"{HOST}:{direct}"]
        with running(*tap) as plain, running(*tap, "--hex", "--segments", "--color", "always") as loud:
            ways = {"direct": direct, "tap": plain, "tap, hex and segments": loud}
            texts: dict[str, list[float]] = {way: [] for way in ways}
            files: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(options.turns):
                for way, port in ways.items():
                    texts[way].append(latency(port, options.lines))
                    files[way].append(throughput(direct, port, size))
    base_text, base_file = statistics.median(texts["direct"]), statistics.median(files["direct"])
    print(f"{'':24} {'text, ms':>9} {'more':>7} {'file, MB/s':>11} {'share':>6}")
    for way in ways:
        text, file = statistics.median(texts[way]), statistics.median(files[way])
        print(f"{way:24} {text:9.3f} {text - base_text:7.3f} {file:11,.0f} {file / base_file:6.0%}")
    more = statistics.median(texts["tap"]) - base_text
    share = statistics.median(files["tap"]) / base_file
    good = more < MOST_MILLISECONDS and share >= LEAST_SHARE
    print(f"The tap may cost {MOST_MILLISECONDS} ms and must leave {LEAST_SHARE:.0%}: {'it does' if good else 'NO'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
