"""Looks after what all programs of a story use together, which limits of each process do not bound."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from labkit.grade.sandbox import SPAN
from tests.graded import machine

PAUSE = 0.1
"""Seconds between two looks: a look costs some milliseconds, and memory is filled at a few GB a second."""

PAGE = os.sysconf("SC_PAGE_SIZE")


class Watchdog:
    """Ends all programs of a submission that have too many processes or too much memory. A context manager.

    The launchers' process numbers are the names of the files in `started`; a program's processes are those below its
    launcher, daemons included: in their own process namespace these stay below its first process.
    """

    def __init__(self, started: Path, limits: Mapping[str, Any]) -> None:
        self._started = started
        self._processes: int = limits["processes"]
        self._memory: int = limits["all_memory_mb"] * 1024 * 1024
        self._user: int = limits["user"]
        self._in_files = shared_memory()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self.verdict = ""
        """What was too much, once it was."""

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(PAUSE):
            with suppress(OSError):  # a process that ends while we look
                self._look()

    def _look(self) -> None:
        launchers = [int(file.name) for file in self._started.iterdir() if file.name.isdigit()]
        below = descendants(launchers) | {launcher: launcher for launcher in launchers}
        theirs = {pid: program for pid, program in below.items() if self._is_theirs(pid)}
        memory = sum(resident(pid) for pid in theirs)
        if shared_memory() - self._in_files > self._memory:  # somebody fills files in memory: is it one of these?
            memory += sum(map(memory_files, theirs))
        if memory > self._memory:
            self.verdict = f"its programs used {memory >> 20} MB of memory, the limit is {self._memory >> 20} MB"
        most = max((list(theirs.values()).count(program) for program in set(theirs.values())), default=0)
        if most > self._processes:
            self.verdict = f"a program had {most} processes, the limit is {self._processes}"
        if self.verdict:
            for pid in theirs.keys() | set(theirs.values()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _is_theirs(self, pid: int) -> bool:
        with suppress(OSError):
            return self._user < 0 or self._user <= os.stat(f"/proc/{pid}").st_uid < self._user + SPAN
        return False


def descendants(roots: list[int]) -> dict[int, int]:
    """The processes below each of these, each with the one that it is below."""
    children = machine.children()
    found: dict[int, int] = {}
    for root in roots:
        to_look_at = [root]
        while to_look_at:
            for child in children.get(to_look_at.pop(), []):
                found[child] = root
                to_look_at.append(child)
    return found


def shared_memory() -> int:
    """Bytes of memory of the whole machine that are in files of memory."""
    with open("/proc/meminfo") as meminfo:
        return next((int(line.split()[1]) * 1024 for line in meminfo if line.startswith("Shmem:")), 0)


def memory_files(pid: int) -> int:
    """Bytes in the files that a process has in memory alone (memfd_create(2)): they count for nobody."""
    found = 0
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                if os.readlink(entry.path).startswith("/memfd:"):
                    found += os.stat(entry.path).st_blocks * 512
    return found


def resident(pid: int) -> int:
    """Bytes of memory that a process has in use; 0 for one that has ended."""
    with suppress(OSError, IndexError, ValueError), open(f"/proc/{pid}/statm") as statm:
        fields = statm.read().split()
        return (int(fields[1]) - int(fields[2])) * PAGE  # without what it shares with files, as Python's own code
    return 0
