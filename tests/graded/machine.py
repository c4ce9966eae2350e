"""What the system says about a program: its threads, and its memory."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def threads(pid: int) -> int:
    """How many threads a program has; 0 for one that has ended."""
    tasks = Path(f"/proc/{pid}/task")
    if Path("/proc/self/task").is_dir():
        try:
            return len(os.listdir(tasks))
        except FileNotFoundError:
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
        except FileNotFoundError:
            return []
    return subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()  # macOS


def memory(pid: int) -> int:
    """Bytes of memory that a program has in use; 0 for one that has ended."""
    listed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True)
    return int(listed.stdout or 0) * 1024


def crowding() -> float:
    """How many wanted to run for each processor, on the average of the last minute (getloadavg(3))."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)
