"""What the student's commands have in common on their command lines."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from labkit import ladder
from labkit.tasks import Task, tasks

WORK = Path("work")
LONGEST_WAIT = 3600


def stage(text: str) -> int:
    """A stage's number, or a mistake that names those there are."""
    if text not in map(str, ladder.STAGES):
        raise argparse.ArgumentTypeError(f"there is no stage {text}: it is one of {_listed(ladder.STAGES)}")
    return int(text)


def task(text: str) -> Task:
    """A task, or a mistake that names those there are."""
    if text not in tasks():
        same_stage = [number for number in tasks() if number.split(".")[0] == text.split(".")[0]]
        raise argparse.ArgumentTypeError(f"there is no task {text}: it is one of {_listed(same_stage or tasks())}")
    return tasks()[text]


def seconds(text: str) -> float:
    """A time to wait, or a mistake that says what one is."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number <= LONGEST_WAIT:  # nor is `nan`
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds, above 0 and up to {LONGEST_WAIT}")
    return number


def folder_of(stage: int) -> Path:
    """Where a student works on a stage unless they say otherwise."""
    return WORK / ladder.STAGES[stage].name


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names))
