"""The stages' own mark-up: what a stage adds to the one before it, and which task that is.

In a stage's files stand regions::

    # BEGIN SOLUTION 3.2 Answer who asks for a piece of a file
    ... the lines that this stage adds ...
    # WAS: the line of the stage before that they replace
    # END SOLUTION

A file that the stage before does not have begins with ``# NEW IN STAGE 3``: it is new as a whole, and its regions only
say which task is where. From this one rule come the starter (the regions blanked), the stage before (the regions taken
out) and the finished program (the marks taken out).
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_BEGIN = re.compile(r"(?P<indent>\s*)# BEGIN SOLUTION (?P<task>\d+\.\d+) (?P<prompt>.+)")
_WAS = re.compile(r"(?P<indent>\s*)# WAS: ?(?P<line>.*)")
_END = re.compile(r"\s*# END SOLUTION")
_NEW = re.compile(r"# NEW IN STAGE \d+")


class BadMarks(Exception):
    """A stage's file is not marked as it must be; the text says where, and how to mend it."""


@dataclass(frozen=True)
class Region:
    """Lines that one task adds. ``first`` is the number of the line of its BEGIN mark, counted from 1."""

    task: str
    prompt: str
    indent: str
    solution: tuple[str, ...]
    was: tuple[str, ...]
    first: int


def parse(source: str) -> list[str | Region]:
    """A file as the lines outside of regions, and the regions. Raises BadMarks."""
    parts: list[str | Region] = []
    lines = enumerate(source.splitlines(), start=1)
    for number, line in lines:
        begin = _BEGIN.fullmatch(line)
        if begin:
            parts.append(_region(begin, number, lines))
        elif _WAS.fullmatch(line) or _END.fullmatch(line) or "BEGIN SOLUTION" in line:
            raise BadMarks(
                f"line {number}: {line.strip()!r} stands outside of a region: write # BEGIN SOLUTION 1.2 Prompt"
            )
        else:
            parts.append(line)
    return parts


def _region(begin: re.Match[str], first: int, lines: Iterator[tuple[int, str]]) -> Region:
    solution: list[str] = []
    was: list[str] = []
    for number, line in lines:
        if _END.fullmatch(line):
            return Region(begin["task"], begin["prompt"], begin["indent"], tuple(solution), tuple(was), first)
        if _BEGIN.fullmatch(line):
            raise BadMarks(f"line {number}: a region begins inside the one from line {first}: end that first")
        replaced = _WAS.fullmatch(line)
        if replaced:
            was.append(replaced["indent"] + replaced["line"] if replaced["line"] else "")
        elif was:
            raise BadMarks(f"line {number}: WAS lines come last in a region")
        else:
            solution.append(line)
    raise BadMarks(f"line {first}: this region has no # END SOLUTION")


def regions(source: str) -> list[Region]:
    """The regions of a file, in its order."""
    return [part for part in parse(source) if isinstance(part, Region)]


def is_new(source: str) -> bool:
    """Whether the stage before does not have this file."""
    return bool(_NEW.match(source))


def solution(source: str) -> str:
    """The finished file, without marks."""
    return _render(source, lambda region: list(region.solution))


def stage_before(source: str) -> str | None:
    """The file as the stage before has it, without marks; None if it has none."""
    return None if is_new(source) else _render(source, lambda region: list(region.was))


def starter(source: str, done: frozenset[str] = frozenset()) -> str:
    """The file as a student gets it: each task a prompt to fill in, but for those that are ``done``."""

    def blank(region: Region) -> list[str]:
        if region.task in done:
            return list(region.solution)
        blank_after = list(itertools.takewhile(lambda line: not line, reversed(region.solution)))
        return [f"{region.indent}# TASK {region.task}: {region.prompt}", *region.was, *blank_after]

    return _render(source, blank)


def _render(source: str, lines_of: Callable[[Region], list[str]]) -> str:
    lines: list[str] = []
    for part in parse(source):
        lines.extend(lines_of(part) if isinstance(part, Region) else [part])
    if lines and _NEW.match(lines[0]):
        del lines[0]
    return "\n".join(lines) + "\n"
