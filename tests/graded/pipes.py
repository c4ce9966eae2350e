"""A program whose input and output are pipes: lines in, lines out, no terminal."""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from tests.graded.program import Command, Program, environment
from tests.graded.screen import KEPT_ROWS
from tests.graded.terminal import ROWS


class Pipes(Program):
    """One program run as a script would run it."""

    def __init__(
        self,
        command: Command,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        changed: threading.Condition | None = None,
    ) -> None:
        super().__init__(changed)
        self._shown: deque[str] = deque(maxlen=KEPT_ROWS)
        self._child = subprocess.Popen(
            list(map(str, command)),
            cwd=cwd,
            env=environment(env or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self.pid = self._child.pid
        self._watch()

    def lines(self) -> list[str]:
        """Every whole line printed so far."""
        with self.changed:
            return list(self._shown)

    def screen(self) -> list[str]:
        """As many of the last lines as a screen would show."""
        return self.lines()[-ROWS:]

    def write(self, raw: str) -> None:
        """Send just these characters."""
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(raw)
            self._child.stdin.flush()
        except OSError:
            pass  # the program has ended: what it showed and its status tell the rest

    def type(self, line: str) -> None:
        """Send a line."""
        self.write(line + "\n")

    def end_input(self) -> None:
        """Close its input, as the end of a script does."""
        assert self._child.stdin is not None
        self._child.stdin.close()

    def _drain(self) -> None:
        assert self._child.stdout is not None
        while self._reading.wait() and (line := self._child.stdout.readline(65_536)):
            with self.changed:
                self._shown.append(line.rstrip())
                self.changed.notify_all()

    def _wait_for_end(self) -> int:
        return self._child.wait()

    def _close_files(self) -> None:
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:
                pass  # what was still to be written has nobody to read it
