"""What a failed story says: all that is needed to see why, without running it again."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.graded.program import Program

# More programs than this hang for the same reason.
MOST_STACKS = 6


class Unmet(Exception):
    """An expectation that did not come true: what was expected, and what happened instead."""

    def __init__(self, expected: str, instead: str, *, hung: bool = False) -> None:
        super().__init__(expected, instead)
        self.expected = expected
        self.instead = instead
        self.hung = hung


class StoryFailure(Exception):
    """A story that went wrong; its text is the whole report."""


@dataclass(frozen=True)
class Step:
    """One thing somebody does or sees."""

    number: int
    words: str


@dataclass(frozen=True)
class Footer:
    """Where to look, and how to see it again."""

    task: str
    seed: int
    again: str


def report(
    steps: list[Step], unmet: Unmet, programs: list[tuple[str, Program]], frames: list[str], footer: Footer
) -> str:
    """The story up to the step that failed, every screen, what passed on the wire, and how to run it again."""
    parts = ["", *_story(steps), "", f"expected: {unmet.expected}", f"but:      {unmet.instead}"]
    for name, program in programs:
        parts += ["", f"--- {name}: {condition(program)} ---", *_screen(program)]
    if frames:
        parts += ["", f"--- the last {len(frames)} lines of what passed on the wire ---", *frames]
    if unmet.hung:
        running = [(name, program) for name, program in programs if program.status is None]
        for name, program in running[:MOST_STACKS]:
            parts += ["", f"--- where each thread of {name} stands ---", _threads(program.own_pid)]
    parts += ["", *_task(footer.task), f"seed: {footer.seed}", f"run just this again: {footer.again}"]
    return "\n".join(parts)


def _task(number: str) -> list[str]:
    from labkit.tasks import tasks  # late: it reads the stages' files

    if number not in tasks():
        return []
    task = tasks()[number]
    return [
        f"task {number}: {task.title} ({', '.join(task.files)})",
        f"hint: {task.hints[0]}",
        f"guide: {task.anchor}",
    ]


def condition(program: Program) -> str:
    """Whether a program runs, or how it ended."""
    status = program.status
    if status is None:
        return f"runs (process {program.own_pid})"
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with exit status {status}"


def _story(steps: list[Step]) -> Iterable[str]:
    for step in steps:
        yield f"{step.number:3} {'✗' if step is steps[-1] else '✓'} {step.words}"


def _screen(program: Program) -> list[str]:
    rows = [f"  | {row}" for row in program.screen()]
    while rows and rows[-1] == "  | ":
        rows.pop()
    return rows or ["  (nothing shown)"]


def py_spy() -> str | None:
    """The tool that looks into running programs: beside this Python, on the path, or nowhere."""
    beside_python = Path(sys.executable).with_name("py-spy")
    return str(beside_python) if beside_python.exists() else shutil.which("py-spy")


def _threads(pid: int) -> str:
    tool = py_spy()
    if tool is None:
        return "  (install py-spy to see this)"
    try:
        dump = subprocess.run(
            [tool, "dump", "--nonblocking", "--pid", str(pid)],
            capture_output=True,
            text=True,
            timeout=20,
        )
    except subprocess.TimeoutExpired:
        return "  (py-spy gave no answer)"
    # The first lines repeat the command; what interests starts with the first thread.
    start = dump.stdout.find("Thread ")
    return dump.stdout[start:].rstrip() if start >= 0 else f"  (py-spy: {dump.stderr.strip()})"
