"""No process that a program under test has started outlives its story."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.graded.leftovers import descendants, nothing_left_behind

# Starts a process as a daemon does: its parent is gone, its session and group are its own; then tells its number.
DAEMON = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if pid := os.fork():
    print(pid, flush=True)
    os._exit(0)
time.sleep(600)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are found on Linux alone")


def start_daemon() -> int:
    """Start one, and return its process number when nobody but us is left to end it."""
    with subprocess.Popen([sys.executable, "-c", DAEMON], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        return int(first.stdout.readline())


def test_a_daemon_is_ended() -> None:
    """It has left its group, its session and its parent, and is gone all the same."""
    with nothing_left_behind():
        daemon = start_daemon()
        assert daemon in descendants()
    with pytest.raises(ProcessLookupError):
        os.kill(daemon, 0)


def test_what_was_there_before_stays() -> None:
    """Only what has begun within is ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as mine:
        with nothing_left_behind():
            pass
        assert mine.poll() is None


def test_a_process_may_end_while_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at it then fails with ESRCH, which `Path.glob` and `Path.exists` pass on, unlike ENOENT."""

    def gone(path: Path, **_: Any) -> Any:
        raise ProcessLookupError(path)

    for look in ("stat", "read_text", "open"):
        monkeypatch.setattr(Path, look, gone)
    assert descendants() == set()
