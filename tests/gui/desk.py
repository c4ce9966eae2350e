"""A desk with a screen that nobody sees (Xvfb), a real server, real windows and real terminals."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from PIL import Image, ImageGrab
from Xlib import X
from Xlib.display import Display
from Xlib.protocol.event import ClientMessage

from tests.reference.people import DEADLINE

ROOT = Path(__file__).resolve().parents[2]


class Desk:
    """Ends everything that was started on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._programs: list[subprocess.Popen[Any]] = []

    def __enter__(self) -> Self:
        read, write = os.pipe()
        self._start(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1000x760x24", "-nolisten", "tcp", "-noreset"],
            pass_fds=[write],
        )
        os.close(write)
        with os.fdopen(read) as numbers:
            self.display = f":{int(numbers.readline())}"
        self.server = Program(self._python("server", ["127.0.0.1", "0"], "server"))
        line = self.server.sees(r"\[SERVER LISTENING\] 127\.0\.0\.1:(\d+)")
        self.port = line[1]
        return self

    def __exit__(self, *_: object) -> None:
        ImageGrab.grab(xdisplay=self.display).save(self.folder / "at-the-end.png")  # pytest keeps it when a test fails
        for program in reversed(self._programs):
            if program.poll() is None:
                program.kill()
            program.wait()

    def window(self, name: str, *options: str) -> Window:
        """A person who chats in a window, joined."""
        arguments = ["127.0.0.1", self.port, "--yes", "--mode", "gui", "--name", name, *options]
        return Window(self, name, self._python("client", arguments, name))

    def terminal(self, name: str) -> Program:
        """A person who chats in a terminal, joined."""
        arguments = ["127.0.0.1", self.port, "--yes", "--mode", "terminal", "--name", name]
        program = Program(self._python("client", arguments, name))
        program.sees(re.escape(name))
        return program

    def _python(self, module: str, arguments: list[str], name: str) -> subprocess.Popen[Any]:
        folder = self.folder / name
        folder.mkdir()
        environment = {key: value for key, value in os.environ.items() if key != "SDL_VIDEODRIVER"}
        environment |= {
            "DISPLAY": self.display,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "SDL_VIDEO_X11_WMCLASS": name,
            "KIVY_HOME": str(folder / "kivy"),
            "HOME": str(folder),
        }
        with (folder / "output").open("wb") as output:
            return self._start(
                [sys.executable, "-m", f"reference.{module}", *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _start(self, command: list[str], **options: Any) -> subprocess.Popen[Any]:
        program = subprocess.Popen(command, **options)
        self._programs.append(program)
        program.folder = options.get("cwd")  # type: ignore[attr-defined]
        return program


class Program:
    """A program that prints lines."""

    def __init__(self, process: subprocess.Popen[Any]) -> None:
        self.process = process
        self.folder: Path = process.folder  # type: ignore[attr-defined]

    @property
    def output(self) -> str:
        """All that it has printed."""
        return (self.folder / "output").read_text(errors="replace")

    def sees(self, pattern: str) -> re.Match[str]:
        """Wait until a line is there."""
        found = until(lambda: re.search(pattern, self.output), lambda: f"{pattern!r} in\n{self.output}")
        assert isinstance(found, re.Match)
        return found

    def types(self, line: str) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def stacks(self) -> str:
        """Where each of its threads stands."""
        command = [str(Path(sys.executable).with_name("py-spy")), "dump", "--pid", str(self.process.pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def ends(self) -> int:
        """Wait for its end, and return its status."""
        return self.process.wait(DEADLINE)


class Window(Program):
    """A window: keys and clicks go in, pixels come out."""

    def __init__(self, desk: Desk, name: str, process: subprocess.Popen[Any]) -> None:
        super().__init__(process)
        self._environment = {**os.environ, "DISPLAY": desk.display}
        self._display_name = desk.display
        self.id = ""

        def find() -> bool:
            assert process.poll() is None, self.output
            self.id = self._xdotool("search", "--onlyvisible", "--class", name, check=False).strip()
            return bool(self.id)

        until(find, lambda: f"a window of {name}\n{self.output}\n{self.stacks()}")
        self._xdotool("windowfocus", "--sync", self.id)

    @property
    def title(self) -> str:
        """What stands in its title bar."""
        return self._xdotool("getwindowname", self.id).strip()

    def keys(self, *keys: str) -> None:
        """Press keys, by their names."""
        self._xdotool("key", *keys)

    def writes(self, text: str) -> None:
        """Type a text."""
        self._xdotool("type", "--delay", "80", text)

    def clicks(self, x: int, y: int) -> None:
        """Click somewhere in the window, counted from its upper left corner."""
        self._xdotool("mousemove", "--sync", "--window", self.id, str(x), str(y))
        self._xdotool("click", "1")

    def picture(self) -> Image.Image:
        """What is to be seen (the window lies in the screen's upper left corner)."""
        return ImageGrab.grab(xdisplay=self._display_name)

    def shows(self, test: Callable[[Image.Image], bool], what: str) -> Image.Image:
        """Wait until the picture passes a test; it is kept in any case."""
        picture = self.picture()

        def passes() -> bool:
            nonlocal picture
            picture = self.picture()
            picture.save(self.folder / "window.png")
            return test(picture)

        until(passes, lambda: f"{what}; see {self.folder / 'window.png'}\n{self.output}")
        return picture

    def closes(self) -> float:
        """Press the window's close button; returns how many seconds the process took to end, with status 0."""
        display = Display(self._display_name)
        window = display.create_resource_object("window", int(self.id))
        protocols, delete = display.intern_atom("WM_PROTOCOLS"), display.intern_atom("WM_DELETE_WINDOW")
        event = ClientMessage(window=window, client_type=protocols, data=(32, [delete, X.CurrentTime, 0, 0, 0]))
        start = time.monotonic()
        window.send_event(event)
        display.flush()
        status = self.ends()
        seconds = time.monotonic() - start
        display.close()
        assert status == 0, self.output
        return seconds

    def _xdotool(self, *arguments: str, check: bool = True) -> str:
        run = subprocess.run(
            ["xdotool", *arguments],
            env=self._environment,
            check=check,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        return run.stdout


def until(true: Callable[[], Any], what: Callable[[], str]) -> Any:
    """Look until something is so, often and not too long."""
    deadline = time.monotonic() + DEADLINE
    while not (result := true()):
        assert time.monotonic() < deadline, f"it never came: {what()}"
        time.sleep(0.05)
    return result


def count(picture: Image.Image, colour: tuple[int, int, int], by: int = 6) -> int:
    """How many pixels have this colour, nearly."""
    colours: Any = picture.convert("RGB").getcolors(picture.width * picture.height)
    return sum(number for number, found in colours if all(abs(a - b) <= by for a, b in zip(found, colour, strict=True)))
