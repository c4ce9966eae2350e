"""Someone at the window of a client, seen from inside by a Kivy module."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.graded.implementation import HOST
from tests.graded.party import CONNECT, MODE, NAME, Person
from tests.graded.program import Program
from tests.graded.report import Unmet, condition

if TYPE_CHECKING:
    from tests.graded.story import Story

MODULE = Path(__file__).parent / "inside"
# Between two looks: a window draws sixty times a second.
LOOK_AGAIN = 0.02


def prepared(home: Path, port: int) -> Mapping[str, str]:
    """A KIVY_HOME in which the module is switched on, and the environment of a window that no screen shows."""
    shutil.copytree(MODULE, home / "mods")
    (home / "config.ini").write_text("[kivy]\nlog_level = warning\n[modules]\nlookinside =\n", encoding="utf-8")
    return {
        "KIVY_HOME": str(home),
        "KIVY_NO_ARGS": "1",
        "KIVY_AUDIO": "sdl2",
        "SDL_VIDEODRIVER": "offscreen",
        "SDL_AUDIODRIVER": "dummy",
        "LOOKINSIDE_PORT": str(port),
    }


class WindowGone(Unmet):
    """There is no window to look into any more."""


class Sitter(Person):
    """Somebody who has chosen the window."""

    def __init__(self, story: Story, name: str, folder: Path, program: Program, listener: socket.socket) -> None:
        super().__init__(story, name, folder, program)
        self._listener = listener
        self._sock: socket.socket | None = None
        self._unread = b""

    def opens_the_window(self) -> None:
        """Answers the questions, and has the window before them."""
        self.answers(CONNECT, "yes")
        self.answers(MODE, "2")
        self.answers(NAME, self.name)
        with self.story.step(f"{self}'s window opens"):
            deadline = time.monotonic() + self.story.patience
            self._listener.settimeout(LOOK_AGAIN)
            while self._sock is None:
                try:
                    self._sock, _ = self._listener.accept()
                except TimeoutError:
                    if self.program.over:
                        raise Unmet(f"{self}'s window opens", f"{self} {condition(self.program)}") from None
                    if time.monotonic() > deadline:
                        raise Unmet(f"{self}'s window opens", "it does not", hung=True) from None
            self._sock.settimeout(self.story.patience)

    def close(self) -> None:
        """Let go of the window."""
        if self._sock is not None:
            self._sock.close()
        self._listener.close()

    # What is done there.

    def writes(self, text: str) -> None:
        """Into the text box, without Enter."""
        self._does(f"{self} writes {text!r} into the text box", do="write", text=text)

    def presses_enter(self) -> None:
        """In the text box. Where that ends the chat, the window may be gone before it answers."""
        words = f"{self} presses Enter in the text box"
        with self.story.step(words), suppress(WindowGone):
            self._ask(words, do="enter")

    def presses_button(self, button: str) -> None:
        """By what it says."""
        self._does(f"{self} presses the button {button!r}", do="press", button=button)

    def chooses(self, name: str) -> None:
        """A file of the own folder, in the file chooser."""
        self.shows("a file chooser", lambda seen: seen["chooser"])
        self._does(f"{self} chooses {name!r}", do="choose", folder=str(self.folder), name=name)

    def closes_the_window(self) -> None:
        """By its close button."""
        self.present = False
        with self.story.step(f"{self} closes the window"), suppress(WindowGone):  # before it answers
            self._ask("", do="close")

    # What is seen there.

    def shows(self, what: str, holds: Callable[[Any], bool]) -> Any:
        """Something is in the window, or comes; returns all that is seen then."""
        expected = f"{self}'s window has {what}"
        with self.story.step(expected):
            deadline = time.monotonic() + self.story.patience
            while not holds(seen := self._ask(expected, do="look")):
                if time.monotonic() > deadline:
                    raise Unmet(expected, f"it has {seen}", hung=True)
                time.sleep(LOOK_AGAIN)  # nothing tells of what a window draws
            return seen

    def shows_lines(self, *lines: str) -> None:
        """These lines in this order, others in between or not."""

        def holds(seen: Any) -> bool:
            rest = iter(line["text"] for line in seen["lines"])
            return all(line in rest for line in lines)

        self.shows(f"the lines {', '.join(map(repr, lines))}", holds)

    def _does(self, words: str, **question: str) -> None:
        with self.story.step(words):
            self._ask(words, **question)

    def _ask(self, expected: str, **question: str) -> Any:
        assert self._sock is not None, "the window is not open"
        try:
            self._sock.sendall(json.dumps(question).encode() + b"\n")
            while b"\n" not in self._unread:
                if not (data := self._sock.recv(65536)):
                    raise ConnectionError
                self._unread += data
        except TimeoutError:
            raise Unmet(expected, "the window does not react", hung=True) from None
        except OSError:
            raise WindowGone(expected, "the window is gone") from None
        line, self._unread = self._unread.split(b"\n", 1)
        answer = json.loads(line)
        if "error" in answer:
            raise Unmet(expected, answer["error"])
        return answer


def listener() -> socket.socket:
    """Where the window's module connects."""
    return socket.create_server((HOST, 0))
