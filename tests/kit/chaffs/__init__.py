"""Chaffs: the stages' solutions with one plausible student bug each. The stories must catch every one of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module

from labkit import ladder


@dataclass(frozen=True)
class Chaff:
    """One small change to a stage's solution, what is wrong with it, and the task whose stories must catch it."""

    name: str
    task: str
    bug: str
    changes: tuple[tuple[str, str, str], ...]
    """Each is a file, what stands there, and what the student wrote instead."""

    @property
    def stage(self) -> int:
        """The stage that it is a change to."""
        return int(self.task.split(".")[0])

    def files(self) -> dict[str, str]:
        """The stage's solution with this bug. Raises ValueError when what is to be changed is not there just once."""
        files = ladder.solution(self.stage)
        for name, right, wrong in self.changes:
            if files[name].count(right) != 1:
                raise ValueError(
                    f"chaff {self.name}: this stands {files[name].count(right)} times in stage {self.stage}'s {name}, "
                    f"not once: mend the chaff in tests/kit/chaffs/stage_{self.stage}.py\n{right}"
                )
            files[name] = files[name].replace(right, wrong)
        return files


def chaff(name: str, task: str, bug: str, *changes: tuple[str, str, str]) -> Chaff:
    """A chaff, as the tables write it."""
    return Chaff(name, task, bug, changes)


@cache
def chaffs() -> tuple[Chaff, ...]:
    """All of them, stage by stage."""
    found: list[Chaff] = []
    for stage in (1, 2, 3, 5):
        found += import_module(f"tests.kit.chaffs.stage_{stage}").CHAFFS
    return tuple(found)
