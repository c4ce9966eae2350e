"""Tells one submission the stories: runs inside the session's own network, outside of its sandbox.

What is to be done comes as JSON on standard input, so that nobody finds a seed in a list of processes. What happens
goes as one JSON object a line to the file descriptor that is the first argument. A second one only says whose this is.
"""

from __future__ import annotations

import array
import fcntl
import json
import os
import socket
import struct
import sys
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from labkit import ladder
from labkit.grade.plugin import Grading
from labkit.student.run import NOT_NEEDED

# netdevice(7)
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
LONGEST_LOG = 4000


def main(arguments: list[str]) -> int:
    """Tell the stories; the exit status is 0 if pytest could do its work, whatever came of the stories."""
    events = int(arguments[0])
    job = json.load(sys.stdin)
    if job["own network"]:
        raise_loopback()
        forbid_shared_memory()
    for stage in job["stages"]:
        grading = Grading(job, stage, events)
        with redirect_stdout(StringIO()) as said, redirect_stderr(said):
            status = pytest.main(options(job, stage), plugins=[grading])
        if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
            grading.tell({"broken": f"the tests ended with {status!r}:\n{said.getvalue()[-LONGEST_LOG:]}"})
            return 1
        grading.tell({"done": stage["stage"]})
    return 0


def raise_loopback() -> None:
    """Switch on the one interface of a new network."""
    with socket.socket() as sock:
        name = b"lo".ljust(16, b"\0")
        request = array.array("B", struct.pack("16sh22x", name, 0))
        fcntl.ioctl(sock, SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("h", request, 16)
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh22x", name, flags | IFF_UP))


def forbid_shared_memory() -> None:
    """No System V segments, messages or semaphores: they outlive a program, and no limit of a process counts them."""
    for name, value in {"shmmni": "0", "msgmni": "0", "sem": "0 0 0 0"}.items():
        with suppress(OSError):  # an older kernel gives these to the machine's root alone
            Path("/proc/sys/kernel", name).write_text(value)


def options(job: dict[str, Any], stage: dict[str, Any]) -> list[str]:
    """pytest's command line for one stage.

    With `=` between a name and its value: where pytest does not know an option yet it takes a value that stands by
    itself for a folder of tests, and would run the submission's conftest.py, here, outside of the sandbox.
    """
    words = [str(ladder.ROOT / "tests" / "graded"), "--rootdir", str(ladder.ROOT), "--capture=no"]
    words += ["-c", str(ladder.ROOT / "pyproject.toml"), *(f"-pno:{name}" for name in (*NOT_NEEDED, "xdist"))]
    words += [f"--stage={stage['stage']}", f"--seed={job['seed']}", f"--patience={job['patience']}"]
    words += [f"--server={stage['folder']}", f"--client={stage['folder']}", "--pairs", f"--again={stage['again']}"]
    if job["launcher"]:
        words += [f"--launcher={job['launcher']}", f"--launcher-above={job['above']}"]
    return words


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # a thread of a story that hangs must not keep us
