"""The tasks of the ladder: what each is called, where it is, and the hints for it.

Titles and hints are in ``stages/tasks.toml``; prompts and files come from the regions in the stages' files.
"""

import tomllib
from dataclasses import dataclass
from functools import cache

from labkit import ladder, regions


@dataclass(frozen=True)
class Task:
    """One thing to do. ``prompts`` has what each of its regions asks for, ``hints`` go from gentle to plain."""

    number: str
    title: str
    prompts: tuple[str, ...]
    hints: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def stage(self) -> int:
        """The stage it belongs to."""
        return int(self.number.split(".")[0])

    @property
    def prompt(self) -> str:
        """What is to be done, in one line."""
        return "; ".join(self.prompts)

    @property
    def anchor(self) -> str:
        """Where the guide tells about it."""
        return f"labs/stage-{self.stage}.md#task-{self.number.replace('.', '-')}"


@cache
def tasks() -> dict[str, Task]:
    """All tasks in order, by their number."""
    toml = tomllib.loads((ladder.ROOT / "stages" / "tasks.toml").read_text(encoding="utf-8"))
    found = {}
    for number, said in sorted(toml.items(), key=lambda item: in_order(item[0])):
        at = regions_of(number)
        found[number] = Task(
            number,
            said["title"],
            tuple(region.prompt for _, region in at),
            tuple(said["hints"]),
            tuple(dict.fromkeys(name for name, _ in at)),
        )
    return found


def of_stage(stage: int) -> list[Task]:
    """A stage's tasks, in the order in which they are to be done."""
    return [task for task in tasks().values() if task.stage == stage]


def regions_of(number: str) -> list[tuple[str, regions.Region]]:
    """The regions of a task, each with the name of its file."""
    found = []
    for name, source in ladder.sources(in_order(number)[0]).items():
        found += [(name, region) for region in regions.regions(source) if region.task == number]
    return found


def in_order(number: str) -> tuple[int, int]:
    """A task's number as what sorts right: 1.10 comes after 1.9."""
    stage, task = number.split(".")
    return int(stage), int(task)
