"""A student's page, and the same as Markdown: stories, screens and points by task. What is hidden stays so."""

from __future__ import annotations

import re
from typing import Any

from labkit.grade.config import Config
from labkit.grade.reports.pages import number, render
from labkit.grade.result import Result, StageResult, Story
from labkit.student.verdict import whose_fault
from labkit.tasks import tasks

SIGNS = {"passed": ("✓", "good"), "failed": ("✗", "bad"), "not graded": ("–", "warn")}


def html(result: Result, config: Config, due_over: bool) -> str:
    """The page."""
    return render(
        "student.html.j2", result=result, config=config, mark=result.mark, open=len(result.not_graded),
        stages=[_stage(stage, config, due_over) for stage in result.stages],
    )  # fmt: skip


def _stage(stage: StageResult, config: Config, due_over: bool) -> dict[str, Any]:
    listed = [_task(number, stage.of_task(number), config, due_over) for number in stage.tasks]
    return {
        "number": stage.stage, "folder": stage.folder, "earned": stage.earned, "points": stage.points, "tasks": listed
    }  # fmt: skip


def _task(number: str, stories: list[Story], config: Config, due_over: bool) -> dict[str, Any]:
    shown = [story for story in stories if is_shown(story, config, due_over)]
    hidden = [story for story in stories if story not in shown]
    return {
        "number": number, "title": tasks()[number].title, "stories": [_story(story) for story in shown],
        "earned": _earned(stories), "points": _points(stories),
        "hidden": len(hidden), "hidden_earned": _earned(hidden), "hidden_points": _points(hidden),
    }  # fmt: skip


def is_shown(story: Story, config: Config, due_over: bool) -> bool:
    """Whether a student may see what a story is about."""
    visibility = config.visibility_of(story.test)
    return visibility == "visible" or (visibility == "after_due" and due_over)


def _story(story: Story) -> dict[str, Any]:
    sign, colour = SIGNS[story.outcome]
    return {
        "title": story.title, "about": story.about, "outcome": story.outcome, "text": story.text.strip("\n"),
        "sign": sign, "colour": colour, "points": story.points, "earned": _earned([story]),
        "more": ", could not be run" if story.outcome == "not graded" else "", "whose": _whose(story),
    }  # fmt: skip


def _whose(story: Story) -> str:
    """Which half is broken, as far as the tellings show."""
    return whose_fault((telling.pair, telling.outcome, telling.text) for telling in story.tellings)


def _earned(stories: list[Story]) -> int:
    return sum(story.points for story in stories if story.outcome == "passed")


def _points(stories: list[Story]) -> int:
    return sum(story.points for story in stories)


def markdown(result: Result, config: Config, due_over: bool) -> str:
    """The same, for whoever reads in a terminal or pastes it into a message."""
    mark = result.mark
    shown = "not graded yet" if mark["mark"] is None else f"{number(mark['mark'])} of {number(mark['out_of'])}"
    parts = [f"# {plain(config.title)}", plain(result.name), f"**{shown}**"]
    if override := mark.get("override"):
        parts.append(f"This mark was set by the instructor: {plain(override['reason'])}")
    if mark["days_late"]:
        parts.append(
            f"{mark['days_late']} days late: {number(mark['kept_percent'])}% of {number(mark['earned'])} counts."
        )
    if result.fault or result.not_graded:
        parts.append("Not everything could be graded, which is not your fault; it will be graded again.")
    if result.out_of_time:
        parts.append("The time for this submission was over before all was told. What had passed by then counts.")
    parts += [f"- {plain(problem)}" for problem in result.submission["problems"]]
    for stage in (_stage(each, config, due_over) for each in result.stages):
        parts.append(f"## Stage {stage['number']}: {stage['earned']} of {stage['points']} points")
        for task in stage["tasks"]:
            parts.append(f"### {task['number']} {plain(task['title'])}: {task['earned']} of {task['points']}")
            for story in task["stories"]:
                parts.append(f"- {story['sign']} {plain(story['title'])} ({story['earned']} of {story['points']})")
                if story["outcome"] != "passed" and story["text"]:
                    parts.append(_block(story["text"]))
            if task["hidden"]:
                parts.append(
                    f"- {task['hidden']} that are not shown ({task['hidden_earned']} of {task['hidden_points']})"
                )
    parts.append(f"Graded {result.graded} with kit {result.kit}, seed {result.seed}.")
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Text in which Markdown finds no mark-up, and a browser that shows it no tag."""
    text = re.sub(r"([\\`*_{}\[\]()#+!|~$^])", r"\\\1", " ".join(text.split()))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _block(text: str) -> str:
    """Text as it is. The fence is longer than any within, so that nothing in it can end it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
