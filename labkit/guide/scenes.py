"""The scenes that are recorded for the guide: who opens which terminal, types what, and what must be seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from labkit import ladder
from labkit.demo import draw_sunset
from labkit.guide.desk import Desk, Pane
from tests.graded.implementation import HOST, find, free_port

COLUMNS, SERVER_ROWS, CLIENT_ROWS = 104, 7, 13
HALF = (COLUMNS - 2) // 2
ROWS = SERVER_ROWS + CLIENT_ROWS + 2

REFERENCE = "reference"


class Scene:
    """A server above, and up to two people side by side below it."""

    def __init__(self, desk: Desk, folder: Path, stage: int | None) -> None:
        self._desk = desk
        self._folder = folder
        self._stage = stage
        self._port = str(free_port())
        self._people = 0
        self._program = REFERENCE if stage is None else str(folder / ladder.STAGES[stage].name)
        if stage is not None:
            ladder.write(ladder.solution(stage), Path(self._program))
        self.server = self._open("server", "the server", (0, 0), (SERVER_ROWS, COLUMNS), folder)
        self.server.sees("[SERVER LISTENING]")

    def comes(self, name: str) -> Pane:
        """Somebody starts the client; the questions are still to be answered."""
        home = self._folder / name
        home.mkdir()
        (home / "sunset.png").write_bytes(draw_sunset(320, 200))
        place = (SERVER_ROWS + 1, self._people * (HALF + 2))
        self._people += 1
        person = self._open("client", name, place, (CLIENT_ROWS, HALF), home)
        person.is_asked("Would you like to connect")
        person.type("yes")
        if self._stage is None or self._stage >= 4:
            person.sees_line("2.GUI Mode", pause=0.3)
            person.type("1")
        person.is_asked("Enter your Name")
        return person

    def joins(self, name: str) -> Pane:
        """Somebody comes in."""
        person = self.comes(name)
        person.type(name)
        self.server.sees(name, pause=0.2)
        if self._stage != 1:
            person.sees(f"Client {self._people} : {name}")
        return person

    def _open(self, role: str, who: str, place: tuple[int, int], size: tuple[int, int], home: Path) -> Pane:
        program = find(self._program, role)
        named = f"make run-{role}" if self._stage is None else f"make run-{role} DIR=work/{Path(self._program).name}"
        return self._desk.pane(
            f"{who}: {named}", [*program.command, HOST, self._port], home, dict(program.env), place, size
        )


def text(scene: Scene) -> None:
    """Stage 1."""
    sravya, sanjay = scene.joins("sravya"), scene.joins("sanjay")
    sravya.type("hello")
    sanjay.sees("[sravya] hello")
    sanjay.type("hi, how was the lecture?")
    sravya.sees("[sanjay] hi")
    sravya.type("TCP is a stream of bytes")
    sanjay.sees("a stream of bytes")
    sanjay.press("Ctrl-D")
    sanjay.ends()
    sravya.type("sanjay?")
    scene.server.sees("[sravya] sanjay?")


def roster(scene: Scene) -> None:
    """Stage 2."""
    sravya, sanjay = scene.joins("sravya"), scene.comes("sanjay")
    sanjay.type("Sravya")
    sanjay.sees("taken")
    sanjay.is_asked("Enter your Name")
    sanjay.type("sanjay")
    sanjay.sees("Client 2 : sanjay")
    sravya.sees("sanjay joined the chat!")
    sanjay.type("hello")
    sravya.sees("[sanjay] hello")
    sanjay.press("Ctrl-D")
    sanjay.ends(pause=0.2)
    sravya.sees("sanjay exited the chat")


def files(scene: Scene) -> None:
    """Stage 3."""
    sravya, sanjay = scene.joins("sravya"), scene.joins("sanjay")
    sravya.sees("sanjay joined the chat!", pause=0.2)
    sravya.type("!send sunset.png")
    scene.server.sees("Received sunset.png", pause=0)
    sravya.sees("File Successfully sent", pause=0)
    sanjay.sees("Successfully received")
    sanjay.type("beautiful!")
    sravya.sees("[sanjay] beautiful!")
    sravya.type("!send nothing.pdf")
    sravya.sees("Cannot send nothing.pdf")


def leaving(scene: Scene) -> None:
    """Stage 5."""
    sravya, sanjay = scene.joins("sravya"), scene.joins("sanjay")
    sravya.sees("sanjay joined the chat!", pause=0.2)
    sanjay.type("bye, see you tomorrow")
    sravya.sees("see you tomorrow")
    sanjay.type("!q")
    sanjay.ends(pause=0)
    scene.server.sees("[sanjay] !DISCONNECT", pause=0)
    sravya.sees("sanjay exited the chat")
    scene.server.press("Ctrl-C")
    scene.server.ends(pause=0)
    sravya.sees("The server has closed the chat")


def session(scene: Scene) -> None:
    """The reference: a half-typed line stays whole."""
    sravya, sanjay = scene.joins("sravya"), scene.joins("sanjay")
    sravya.sees("sanjay joined the chat!", pause=0.2)
    sravya.type("hello")
    sanjay.sees("[sravya] hello")
    sanjay.type("a half-typed line stays", enter=False)
    sravya.type("!send sunset.png")
    sravya.sees("File Successfully sent", pause=0)
    sanjay.sees("Successfully received")
    sanjay.type(" whole")
    sravya.sees("a half-typed line stays whole")
    sanjay.type("!q")
    sanjay.sees("Disconnected", pause=0.2)
    sravya.sees("sanjay exited the chat")


SCENES: dict[str, tuple[Callable[[Scene], None], int | None]] = {
    "session": (session, None),
    "stage-1": (text, 1),
    "stage-2": (roster, 2),
    "stage-3": (files, 3),
    "stage-5": (leaving, 5),
}
"""What is recorded: the scene, and the stage whose programs play it (None: the reference)."""


def record(name: str, folder: Path) -> tuple[str, str]:
    """Play a scene in this folder; returns the recording, and its last picture as text. Raises SceneFailed."""
    scene, stage = SCENES[name]
    with Desk(COLUMNS, ROWS) as desk:
        scene(Scene(desk, folder, stage))
        desk.wait(2)
        return desk.cast(name), desk.still()
