"""One submission's grading as a piece of work that can be sent elsewhere: all it needs is in it."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock

from labkit.grade import programs
from labkit.grade.config import Config
from labkit.grade.result import Result, StageResult, Story
from labkit.grade.sandbox import CannotGrade, check_python, choose
from labkit.grade.session import Session, story_of
from labkit.grade.version import kit_version
from labkit.student import run
from labkit.student.stories import Told
from reference.printable import lines

# Held while pytest reads the tests: it does so in this process, and takes all that the process prints meanwhile.
_COLLECTING = Lock()

LONGEST_TEXT = 20_000
"""Characters of a failure's story that are kept."""


@dataclass(frozen=True)
class Job:
    """A submission, read, and how it is to be graded. It can be pickled."""

    key: str
    student: dict[str, str]
    submission: dict[str, object]
    files: dict[str, bytes]
    stages: list[int]
    config: Config
    seed: int
    sandbox: str
    kit: str
    fingerprint: str


def grade(job: Job) -> Result:
    """Grade it. Whatever goes wrong here is a result as well: a fault of ours, and no reason to end the class."""
    began = time.monotonic()
    result = Result(
        job.key, job.student, dict(job.submission), job.kit, job.seed, job.sandbox, job.fingerprint,
        datetime.now(UTC).isoformat(timespec="seconds"), 0.0, [],
    )  # fmt: skip
    try:
        _grade(job, result)
    except CannotGrade as error:
        result.fault = str(error)
    except Exception as error:
        result.fault = f"the grader itself went wrong: {type(error).__name__}: {error}"
    result.seconds = round(time.monotonic() - began, 1)
    return result


def _grade(job: Job, result: Result) -> None:
    if (here := kit_version()) != job.kit:
        raise CannotGrade(
            f"{platform.node()} has the kit {here}, the class is graded with {job.kit}: bring it up to date"
        )
    kind = choose(job.sandbox)
    if kind != "none":
        check_python()
    result.sandbox = kind
    found, where, problems = programs.find(job.files, job.stages)
    result.submission["problems"] = [*result.submission.get("problems", []), *problems]
    session = Session(
        found, job.seed, job.config.limits, kind, job.config.retries, job.config.networks, dict(job.config.points)
    )
    session.run()
    result.fault, result.out_of_time = session.fault, session.out_of_time
    for stage in job.stages:
        stories = [_clean(story) for story in session.stories.get(stage, {}).values()]
        if stage not in where:
            stories = [_absent(story, stage) for story in all_stories(stage, job.config)]
        elif not stories and session.out_of_time:
            stories = [_absent(story, stage, "out of time", "") for story in all_stories(stage, job.config)]
        elif not stories:
            stories = [_absent(story, stage, "not graded", session.fault) for story in all_stories(stage, job.config)]
        result.stages.append(StageResult(stage, where.get(stage, ""), stories))


def _absent(story: Story, stage: int, outcome: str = "failed", text: str = "") -> Story:
    for telling in story.tellings:
        telling.outcome, telling.text = outcome, text
    if outcome == "failed":
        story.tellings[0].text = f"There is no program of stage {stage} in this submission."
    return story


def all_stories(stage: int, config: Config) -> list[Story]:
    """A stage's stories, without telling them."""
    found: dict[str, Story] = {}
    for told in _collected(stage):
        if points := config.points_of(told.test.rpartition("::")[2], told.points):
            story_of(found, told.id, told.name, told.place, points, told.pair)
    return list(found.values())


def story_names(stage: int) -> set[str]:
    """What a stage's stories are called in the configuration."""
    return {told.test.rpartition("::")[2] for told in _collected(stage)}


def _collected(stage: int) -> list[Told]:
    with _COLLECTING:
        return _collected_once(stage)


@cache
def _collected_once(stage: int) -> list[Told]:
    return run.collect(run.Options(stage, Path("reference"), 0, own=True, server="absent", client="absent"))


def _clean(story: Story) -> Story:
    """What a program has printed is data: shown harmlessly in a terminal, a page or a table, and not without end."""
    for telling in story.tellings:
        text = telling.text[:LONGEST_TEXT] + ("\n…" if len(telling.text) > LONGEST_TEXT else "")
        telling.text = "\n".join(lines(line)[0] for line in text.split("\n"))
    return story
