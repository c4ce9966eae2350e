"""A chat with a tap in the middle: real programs, each with pipes for a terminal."""

from __future__ import annotations

import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reference.protocol import FROM_SERVER, Decoder, Frame, Hello, Text, Welcome, encode
from tests.graded.pipes import Pipes
from tests.reference.live import OPEN

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
DEADLINE = 30.0
PATHS = {"PYTHONPATH": str(ROOT)}
# Without flood control: some tests say much at once.
OPEN_SERVER = f"{OPEN}\nfrom reference.server import main\nraise SystemExit(main())"


class Chat:
    """A reference server, a tap in front of it, and clients that come in through the tap."""

    def __init__(self, folder: Path, programs: ExitStack, *options: str, columns: int = 120) -> None:
        self._folder = folder
        self._programs = programs
        self.server = self.start("-c", OPEN_SERVER, HOST, "0")
        self.server_port = port_in(self.server, r"\[SERVER LISTENING\] \S+:(\d+)")
        to = f"{HOST}:{self.server_port}"
        self.tap = self.start("-m", "labkit", "wiretap", "--listen", "0", "--to", to, *options, columns=columns)
        self.tap_port = port_in(self.tap, r"\[WIRETAP\] clients connect to \S+:(\d+),")

    def start(self, *arguments: str, columns: int = 120) -> Pipes:
        """Start a Python program; it ends with the test."""
        program = Pipes([sys.executable, *arguments], self._folder, {**PATHS, "COLUMNS": str(columns)})
        self._programs.callback(program.close)
        return program

    def join(self, name: str) -> Pipes:
        """Start the real client; returns when it is in the room."""
        downloads = ["--downloads", str(self._folder / "downloads")]
        chatting = ["--yes", "--mode", "terminal", "--name", name, *downloads]
        client = self.start("-m", "reference.client", HOST, str(self.tap_port), *chatting)
        assert client.wait_for(lambda lines: any(line.endswith(f" : {name}") for line in lines)), client.lines()
        return client

    def connect(self) -> socket.socket:
        """A bare connection to the tap; it ends with the test."""
        return self._programs.enter_context(socket.create_connection((HOST, self.tap_port), DEADLINE))

    def tap_shows(self, pattern: str) -> str:
        """Wait until the tap shows a line with this in it, and return that line."""
        found: list[str] = []

        def look(lines: list[str]) -> bool:
            found[:] = [line for line in lines if re.search(pattern, line)]
            return bool(found)

        assert self.tap.wait_for(look), "\n".join([f"the tap does not show {pattern}:", *self.tap.lines()])
        return found[0]

    def end_tap(self) -> list[str]:
        """End the tap as Ctrl-C does; return all that it has shown."""
        self.tap.send_signal(signal.SIGINT)
        assert self.tap.exit_status() == 0, self.tap.lines()
        return self.tap.lines()


class Peer:
    """A client of few words: says frames, reads frames."""

    def __init__(self, connection: socket.socket, name: str, features: tuple[str, ...] = ()) -> None:
        self.connection = connection
        self._decoder = Decoder(FROM_SERVER)
        self.connection.sendall(encode(Hello(name, features)))
        assert isinstance(self.next(), Welcome)

    def say(self, *texts: str) -> None:
        """Send texts, all in one call."""
        self.connection.sendall(b"".join(encode(Text(text)) for text in texts))

    def next(self) -> Frame:
        """Wait for the next frame."""
        while (frame := self._decoder.next_frame()) is None:
            data = self.connection.recv(65536)
            assert data, "the stream has ended"
            self._decoder.feed(data)
        return frame


@contextmanager
def chat_through_tap(folder: Path, *options: str, columns: int = 120) -> Iterator[Chat]:
    """A server and a tap with these options, until the end of the block."""
    with ExitStack() as programs:
        yield Chat(folder, programs, *options, columns=columns)


def port_in(program: Pipes, pattern: str) -> int:
    """Wait for a line that names the port on which a program listens."""
    found: list[str] = []

    def look(lines: list[str]) -> bool:
        found[:] = [match[1] for line in lines if (match := re.search(pattern, line))]
        return bool(found)

    assert program.wait_for(look), program.lines()
    return int(found[0])
