"""A desk with several terminals side by side, whose real programs are driven key by key and recorded together.

The recording's time is not the clock's: each key takes `KEY` seconds and each look at the screen as long as the scene
says, however fast or slow the machine was. So the same programs always give the same recording.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.graded.program import PATIENCE, Command
from tests.graded.terminal import Terminal

KEY = 0.07
PAUSE = 0.8

_CODES = {"black": 30, "red": 31, "green": 32, "brown": 33, "blue": 34, "magenta": 35, "cyan": 36, "white": 37}
_CODES |= {f"bright{name}": code + 60 for name, code in _CODES.items()}
_BAR = "0;1;37;44"


class SceneFailed(Exception):
    """A program does not show what the scene waits for; the text says which, and has its screen."""


class _Terminal(Terminal):
    """One whose cells and cursor can be looked at."""

    def cells(self, row: int, columns: int) -> list[Any]:
        """A row's characters with their colours."""
        return [self._screen.buffer[row][column] for column in range(columns)]

    def cursor(self) -> tuple[int, int]:
        """Row and column."""
        return self._screen.cursor.y, self._screen.cursor.x


class Pane:
    """One terminal, and where it stands on the desk."""

    def __init__(self, desk: Desk, title: str, terminal: _Terminal, top: int, left: int, size: tuple[int, int]) -> None:
        self.title = title
        self.program = terminal
        self.top, self.left = top, left
        self.rows, self.columns = size
        self._desk = desk

    def type(self, text: str, *, enter: bool = True) -> None:
        """Type as a person does, key by key, each seen on the screen before the next."""
        for key in text:
            self._press_and_see(key)
        if enter:
            self.program.write("\r")

    def _press_and_see(self, key: str) -> None:
        before = self._looks()
        self.program.write(key)
        self._until(lambda: self._looks() != before, f"an echo of {key!r}")
        self._desk.frame(KEY)

    def press(self, key: str) -> None:
        """Press a key, as "Ctrl-C"."""
        self.program.press(key)

    def sees(self, *parts: str, pause: float = PAUSE) -> None:
        """Wait until each of these is somewhere in a line, then take the picture, and let the viewer read."""
        for part in parts:
            self._sees(part)
        self._desk.frame(0.15)
        self._desk.wait(pause)

    def sees_line(self, part: str, pause: float = PAUSE) -> None:
        """Like `sees`, but until the line has ended: what is typed then begins a new one."""
        self._sees(part)
        self._until(lambda: self.program.cursor()[1] == 0, f"the end of the line {part!r}")
        self.sees(part, pause=pause)

    def is_asked(self, question: str) -> None:
        """Wait until the cursor stands behind this question."""
        self._until(lambda: question in self.program.screen()[self.program.cursor()[0]], repr(question))
        self.sees(question, pause=0.3)

    def _sees(self, part: str) -> None:
        self._until(lambda: any(part in line for line in self.program.lines()), repr(part))

    def ends(self, pause: float = PAUSE) -> None:
        """Wait for the program's end."""
        if self.program.exit_status() is None:
            raise SceneFailed(self._story("its end"))
        self._desk.frame(0.15)
        self._desk.wait(pause)

    def _looks(self) -> tuple[object, ...]:
        return (*self.program.screen(), self.program.cursor())

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        with self.program.changed:
            if not self.program.changed.wait_for(holds, PATIENCE):
                raise SceneFailed(self._story(what))

    def _story(self, what: str) -> str:
        return "\n".join([f"{self.title}: no {what} on the screen:", *self.program.screen()])


class Desk:
    """The terminals, and the recording of them. A context manager: in the end all programs end."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._panes: list[Pane] = []
        self._time = 0.0
        self._shown: list[str] = [""] * rows
        self._events: list[tuple[float, str]] = []

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        for pane in self._panes:
            pane.program.close()

    def pane(
        self, title: str, command: Command, folder: Path, env: dict[str, str], place: tuple[int, int],
        size: tuple[int, int],
    ) -> Pane:  # fmt: skip
        """Open a terminal below a bar with its title; ``size`` is rows and columns without the bar."""
        terminal = _Terminal(command, folder, env, size=size)
        top, left = place
        pane = Pane(self, title, terminal, top, left, size)
        self._panes.append(pane)
        return pane

    def frame(self, after: float) -> None:
        """Record how everything looks now, so much later than what was recorded last."""
        self._time += after
        rows = [self._row(number) for number in range(self.rows)]
        pairs = enumerate(zip(rows, self._shown, strict=True), 1)
        changes = [f"\x1b[{number};1H{row}" for number, (row, old) in pairs if row != old]
        if changes:
            self._events.append((self._time, "\x1b[?25l" + "".join(changes)))
        self._shown = rows

    def wait(self, seconds: float) -> None:
        """Let whoever watches read."""
        self._time += seconds

    def cast(self, title: str) -> str:
        """The recording in asciicast's second version: a header, and a line for each change."""
        header = {"version": 2, "width": self.columns, "height": self.rows, "title": title}
        events = [[round(time, 2), "o", data] for time, data in [*self._events, (self._time, "")]]
        return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in [header, *events])

    def still(self) -> str:
        """The last picture as text."""
        lines = []
        for number in range(self.rows):
            line = [" "] * self.columns
            for left, text, _ in self._parts(number):
                line[left : left + len(text)] = text
            lines.append("".join(line).rstrip())
        return "\n".join(lines).rstrip() + "\n"

    def _row(self, number: int) -> str:
        """A row of the desk as a terminal is told to show it."""
        drawn = "\x1b[0m\x1b[2K"
        for left, text, style in self._parts(number):
            drawn += f"\x1b[{number + 1};{left + 1}H\x1b[{style}m{text}"
        return drawn + "\x1b[0m"

    def _parts(self, number: int) -> Iterator[tuple[int, str, str]]:
        """What stands in a row: column, text, style."""
        for pane in self._panes:
            inside = number - pane.top - 1
            if inside == -1:
                yield pane.left, f" {pane.title} ".ljust(pane.columns)[: pane.columns], _BAR
            elif 0 <= inside < pane.rows:
                with pane.program.changed:
                    cells = pane.program.cells(inside, pane.columns)
                    row, column = pane.program.cursor()
                yield from _runs(cells, pane.left)
                if row == inside and column < pane.columns and not pane.program.over:
                    yield pane.left + column, cells[column].data or " ", "0;7"


def _runs(cells: Sequence[Any], left: int) -> Iterator[tuple[int, str, str]]:
    column = left
    for style, run in groupby(cells, _style):
        text = "".join(cell.data for cell in run)
        if text.strip() or style != "0":
            yield column, text, style
        column += len(text)


def _style(cell: Any) -> str:
    codes = ["0"]
    if cell.bold:
        codes.append("1")
    if cell.reverse:
        codes.append("7")
    if cell.fg in _CODES:
        codes.append(str(_CODES[cell.fg]))
    elif cell.fg != "default":
        red, green, blue = bytes.fromhex(cell.fg)
        codes.append(f"38;2;{red};{green};{blue}")
    return ";".join(codes)
