"""Sequence diagrams of real sessions: a stage's own programs talk through the tap, which draws what passed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from labkit import ladder
from tests.graded.implementation import HOST, find, free_port
from tests.graded.pipes import Pipes
from tests.kit.tapped import PATHS, port_in

FILE_SIZE = 40_000  # three pieces of a stage's size


class Session:
    """A stage's server, the tap in front of it, and clients who come in through the tap."""

    def __init__(self, stage: int, folder: Path, programs: ExitStack) -> None:
        self._stage = stage
        self.folder = folder
        self._programs = programs
        self._left = 0
        self._home = folder / ladder.STAGES[stage].name
        ladder.write(ladder.solution(stage), self._home)
        port = str(free_port())
        self.server = self._start([*find(str(self._home), "server").command, HOST, port])
        self.server.wait_for("[SERVER LISTENING]")
        tap = [sys.executable, "-m", "labkit", "wiretap", "--listen", "0", "--to", f"{HOST}:{port}"]
        self._tap = self._start([*tap, "--mermaid", "session.mermaid"])
        self._port = str(port_in(self._tap, r"\[WIRETAP\] clients connect to \S+:(\d+),"))

    def joins(self, name: str) -> Pipes:
        """Somebody comes in; returns once the server has shown the name."""
        client = self._start([*find(str(self._home), "client").command, HOST, self._port])
        for answer in ["yes", *(["1"] if self._stage >= 4 else []), name]:
            client.type(answer)
        self.server.wait_for(name)
        return client

    def leave(self, *clients: Pipes) -> None:
        """One after the other ends their input, as Ctrl-D does."""
        for client in clients:
            client.end_input()
            client.exit_status()
            self._left += 1
        self._tap.wait_for(lambda lines: sum("closed" in line for line in lines) == self._left)

    def drawn(self) -> str:
        """End the tap; returns what it has drawn."""
        self._tap.send_signal(signal.SIGINT)
        self._tap.exit_status()
        return (self.folder / "session.mermaid").read_text(encoding="utf-8")

    def _start(self, command: list[str]) -> Pipes:
        program = Pipes(command, self.folder, {**PATHS, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"})
        self._programs.callback(program.close)
        return program


def text(session: Session) -> None:
    """Stage 1: two people, two texts."""
    sravya, sanjay = session.joins("sravya"), session.joins("sanjay")
    sravya.type("hello")
    sanjay.wait_for(_has("[sravya] hello"))
    sanjay.type("hi")
    sravya.wait_for(_has("[sanjay] hi"))
    session.leave(sravya, sanjay)


def roster(session: Session) -> None:
    """Stage 2: a name that is taken, then another; and who goes."""
    sravya, sanjay = session.joins("sravya"), session.joins("Sravya")
    sanjay.wait_for(_has("taken"))
    sanjay.type("sanjay")
    sravya.wait_for(_has("sanjay joined the chat!"))
    session.leave(sanjay)
    sravya.wait_for(_has("sanjay exited the chat"))
    session.leave(sravya)


def file(session: Session) -> None:
    """Stage 3: one file."""
    (session.folder / "notes.txt").write_bytes(bytes(FILE_SIZE))
    sravya, sanjay = session.joins("sravya"), session.joins("sanjay")
    sravya.wait_for(_has("sanjay joined"))
    sravya.type("!send notes.txt")
    sanjay.wait_for(_has("Successfully received"))
    sravya.wait_for(_has("File Successfully sent"))
    session.leave(sanjay)
    sravya.wait_for(_has("sanjay exited"))  # who leaves with bytes unread breaks the connection off
    session.leave(sravya)


def leaving(session: Session) -> None:
    """Stage 5: a goodbye, and the server's end."""
    sravya, sanjay = session.joins("sravya"), session.joins("sanjay")
    sravya.wait_for(_has("sanjay joined"))
    sanjay.type("!q")
    session.leave(sanjay)
    sravya.wait_for(_has("sanjay exited"))
    session.server.send_signal(signal.SIGINT)
    sravya.wait_for(_has("The server has closed the chat"))
    session.leave(sravya)


DIAGRAMS: dict[str, tuple[Callable[[Session], None], int]] = {
    "stage-1": (text, 1),
    "stage-2": (roster, 2),
    "stage-3": (file, 3),
    "stage-5": (leaving, 5),
}
"""What is drawn, and the stage whose programs talk."""


def draw(name: str, folder: Path) -> str:
    """Play a session in this folder; returns its diagram."""
    play, stage = DIAGRAMS[name]
    with ExitStack() as programs:
        session = Session(stage, folder, programs)
        play(session)
        return session.drawn()


def _has(part: str) -> Callable[[list[str]], bool]:
    return lambda lines: any(part in line for line in lines)
