"""The one result model: what came of each story of a submission. All reports are made from it.

On disk it is JSON, described by result.schema.json beside this file. `SCHEMA` goes up with every change that a reader
of an older file must know of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from labkit.tasks import tasks

SCHEMA = 1


@dataclass
class Telling:
    """A story told once: by one pair of server and client, on one network.

    `outcome` is "passed"; "failed"; "spared", when the story had failed on another network already; "out of time", when
    the submission's time was over; or "not graded", when it could not be run through no fault of the submission.
    """

    id: str
    name: str
    pair: str
    network: str
    outcome: str = ""
    seconds: float = 0.0
    text: str = ""


@dataclass
class Story:
    """A test, with all that was told of it. It earns its points when it passes however it is told."""

    test: str
    task: str
    points: int
    about: str
    tellings: list[Telling]

    @property
    def outcome(self) -> str:
        """ "passed", "failed" or "not graded"."""
        if self.has_failed:
            return "failed"
        return "passed" if {telling.outcome for telling in self.tellings} == {"passed"} else "not graded"

    @property
    def has_failed(self) -> bool:
        """Whether its points are lost for good."""
        return any(telling.outcome in ("failed", "out of time") for telling in self.tellings)

    @property
    def text(self) -> str:
        """The story of the failure that says most: on the plain network, with the reference on one side."""
        failed = [each for each in self.tellings if each.text]
        first = min(failed, key=lambda each: (each.pair == "both-yours", each.network != "direct"), default=None)
        return first.text if first else ""

    @property
    def title(self) -> str:
        """Its name as a person reads it."""
        return self.test.removeprefix("test_").replace("_", " ")


@dataclass
class StageResult:
    """What came of one stage. `folder` is where in the submission it was found; empty if it was not."""

    stage: int
    folder: str
    stories: list[Story]

    @property
    def earned(self) -> int:
        """Points."""
        return sum(story.points for story in self.stories if story.outcome == "passed")

    @property
    def points(self) -> int:
        """Points that there are."""
        return sum(story.points for story in self.stories)

    def of_task(self, number: str) -> list[Story]:
        """The stories of one task."""
        return [story for story in self.stories if story.task == number]

    @property
    def tasks(self) -> list[str]:
        """The tasks that have stories, in order."""
        wanted = {story.task for story in self.stories}
        return [number for number in tasks() if number in wanted]


@dataclass
class Result:
    """What came of one submission."""

    key: str
    student: dict[str, str]  # name, id, email: as far as known
    submission: dict[str, Any]  # file, sha256, submitted (ISO 8601), late (as the platform says), problems
    kit: str
    seed: int
    sandbox: str
    fingerprint: str
    graded: str  # when, ISO 8601
    seconds: float
    stages: list[StageResult]
    fault: str = ""  # what went wrong on our side
    out_of_time: bool = False
    mark: dict[str, Any] = field(default_factory=dict)  # set by marks.py, from this and the configuration

    @property
    def stories(self) -> Iterable[Story]:
        """All of them."""
        return (story for stage in self.stages for story in stage.stories)

    @property
    def not_graded(self) -> list[Story]:
        """Those that could not be run."""
        return [story for story in self.stories if story.outcome == "not graded"]

    @property
    def name(self) -> str:
        """What to call the student."""
        return self.student.get("name") or self.student.get("id") or self.key

    @property
    def submitted(self) -> datetime | None:
        """When it was handed in, if that is known."""
        said = self.submission.get("submitted")
        return datetime.fromisoformat(said) if said else None

    def to_json(self) -> dict[str, Any]:
        """As it is written."""
        data = asdict(self)
        for stage, written in zip(self.stages, data["stages"], strict=True):
            written["points"], written["earned"] = stage.points, stage.earned
            for story, told in zip(stage.stories, written["stories"], strict=True):
                told["outcome"] = story.outcome
        return {"schema": SCHEMA, **data}


def from_json(data: dict[str, Any]) -> Result:
    """Read what `to_json` has written. Raises ValueError for another version or what is no result."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"it is no result of version {SCHEMA}")
    try:
        stages = [
            StageResult(
                stage["stage"],
                stage["folder"],
                [
                    Story(
                        story["test"],
                        story["task"],
                        story["points"],
                        story["about"],
                        [Telling(**telling) for telling in story["tellings"]],
                    )
                    for story in stage["stories"]
                ],
            )
            for stage in data["stages"]
        ]
        rest = {name: value for name, value in data.items() if name not in ("schema", "stages")}
        return Result(stages=stages, **rest)
    except (KeyError, TypeError) as error:
        raise ValueError(f"it lacks something: {error}") from None
