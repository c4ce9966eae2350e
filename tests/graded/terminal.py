"""A program in an emulated terminal, driven by the keyboard and read off the screen."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pexpect
import pyte

from tests.graded.leader import ALL_READ, lead
from tests.graded.program import LAST_WORDS, Command, Program, environment
from tests.graded.screen import Screen

ROWS, COLUMNS = 24, 100
# A terminal in its usual line mode takes no more than 4,095 bytes a line on Linux and 1,023 on
# macOS; the rest is lost without a word.
LONGEST_LINE = 1_000

KEYS = {
    "Enter": "\r",
    "Tab": "\t",
    "Escape": "\x1b",
    "Backspace": "\x7f",
    "Up": "\x1b[A",
    "Down": "\x1b[B",
    "Right": "\x1b[C",
    "Left": "\x1b[D",
    "Home": "\x1b[H",
    "End": "\x1b[F",
}


class Terminal(Program):
    """One program in one terminal of its own."""

    leaders = 1

    def __init__(
        self,
        command: Command,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        changed: threading.Condition | None = None,
        size: tuple[int, int] = (ROWS, COLUMNS),
    ) -> None:
        super().__init__(changed)
        rows, columns = size
        self._screen = Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._seen: list[str] | None = []
        self._mark = b"\0" + secrets.token_hex(16).encode()  # the last to be shown; no program can guess it
        program, *arguments = map(str, command)
        # Any: the stubs do not know the terminal beneath, nor that a spawned child has a pid.
        self._child: Any = cast(
            Any,
            pexpect.spawn(
                program,
                arguments,
                cwd=str(cwd),
                env=environment(env or {}),
                dimensions=size,
                preexec_fn=lambda: lead(self._mark, LAST_WORDS),
            ),
        )
        self._child.delaybeforesend = None
        self._child.ptyproc.delayafterclose = 0
        self.pid = self._child.pid
        self._watch()

    def lines(self) -> list[str]:
        """Every line shown so far, those that have scrolled away included."""
        with self.changed:
            if self._seen is None:
                self._seen = self._screen.all_lines()
            return self._seen

    def screen(self) -> list[str]:
        """The rows of the screen as they stand."""
        with self.changed:
            return self._screen.rows()

    def write(self, raw: str) -> None:
        """Send just these characters, all of them."""
        rest = raw.encode()
        try:
            while rest:
                rest = rest[self._child.send(rest) :]
        except OSError:
            pass  # the program has ended: what it showed and its status tell the rest

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        if len(line.encode()) > LONGEST_LINE:
            raise ValueError(f"a terminal does not take lines of more than {LONGEST_LINE} bytes")
        self.write(line + KEYS["Enter"])

    def press(self, key: str) -> None:
        """Press a key: one of `KEYS`, or "Ctrl-" and a letter."""
        self.write(chr(ord(key[-1]) & 0x1F) if key.startswith("Ctrl-") else KEYS[key])

    def _drain(self) -> None:
        held_back = b""
        while held_back != self._mark:
            self._reading.wait()
            try:
                data = os.read(self._child.child_fd, 4096)
            except OSError:  # on Linux the end of a terminal is an error (EIO)
                return
            if not data:
                return
            data, held_back = _split_at(self._mark, held_back + data)
            with self.changed:
                self._show(data)
                answers = self._screen.take_answers()
                self.changed.notify_all()
            # Without the lock: this blocks when the program does not read.
            self.write(answers)
        with contextlib.suppress(ProcessLookupError):  # it was tired of waiting
            os.kill(self.pid, ALL_READ)

    def _show(self, data: bytes) -> None:
        # pyte raises on rare sequences that it does not know; then this is shown in part.
        with contextlib.suppress(Exception):
            self._stream.feed(data)
        self._seen = None

    def _wait_for_end(self) -> int:
        self._child.wait()
        if self._child.signalstatus is not None:
            return -self._child.signalstatus
        assert self._child.exitstatus is not None
        return self._child.exitstatus

    def _close_files(self) -> None:
        self._child.close()


def _split_at(mark: bytes, data: bytes) -> tuple[bytes, bytes]:
    """What comes before the mark, and the mark: as much of it as has come."""
    before, found, _ = data.partition(mark)
    if found:
        return before, mark
    come = next((length for length in range(len(mark) - 1, 0, -1) if data.endswith(mark[:length])), 0)
    return data[: len(data) - come], data[len(data) - come :]
