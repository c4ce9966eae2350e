"""Processes that a program under test has left behind, also those that have left its process group."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.graded import machine

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
# For processes that were just killed to be gone, however busy the machine is.
GIVE_UP = 10.0


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """Whatever processes begin within are ended at the end of it.

    A daemon leaves its session and its parent, so neither finds it again. But Linux hands orphans to the nearest
    ancestor that asks for them (prctl(2), PR_SET_CHILD_SUBREAPER), and then they are ours. Elsewhere only the process
    groups that the driver makes are ended.
    """
    if sys.platform != "linux":
        yield
        return
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = descendants()
    try:
        yield
    finally:
        _end_all_but(before)


def descendants() -> set[int]:
    """The processes that this one has started, those that these have started, and so on."""
    children = machine.children()
    found: set[int] = set()
    to_look_at = [os.getpid()]
    while to_look_at:
        for child in children.get(to_look_at.pop(), []):
            found.add(child)
            to_look_at.append(child)
    return found


def _end_all_but(kept: set[int]) -> None:
    give_up = time.monotonic() + GIVE_UP
    # Again, because one may have started another before its end came.
    while (left := descendants() - kept) and time.monotonic() < give_up:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with suppress(ChildProcessError):  # not ours yet: its parent is dying too
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.001)
