"""Marks as the gradebooks of Canvas and Moodle import them, and as a plain table.

Canvas: the columns Student, ID, SIS User ID, SIS Login ID and Section as in its own export, then the assignment, called
as in its own export ("Lab 1 (12345)"); a line "Points Possible" below the head.
Moodle: the offline grading worksheet as it was downloaded, with Grade and Feedback comments filled in. It finds
students by Identifier, and leaves out a line whose Last modified (grade) is older than what it has, so that is left as
it was.

Spreadsheets take a cell that begins with =, +, -, @, a tab or a return for a formula (OWASP, CSV injection): such cells
get an apostrophe before them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from labkit.grade.config import Config
from labkit.grade.result import Result
from labkit.grade.roster import Roster

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE = (
    "Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade", "Grade can be changed",
    "Last modified (submission)", "Last modified (grade)", "Feedback comments",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def canvas(results: list[Result], config: Config, people: Roster) -> str:
    """For Canvas: everyone of the roster, those without a mark with an empty cell, which it leaves alone."""
    assignment = config.canvas.assignment or next(
        (name for name in people.head if name.startswith(f"{config.title} (")), config.title
    )
    rows = [{"Student": "    Points Possible", assignment: _number(config.out_of, config)}]
    for result, row in _with_rows(results, people, people.kind == "canvas"):
        about = {name: row.get(name, "") for name in CANVAS}
        if people.kind != "canvas":
            about |= {
                "Student": row.get("name", ""),
                "SIS Login ID": row.get("email", ""),
                "SIS User ID": row.get("id", ""),
            }
            if row.get("id", "").isdigit():  # Canvas's own number, from the names of the files
                about |= {"ID": row["id"], "SIS User ID": ""}
        rows.append({**about, assignment: _mark(result, config)})
    return _csv([*CANVAS, assignment], rows)


def moodle(results: list[Result], config: Config, people: Roster) -> str:
    """For Moodle: the worksheet again, or with the columns of one."""
    head = people.head if people.kind == "moodle" else list(MOODLE)
    rows = []
    for result, row in _with_rows(results, people, people.kind == "moodle"):
        about = dict(row)
        if people.kind != "moodle":
            number = row.get("id", "")
            about = {
                "Identifier": f"Participant {number}" if number.isdigit() else number,
                "Full name": row.get("name", ""), "Email address": row.get("email", ""), "Grade can be changed": "Yes",
            }  # fmt: skip
            about["Maximum Grade"] = _number(config.out_of, config)
        about["Grade"] = _mark(result, config)
        if result is not None and "Feedback comments" in head:
            about["Feedback comments"] = feedback(result)
        rows.append(about)
    return _csv(head, rows)


def plain(results: list[Result], config: Config) -> str:
    """A line a student, a column a task."""
    tasks = list(dict.fromkeys(task for result in results for stage in result.stages for task in stage.tasks))
    head = ["key", "name", "id", "email", "mark", "out of", "days late", "override", *tasks]
    rows = []
    for result in results:
        of_task = {
            task: sum(story.points for story in stage.of_task(task) if story.outcome == "passed")
            for stage in result.stages
            for task in stage.tasks
        }
        override = result.mark.get("override") or {}
        rows.append(
            {
                "key": result.key, **result.student, "mark": _mark(result, config),
                "out of": _number(config.out_of, config), "days late": str(result.mark.get("days_late", 0)),
                "override": override.get("reason", ""), **{task: str(earned) for task, earned in of_task.items()},
            }
        )  # fmt: skip
    return _csv(head, rows)


def feedback(result: Result) -> str:
    """A student's result in a few lines, without anything that a program has printed."""
    parts = [f"Stage {stage.stage}: {stage.earned} of {stage.points} points" for stage in result.stages]
    for stage in result.stages:
        short = [task for task in stage.tasks if any(story.outcome == "failed" for story in stage.of_task(task))]
        if short:
            parts.append(f"falls short at {', '.join(short)}")
    if days := result.mark.get("days_late"):
        parts.append(f"{days} days late: {result.mark['kept_percent']:g}% counts")
    if override := result.mark.get("override"):
        parts.append(f"mark set by the instructor: {override['reason']}")
    return "; ".join(parts)


def _with_rows(results: list[Result], people: Roster, use_rows: bool) -> Iterable[tuple[Result | None, dict[str, str]]]:
    """Each result with the roster's row of that student; then those who have handed in nothing."""
    left = list(results)
    for person in people.people:
        mine = next(
            (each for each in left if {each.student["id"].casefold(), each.student["email"].casefold()} & person.ids),
            None,
        )
        mine = mine or next((each for each in left if person.name and each.student["name"] == person.name), None)
        if mine is not None:
            left.remove(mine)
        yield mine, person.row if use_rows else {"name": person.name, "id": person.id, "email": person.email}
    for result in left:
        name = "Student" if use_rows and people.kind == "canvas" else "Full name" if use_rows else "name"
        yield result, {name: result.name, "id": result.student["id"], "email": result.student["email"]}


def _mark(result: Result | None, config: Config) -> str:
    mark = result.mark.get("mark") if result is not None else None
    return "" if mark is None else _number(mark, config)


def _number(value: float, config: Config) -> str:
    return f"{value:.{config.decimals}f}".rstrip("0").rstrip(".") if config.decimals else f"{value:.0f}"


def _csv(head: list[str], rows: Iterable[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    writer.writerow([harmless(name) for name in head])
    for row in rows:
        writer.writerow([harmless(row.get(name, "")) for name in head])
    return out.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(cell)
    if text == "-":  # Moodle's own way to say nothing
        return text
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
