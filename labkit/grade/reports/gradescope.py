"""Gradescope's results.json (gradescope-autograders.readthedocs.io, Autograder Specifications)."""

from __future__ import annotations

from typing import Any

from labkit.grade.config import Config
from labkit.grade.reports.gradebook import feedback
from labkit.grade.result import Result

VISIBILITY = {"visible": "visible", "hidden": "hidden", "after_due": "after_due_date"}


def document(result: Result, config: Config) -> dict[str, Any]:
    """The file: a test for each story. Only for a result that has a mark: Gradescope has no other word than a score.

    Lateness is left to Gradescope, which has its own policy.
    """
    tests = []
    for stage in result.stages:
        for story in stage.stories:
            tests.append(
                {
                    "name": f"{story.task} {story.title}",
                    "number": story.task,
                    "score": story.points if story.outcome == "passed" else 0,
                    "max_score": story.points,
                    "status": "passed" if story.outcome == "passed" else "failed",
                    "output": story.text or "",
                    "output_format": "text",
                    "tags": [f"stage {stage.stage}", story.outcome],
                    "visibility": VISIBILITY[config.visibility_of(story.test)],
                }
            )
    document: dict[str, Any] = {
        "execution_time": max(1, round(result.seconds)),
        "output": feedback(result),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {"seed": result.seed, "kit": result.kit, "sandbox": result.sandbox},
    }
    mark = result.mark.get("earned", 0)
    if override := result.mark.get("override"):
        mark = override["mark"]
    document["score"] = mark
    return document
