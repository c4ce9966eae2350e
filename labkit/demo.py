"""``make demo``: a server on a free port, two scripted people in the room, and you.

Server and people are threads of this process, so that all of it ends with it; your client is the real one, in this
terminal. Further arguments are its options: ``python -m labkit.demo --name meera``.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Thread

from reference.client.connection import Client
from reference.client.events import Event, FileOffered, FileReceived, PersonJoined, Said
from reference.console import Console
from reference.server import Server

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"

PACE = 1.3
"""Seconds between two lines of somebody who types: the one place here where waiting is the purpose."""

SRAVYA, SANJAY = "sravya", "sanjay"


def main(arguments: list[str]) -> int:
    """Open the room, let the person in, and close it when they leave; returns their client's exit status."""
    # Ctrl-C is for the client: it leaves, and then we end. (Not SIG_IGN, which the client would inherit.)
    signal.signal(signal.SIGINT, lambda *_: None)
    with tempfile.TemporaryDirectory(prefix="demo-") as folder, open(os.devnull, "wb", buffering=0) as nowhere:
        listener = socket.create_server((HOST, 0), backlog=16)
        port = listener.getsockname()[1]
        server = Server(listener, Console(nowhere))
        serving = Thread(target=server.run, name="server", daemon=True)
        serving.start()
        picture = Path(folder, "sunset.png")
        picture.write_bytes(draw_sunset(320, 200))
        people = [Sravya(SRAVYA, port, Path(folder), picture), Sanjay(SANJAY, port, Path(folder))]
        print(f"A server runs on {HOST} port {port}, and {SRAVYA} and {SANJAY} are in its room. Come in!", flush=True)
        try:
            return run_client(port, arguments)
        finally:
            for person in people:
                person.leave()
            server.stop()
            serving.join()


def run_client(port: int, arguments: list[str]) -> int:
    """Your client, in this terminal; what you receive stays in downloads/<your name>/, as it always does."""
    command = [sys.executable, "-m", "reference.client", HOST, str(port), "--yes"]
    command += ["--mode", "terminal", *arguments]
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.call(command, env={**os.environ, "PYTHONPATH": paths})


class Person:
    """Somebody scripted: a client, and a thread that thinks about what happens."""

    def __init__(self, name: str, port: int, folder: Path) -> None:
        self.name = name
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._leaving = Flag()
        self._client = Client(HOST, port, self._events.put, folder)
        self._client.connect()
        self._client.join(name)
        self._thread = Thread(target=self._live, name=name, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Go, whatever is being said."""
        self._leaving.set()
        self._thread.join()
        self._client.leave()

    def react(self, event: Event) -> None:
        """Do something about what happened."""

    def say(self, *texts: str) -> None:
        """Type these, as fast as people do."""
        for text in texts:
            if not self._leaving.wait(PACE):
                self._client.say(text)

    def send(self, path: Path) -> None:
        """Send a file."""
        if not self._leaving.wait(PACE):
            self._client.send_file(path)

    def _live(self) -> None:
        while not self._leaving.is_set():
            try:
                event = self._events.get(timeout=0.2)
            except Empty:
                continue
            if getattr(event, "sender", "") not in (SRAVYA, SANJAY) or isinstance(event, FileOffered):
                self.react(event)


class Sravya(Person):
    """Welcomes people, sends a picture, and has an answer to everything."""

    def __init__(self, name: str, port: int, folder: Path, picture: Path) -> None:
        super().__init__(name, port, folder)
        self._picture = picture
        self._answers = 0

    def react(self, event: Event) -> None:
        """To those who come, and to what they say."""
        match event:
            case PersonJoined(name) if name != SANJAY:
                self.say(f"hello {name}! {SANJAY} and I are scripts; the chat between us is real", "look, a sunset:")
                self.send(self._picture)
                self.say("now you: type a line and press Enter")
            case Said(sender, text):
                self.say(self._answer(sender, text))

    def _answer(self, sender: str, text: str) -> str:
        self._answers += 1
        if text.lower().split()[:1] in (["hello"], ["hi"], ["hey"]):
            return f"hi {sender}!"
        if text.rstrip().endswith("?"):
            return "a script has no answer to that, but thanks for asking"
        if self._answers == 1:
            return f"{sender}, that made its way through the server to both of us. Now a file: !send and a path"
        return f"{len(text)} characters, {len(text.encode())} bytes in UTF-8: I got every one"


class Sanjay(Person):
    """Looks at what is sent."""

    def react(self, event: Event) -> None:
        """To files."""
        match event:
            case FileOffered(sender=sender, name=name, waits=True):
                self.say(f"{name} is large, {sender}: it waits until I ask for it, and I will not")
            case FileReceived(name=name, path=path):
                size = path.stat().st_size
                self.say(f"got {name}, {size} bytes, and its SHA-256 is right")


def draw_sunset(width: int, height: int) -> bytes:
    """A picture as a PNG file (RFC 2083): rows of red, green and blue bytes, compressed by zlib, in checked chunks."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)  # how the row is filtered: not at all
        for x in range(width):
            rows += bytes(_colour(x / width, y / height, width / height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits each of red, green and blue
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _colour(x: float, y: float, ratio: float) -> tuple[int, int, int]:
    horizon = 0.68
    if y > horizon:  # the sea, with the sun's light on it
        light = max(0.0, 1 - abs(x - 0.5) * 6) * (0.5 + 0.5 * (int(y * 60) % 2))
        return int(20 + 200 * light), int(40 + 90 * light), int(80 + 20 * light)
    if ((x - 0.5) * ratio) ** 2 + (y - horizon + 0.12) ** 2 < 0.04:
        return 255, 221, 120
    return int(60 + 195 * y / horizon), int(40 + 90 * y / horizon), int(110 - 40 * y / horizon)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
