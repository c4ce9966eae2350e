"""What a person sees: an emulated screen and everything that has scrolled off it.

Programs that redraw a prompt send escape sequences, plain ones just lines. On the emulated screen
both look the same, so tests read screens and never the raw stream.
"""

from __future__ import annotations

from collections import deque
from itertools import groupby
from typing import Any

import pyte
from wcwidth import wcwidth

# Rows kept once they have left the screen: far more than any story shows, and a bound on the
# memory that a program printing without end can take here.
KEPT_ROWS = 5_000


def _has_no_cell(char: str) -> bool:
    return wcwidth(char) <= 0


class Screen(pyte.Screen):
    """A terminal's screen that remembers what scrolled away and which rows are one long line."""

    def __init__(self, columns: int, rows: int) -> None:
        self._scrolled: deque[tuple[str, bool]] = deque(maxlen=KEPT_ROWS)
        self._answers: list[str] = []
        self._drawing = False
        super().__init__(columns, rows)

    def all_lines(self) -> list[str]:
        """Everything shown so far, oldest first: long lines joined, blank ends stripped."""
        lines = []
        line = ""
        for text, goes_on in [*self._scrolled, *map(self._row, range(self.lines))]:
            line += text
            if not goes_on:
                lines.append(line.rstrip())
                line = ""
        if line:
            lines.append(line.rstrip())
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def rows(self) -> list[str]:
        """The screen as it stands, row by row, blank ends stripped."""
        return [self._row(y)[0].rstrip() for y in range(self.lines)]

    def write_process_input(self, data: str) -> None:
        """Keep what the terminal has to answer: programs ask it where the cursor is."""
        self._answers.append(data)

    def take_answers(self) -> str:
        """What is to be sent to the program, as if typed."""
        answers, self._answers = "".join(self._answers), []
        return answers

    def _row(self, y: int) -> tuple[str, bool]:
        """One row's text, and whether it goes on in the next row."""
        row = self.buffer[y]
        # Not pyte's `display`: that raises where half of a wide character was overwritten.
        return "".join(row[x].data for x in range(self.columns)), self.columns in row

    def draw(self, data: str) -> None:
        """Show text where the cursor is.

        pyte drops the rest of a text behind a character that takes no cell and is no accent
        (a joiner in an emoji, a vowel sign). Here it stays with the character before it.
        """
        self._drawing = True
        for no_cell, chars in groupby(data, _has_no_cell):
            if no_cell:
                self._attach("".join(chars))
            else:
                super().draw("".join(chars))
        self._drawing = False

    def _attach(self, marks: str) -> None:
        row = self.buffer[self.cursor.y]
        x = self.cursor.x - 1
        if x > 0 and not row[x].data:  # the right half of a wide character
            x -= 1
        if x >= 0:
            row[x] = row[x]._replace(data=row[x].data + marks)

    def linefeed(self) -> None:
        """Go to the next row. One that `draw` asks for continues a long line."""
        if self._drawing:
            # The mark is a cell right of the last column: so it moves with its row.
            self.buffer[self.cursor.y][self.columns] = self.default_char
        super().linefeed()

    def index(self) -> None:
        """Move down one row; at the bottom, keep the row that scrolls away."""
        top, bottom = self.margins or (0, self.lines - 1)
        if self.cursor.y == bottom:
            self._scrolled.append(self._row(top))
        super().index()

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        """Erase a row or part of it. A row whose end is gone no longer goes on."""
        super().erase_in_line(how, private)
        if how != 1:
            self.buffer[self.cursor.y].pop(self.columns, None)

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        """Erase the screen or part of it. A program that clears all of it hides nothing from us."""
        if how in (2, 3):
            self._keep_screen()
        super().erase_in_display(how, *args, **kwargs)
        first = 0 if how in (1, 2, 3) else self.cursor.y + 1
        last = self.cursor.y if how == 1 else self.lines
        for y in range(first, last):
            self.buffer[y].pop(self.columns, None)

    def reset(self) -> None:
        """Start afresh, as `reset` in a shell does."""
        if hasattr(self, "cursor"):  # not in __init__, where there is no screen yet
            self._keep_screen()
        super().reset()

    def _keep_screen(self) -> None:
        rows = [self._row(y) for y in range(self.lines)]
        while rows and not rows[-1][0].strip():
            rows.pop()
        self._scrolled.extend(rows)
