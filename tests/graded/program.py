"""One program under test, watched from outside: what it shows, whether it runs, how it ended."""

from __future__ import annotations

import os
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.graded.lines import is_line
from tests.graded.machine import descend, rest

# How long a person waits. Reached only when something is wrong, so it may be generous.
PATIENCE = 30.0
# What a dead program has printed is read within this time, unless a child of it still holds
# the terminal.
LAST_WORDS = 5.0
# A program that never stands still gets its signal all the same.
GIVE_IT_A_REST = 2.0


class Program(ABC):
    """A running program and everything it has shown.

    Its output is drained all the time, so it never blocks because nobody looks. `changed` is told
    about every change, and guards what the program has shown and its exit status; the programs of
    one story share it, so one can wait for any of them.
    """

    pid: int
    leaders = 0
    """How many processes of ours stand above the program, or its launcher."""
    above = 0
    """How many processes of a launcher stand above the program's own."""

    def __init__(self, changed: threading.Condition | None = None) -> None:
        self.changed = changed or threading.Condition(threading.RLock())
        self._status: int | None = None
        self._drained = False
        self._reading = threading.Event()
        self._reading.set()
        self._threads: list[threading.Thread] = []

    # What a kind of program must say about itself.

    @abstractmethod
    def lines(self) -> list[str]:
        """Every line shown so far."""

    @abstractmethod
    def screen(self) -> list[str]:
        """What is in sight now."""

    @abstractmethod
    def write(self, raw: str) -> None:
        """Send just these characters."""

    @abstractmethod
    def type(self, line: str) -> None:
        """Type a line and press Enter."""

    @abstractmethod
    def _drain(self) -> None:
        """Read the program's output until it ends."""

    @abstractmethod
    def _wait_for_end(self) -> int:
        """Wait until the program has ended and return its exit status."""

    @abstractmethod
    def _close_files(self) -> None:
        """Let go of the program's input and output."""

    # What can be done with any of them.

    def wait_for(self, what: str | Callable[[list[str]], bool], deadline: float = PATIENCE) -> bool:
        """Wait until a line, or what a function looks for among the lines, is there.

        Gives up after `deadline` seconds, or at once when the program has ended.
        """

        def found() -> bool:
            lines = self.lines()
            return any(is_line(what, line) for line in lines) if isinstance(what, str) else what(lines)

        with self.changed:
            self.changed.wait_for(lambda: found() or self.over, deadline)
            return found()

    @property
    def status(self) -> int | None:
        """The exit status, or minus the signal's number; None while it runs."""
        return self._status

    @property
    def own_pid(self) -> int:
        """The process of the program itself, where `pid` is that of its launcher."""
        return descend(self.pid, self.leaders + self.above)

    @property
    def over(self) -> bool:
        """Whether the program has ended and all it printed has been read."""
        return self._status is not None and self._drained

    def exit_status(self, deadline: float = PATIENCE) -> int | None:
        """Wait for the end and return the exit status; None if it still runs at the deadline."""
        with self.changed:
            self.changed.wait_for(lambda: self._status is not None, deadline)
            self.changed.wait_for(lambda: self._drained, LAST_WORDS if self._status is not None else 0)
            return self._status

    def rest(self) -> None:
        """Wait until it stands still: a signal is noticed then."""
        rest(self.own_pid, GIVE_IT_A_REST)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        if self._status is None:
            os.kill(self.own_pid, number)

    def kill(self) -> None:
        """End it and whatever it started, at once (`kill -9`)."""
        self._signal_group(signal.SIGKILL)

    def stop(self) -> None:
        """Freeze it, as a laptop whose lid is closed."""
        self._signal_group(signal.SIGSTOP)

    def cont(self) -> None:
        """Let it go on after `stop`."""
        self._signal_group(signal.SIGCONT)

    def pause_output(self) -> None:
        """Take no more of its output (as Ctrl-S does): soon its prints block."""
        self._reading.clear()

    def resume_output(self) -> None:
        """Take its output again."""
        self._reading.set()

    def close(self) -> None:
        """End it with all it started, and leave no zombie, thread or open file behind."""
        self.kill()
        self.resume_output()
        for thread in self._threads:
            thread.join(LAST_WORDS)
        self._close_files()

    def _signal_group(self, number: signal.Signals) -> None:
        # Each program leads a process group of its own, which what it starts belongs to as well.
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a dead group
            pass

    def _watch(self) -> None:
        """Start the two threads that read its output and wait for its end."""
        for target in (self._drain_to_the_end, self._await_end):
            thread = threading.Thread(target=target, name=f"{target.__name__} {self.pid}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _drain_to_the_end(self) -> None:
        try:
            self._drain()
        finally:
            with self.changed:
                self._drained = True
                self.changed.notify_all()

    def _await_end(self) -> None:
        status = self._wait_for_end()
        with self.changed:
            self._status = status
            self.changed.notify_all()


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment every program under test runs in: the same on all machines."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1", **extra}


Command = Sequence[str | Path]
