"""The class's page: marks, students and tasks, the commonest failures, times, and on top what could not be graded."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any

from labkit.grade.config import Config
from labkit.grade.reports import charts
from labkit.grade.reports.pages import render
from labkit.grade.result import Result
from labkit.grade.roster import Roster
from labkit.tasks import in_order, tasks

MOST_FAILURES = 20
MOST_NAMES = 8


def html(results: list[Result], config: Config, people: Roster) -> str:
    """The page."""
    by_name = sorted(results, key=lambda result: result.name.casefold())
    marks = [result.mark["mark"] for result in results if result.mark["mark"] is not None]
    failures = _failures(results)
    stages = sorted({stage.stage for result in results for stage in result.stages})
    pictures = {
        "marks": charts.distribution(marks, config.out_of),
        "heat": charts.heat_map(by_name, _tasks(results)),
        "failures": charts.failures([(each["task"], each["title"], each["count"]) for each in failures[:10]]),
        "times": charts.times([result.seconds for result in results]),
    }
    return render(
        "class.html.j2", config=config, count=len(results), charts=pictures, failures=failures, stages=stages,
        rows=[_row(result, stages) for result in by_name], open=[_open(each) for each in by_name if _is_open(each)],
        missing=_missing(results, people), foot=_foot(results),
        median=statistics.median(marks) if marks else None, mean=statistics.fmean(marks) if marks else None,
        lowest=min(marks, default=None), highest=max(marks, default=None),
    )  # fmt: skip


def _is_open(result: Result) -> bool:
    return bool(result.fault or result.not_graded)


def _open(result: Result) -> dict[str, str]:
    if result.fault:
        why = result.fault.splitlines()[0]
    else:
        first = result.not_graded[0]
        text = first.text.strip().splitlines()
        why = f"{len(result.not_graded)} stories could not be run ({first.title}: {text[0] if text else 'no reason'})"
    return {"key": result.key, "name": result.name, "why": why[:400]}


def _tasks(results: list[Result]) -> list[str]:
    found = {task for result in results for stage in result.stages for task in stage.tasks}
    return sorted(found, key=in_order)


def _failures(results: list[Result]) -> list[dict[str, Any]]:
    who: dict[str, list[Result]] = defaultdict(list)
    stories = {}
    for result in results:
        for stage in result.stages:
            for story in stage.stories:
                if story.outcome == "failed" and stage.folder:
                    who[story.test].append(result)
                    stories[story.test] = story
    commonest = sorted(who, key=lambda test: (-len(who[test]), in_order(stories[test].task), test))[:MOST_FAILURES]
    return [
        {
            "task": f"{stories[test].task} {tasks()[stories[test].task].title}", "title": stories[test].title,
            "count": len(who[test]), "who": [{"key": each.key, "name": each.name} for each in who[test][:MOST_NAMES]],
        }
        for test in commonest
    ]  # fmt: skip


def _row(result: Result, stages: list[int]) -> dict[str, Any]:
    notes = []
    if override := result.mark.get("override"):
        notes.append(f"set: {override['reason']}")
    if _is_open(result):
        notes.append("not graded")
    if result.out_of_time:
        notes.append("out of time")
    if problems := len(result.submission["problems"]):
        notes.append(f"{problems} problem{'s' if problems > 1 else ''} in the submission")
    earned = {stage.stage: f"{stage.earned} of {stage.points}" for stage in result.stages}
    return {
        "key": result.key, "name": result.name, "mark": result.mark["mark"], "late": result.mark["days_late"],
        "seconds": result.seconds, "notes": "; ".join(notes), "stages": [earned.get(stage, "") for stage in stages],
    }  # fmt: skip


def _missing(results: list[Result], people: Roster) -> list[str]:
    there = {known.casefold() for result in results for known in (*result.student.values(), result.key) if known}
    return [
        person.name or person.id or person.email
        for person in people.people
        if not (person.ids & there) and person.name.casefold() not in there
    ]


def _foot(results: list[Result]) -> str:
    kits, seeds = sorted({result.kit for result in results}), sorted({result.seed for result in results})
    words = f"Kit {', '.join(kits)}; seed {', '.join(map(str, seeds))}."
    if len(kits) > 1 or len(seeds) > 1:
        words += " More than one kit or seed: these marks are not comparable; grade again with an empty OUT."
    return words
