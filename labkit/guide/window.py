"""The picture of stage 4's own window: ``python -m labkit.guide.window labs/images/stage-4.png``. No screen is needed.

The stage's server and clients run as they are; what is typed into the window, and the picture of it, go through Kivy
modules that its own configuration switches on (see tests/graded/inside).
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from PIL import Image

from labkit import ladder
from labkit.demo import draw_sunset
from tests.graded.implementation import HOST, find, free_port
from tests.graded.pipes import Pipes
from tests.graded.window import listener, prepared

STAGE = 4
SIZE = (800, 520)
DEADLINE = 60.0


def main(path: Path) -> int:
    """Play the scene, and take the picture."""
    with tempfile.TemporaryDirectory(prefix="window-") as scratch, ExitStack() as programs:
        taken = _play(Path(scratch), programs)
        Image.open(taken).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path)
    return 0


def _play(folder: Path, programs: ExitStack) -> Path:
    home = folder / "stage"
    ladder.write(ladder.solution(STAGE), home)
    port = str(free_port())

    def started(role: str, name: str, env: dict[str, str]) -> Pipes:
        own = folder / name
        own.mkdir()
        command = [*find(str(home), role).command, HOST, port]
        program = Pipes(command, own, {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", **env})
        programs.callback(program.close)
        return program

    server = started("server", "server", {})
    server.wait_for("[SERVER LISTENING]")
    window = programs.enter_context(_Window(folder))
    sanjay = started("client", "sanjay", window.env)
    for answer in ("yes", "2", "sanjay"):
        sanjay.type(answer)
    server.wait_for("sanjay")
    window.opens()
    sravya = started("client", "sravya", {})
    (folder / "sravya" / "sunset.png").write_bytes(draw_sunset(320, 200))
    for answer in ("yes", "1", "sravya"):
        sravya.type(answer)
    window.shows("sravya joined the chat!")
    sravya.type("hello, look at this:")
    sravya.type("!send sunset.png")
    window.shows("Successfully received: downloads/sanjay/sunset.png")
    window.ask(do="write", text="beautiful!")
    window.ask(do="enter")
    window.shows("[sanjay] beautiful!")
    window.ask(do="write", text="where was that")
    return window.picture()


class _Window:
    """A window of somebody's, driven and looked at from outside."""

    def __init__(self, folder: Path) -> None:
        self._kivy = folder / "kivy"
        self._kivy.mkdir()
        self._picture = folder / "window.png"
        self._listener = listener()
        self.env = dict(prepared(self._kivy, self._listener.getsockname()[1]))
        self.env["TAKE_PICTURE"] = str(self._picture)
        shutil.copy(Path(__file__).parent / "inside" / "takepicture.py", self._kivy / "mods")
        config = self._kivy / "config.ini"
        width, height = SIZE
        more = f"takepicture =\n[graphics]\nwidth = {width}\nheight = {height}\n"
        config.write_text(config.read_text(encoding="utf-8") + more, encoding="utf-8")

    def __enter__(self) -> _Window:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def opens(self) -> None:
        """Wait until it is there."""
        self._listener.settimeout(DEADLINE)
        self._sock, _ = self._listener.accept()
        self._sock.settimeout(DEADLINE)
        self._answers = self._sock.makefile()

    def ask(self, **question: str) -> Any:
        """Have something done in it; returns what is seen."""
        self._sock.sendall(json.dumps(question).encode() + b"\n")
        answer = json.loads(self._answers.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def shows(self, line: str) -> None:
        """Wait until it has this line."""
        self._until(lambda: any(each["text"] == line for each in self.ask(do="look")["lines"]))

    def picture(self) -> Path:
        """What it looks like once everything has settled."""
        time.sleep(1.0)  # nothing tells of what a window draws; a second is sixty pictures
        Path(f"{self._picture}.wanted").touch()
        self._until(self._picture.exists)
        return self._picture

    def _until(self, holds: Any) -> None:
        deadline = time.monotonic() + DEADLINE
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError("the window does not show what it should")
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
