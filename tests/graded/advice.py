"""Where a failed story sends its reader: to the task that is not done yet, or to the line where a program broke."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labkit import ladder

_PLACE = re.compile(r'  File "(?P<path>.+?)", line (?P<line>\d+)')
# With a colon, a dot or such an end: others print names and texts of people meanwhile.
_ERROR = re.compile(r"(?P<name>[A-Za-z_][\w.]*)(?:: .*|(?<=Error|rrupt|ption))|[A-Za-z_]\w*\.[\w.]+")
_DEF = re.compile(r"(?P<indent> *)def (?P<name>\w+)")
_MARK = re.compile(r"(?P<indent> *)# TASK (?P<task>\d+\.\d+):")


@dataclass(frozen=True)
class Break:
    """A traceback: its last line, and the deepest place in the student's own files (none: line 0)."""

    error: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"at {self.file} line {self.line}: {self.error}" if self.file else f"with {self.error}"


def broken(lines: Iterable[str], folder: Path) -> Break | None:
    """The first traceback that a program has shown: what comes after it is often its consequence."""
    inside, file, number = False, "", 0
    for line in lines:
        if place := _PLACE.match(line):
            inside = True
            name = Path(place["path"]).name
            if (folder / name).is_file():
                file, number = name, int(place["line"])
        elif inside and (error := _ERROR.fullmatch(line)):
            if error["name"] != "KeyboardInterrupt":  # a Ctrl-C of the story's: nothing has broken
                return Break(line, file, number)
            inside, file, number = False, "", 0
    return None


def undone(stage: int, folder: Path, tasks: Iterable[str]) -> list[str]:
    """Which of these tasks are still as the starter has them.

    A mark alone says nothing: many leave it above what they have written. So the line below it counts as well.
    """
    blank: set[str] = set()
    for name, text in ladder.starter(stage).items():
        for pair in set(itertools.pairwise(text.splitlines())) & set(itertools.pairwise(_lines(folder / name))):
            if mark := _MARK.match(pair[0]):
                blank.add(mark["task"])
    return [task for task in tasks if task in blank]


def task_at(stage: int, folder: Path, where: Break) -> str:
    """The task whose mark the starter has in the function that broke; "" if none is there."""
    before = [found["name"] for line in _lines(folder / where.file)[: where.line] if (found := _DEF.match(line))]
    function, indent = "", 0
    for line in ladder.starter(stage).get(where.file, "").splitlines():
        if found := _DEF.match(line):
            function, indent = found["name"], len(found["indent"])
        elif (mark := _MARK.match(line)) and len(mark["indent"]) > indent and before[-1:] == [function]:
            return mark["task"]
    return ""


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
