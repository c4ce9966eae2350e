"""What a failed story says: all that is needed to see why, without running it again."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.graded import advice
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
class Shown:
    """A program of the story: its name there, whether it is the "server" or the "client", and whose folder it is of."""

    name: str
    program: Program
    role: str
    folder: Path | None
    """None: the reference's."""


@dataclass(frozen=True)
class Footer:
    """Where to look, and how to see it again."""

    stage: int
    tasks: tuple[str, ...]
    """The story's own task, and then those that it needs."""
    seed: int
    again: str
    hint: str = ""
    """The story's own, where its task is about something else."""


def report(steps: list[Step], unmet: Unmet, programs: list[Shown], frames: list[str], footer: Footer) -> str:
    """The story up to the step that failed, every screen, what passed on the wire, and how to run it again."""
    parts = ["", *_story(steps), "", f"expected: {unmet.expected}", f"but:      {unmet.instead}"]
    for each in programs:
        whose = f" (the reference's {each.role})" if each.folder is None else ""
        parts += ["", f"--- {each.name}{whose}: {condition(each.program)} ---", *_screen(each.program)]
    if frames:
        parts += ["", f"--- the last {len(frames)} lines of what passed on the wire ---", *frames]
    if unmet.hung:
        for each in _to_look_into(programs)[:MOST_STACKS]:
            parts += ["", f"--- where each thread of {each.name} stands ---", _threads(each.program.own_pid)]
    parts += ["", *_advice(programs, footer), f"seed: {footer.seed}", f"run just this again: {footer.again}"]
    return "\n".join(parts)


def _advice(programs: list[Shown], footer: Footer) -> list[str]:
    """What to do first: mend what broke; or the first task that is not done yet, or else the story's own."""
    from labkit.tasks import in_order, tasks  # late: it reads the stages' files

    if footer.tasks[0] not in tasks():
        return []
    folders = {each.folder for each in programs if each.folder}
    undone = {task for folder in folders for task in advice.undone(footer.stage, folder, footer.tasks)}
    first = min(undone, key=in_order, default="")
    said, at = _break(programs, footer.stage)
    if said and (not first or (at and at not in undone)):
        return [f"{said}. Mend that first.", *(_task(at, hint=False) if at else [])]
    # What broke where nothing has been done yet broke for want of it.
    done_first = _task(first, ", not done yet") if first else _own_task(footer)
    return [*([said] if said else []), *done_first]


def _own_task(footer: Footer) -> list[str]:
    """What the story is about; and why a check lists it at another task."""
    from labkit.tasks import in_order

    if footer.hint:
        return [f"hint: {footer.hint}", f"guide: labs/stage-{in_order(footer.tasks[0])[0]}.md"]
    own, last = footer.tasks[0], max(footer.tasks, key=in_order)
    listed = f"; this story is about it, and listed at {last}, which it needs too" if last != own else ""
    return _task(own, listed)


def _break(programs: list[Shown], stage: int) -> tuple[str, str]:
    """Which of the student's programs broke and where, and the task there; "" for what there is not."""
    for each in programs:
        if each.folder and (where := advice.broken(each.program.lines(), each.folder)):
            return f"Your {each.role} broke {where}", advice.task_at(stage, each.folder, where)
    return "", ""


def _task(number: str, state: str = "", *, hint: bool = True) -> list[str]:
    from labkit.tasks import tasks

    task = tasks()[number]
    return [
        f"task {number}: {task.title} ({', '.join(task.files)}){state}",
        *([f"hint: {task.hints[0]}"] if hint else []),
        f"guide: {task.anchor}",
    ]


def condition(program: Program) -> str:
    """Whether a program runs, or how it ended."""
    status = program.status
    if status is None:
        return f"runs (process {program.own_pid})"
    if status < 0:
        named = {each.value: each.name for each in signal.Signals}
        return f"was ended by {named.get(-status, f'signal {-status}')}"  # of the real-time signals two have a name
    return f"ended with exit status {status}"


def _story(steps: list[Step]) -> Iterable[str]:
    for step in steps:
        yield f"{step.number:3} {'✗' if step is steps[-1] else '✓'} {step.words}"


def _screen(program: Program) -> list[str]:
    rows = [f"  | {row}" for row in program.screen()]
    while rows and rows[-1] == "  | ":
        rows.pop()
    return rows or ["  (nothing shown)"]


def _to_look_into(programs: list[Shown]) -> list[Shown]:
    """What still runs of the student's; of the reference's only where nothing else is under test."""
    theirs = [each for each in programs if each.folder] or programs
    return [each for each in theirs if each.program.status is None]


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
    return stacks(dump.stdout) or f"  (py-spy: {dump.stderr.strip()})"


def stacks(dump: str) -> str:
    """What py-spy says of a program's threads, without what is ours; "" if it says nothing."""
    start = dump.find("Thread ")  # the lines before repeat the command
    if start < 0:
        return ""
    # The driver's own calls that make races certain are no place to look at.
    lines = [line for line in dump[start:].rstrip().splitlines() if "(sitecustomize.py:" not in line]
    if any("_shutdown (threading.py:" in line for line in lines):
        lines.append("The program wants to end, and waits for threads that are not daemon")
    return re.sub(r"(?m)^(Thread .*?) \(active(?:\+gil)?\)", r"\1 (busy, in a loop perhaps)", "\n".join(lines))
