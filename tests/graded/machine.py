"""What the system says about a program: its threads, and its memory."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

STANDS_STILL = 0.02
"""Seconds between two looks at a thread that is to stand still: several of the interpreter's turns, of 5 ms."""


def threads(pid: int) -> int:
    """How many threads a program has; 0 for one that has ended."""
    tasks = Path(f"/proc/{pid}/task")
    if Path("/proc/self/task").is_dir():
        try:
            return len(os.listdir(tasks))
        except OSError:
            return 0
    listed = subprocess.run(["ps", "-M", str(pid)], capture_output=True, text=True)  # macOS: a line each
    return max(0, len(listed.stdout.splitlines()) - 1)


def descend(pid: int, generations: int) -> int:
    """The process so many generations below one, each the first child of the one before; the last that there is."""
    for _ in range(generations):
        children = _children(pid)
        if not children:
            return pid
        pid = int(children[0])
    return pid


def _children(pid: int) -> list[str]:
    if Path("/proc/self/task").is_dir():
        try:
            return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return []
    return subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()  # macOS


def children() -> dict[int, list[int]]:
    """Which processes each process of the machine has started, as /proc tells."""
    found: dict[int, list[int]] = {}
    # Not by glob: it looks at each file first, and raises ProcessLookupError for a process that ends just then.
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with suppress(OSError):
                # proc(5): "pid (name) state ppid ...", and the name may have blanks and brackets.
                stat = Path(f"/proc/{entry}/stat").read_text(errors="replace")
                found.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    return found


def memory(pid: int) -> int:
    """Bytes of memory that a program has in use; 0 for one that has ended."""
    listed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True)
    return int(listed.stdout or 0) * 1024


def rest(pid: int, seconds: float) -> None:
    """Wait until a program's first thread stands still, as in a read; at most so many seconds.

    CPython looks for signals, and then reads: of one that comes in between nothing is noticed before the next key. On
    a busy machine, which may take the processor away just there, that happens. Without /proc there is no waiting.
    """
    deadline = time.monotonic() + seconds
    before = _standing(pid)
    while before != "" and time.monotonic() < deadline:
        time.sleep(STANDS_STILL)
        now = _standing(pid)
        if now is not None and now == before:
            return
        before = now


def _standing(pid: int) -> str | None:
    """How often the first thread has gone to sleep; None while it does not, "" where nobody can tell."""
    try:
        status = Path(f"/proc/{pid}/task/{pid}/status").read_text()
    except OSError:
        return ""
    if "\nState:\tS" not in status:
        return None
    return next((line for line in status.splitlines() if line.startswith("voluntary")), "")


def crowding() -> float:
    """How many wanted to run for each processor, on the average of the last minute (getloadavg(3))."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)
