"""A program that is run to its end at once: what it has printed, and its exit status."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from tests.graded.leader import stand_between
from tests.graded.program import Command, environment

# A program that prints without end is held up there: by an error of its own, or a signal.
MOST_PRINTED = 1 << 20
# More would push the story itself out of sight.
MOST_SHOWN = 10_000


@dataclass(frozen=True)
class Outcome:
    """The beginning of what a program has printed, and its exit status."""

    stdout: str
    stderr: str
    status: int


def run_to_end(command: Command, cwd: Path, env: Mapping[str, str], patience: float) -> Outcome | None:
    """Run a program with no input and no terminal; None if it does not end in time.

    It prints to files: a process that it leaves behind would hold a pipe open for as long as it likes.
    """
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        child = subprocess.Popen(
            list(map(str, command)),
            cwd=cwd,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=_start,
        )
        try:
            status = child.wait(patience)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a dead group
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        return Outcome(_beginning(stdout), _beginning(stderr), status)


def _start() -> None:
    stand_between()
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_PRINTED, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def _beginning(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(MOST_SHOWN).decode(errors="replace")
