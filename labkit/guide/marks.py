"""What the marks in the guide's pages stand for: code, diffs, recordings and figures, each from its source.

A mark is an HTML comment on a line of its own:

- ``<!-- task 3.2 -->``: what the task's regions ask for and, folded, one way to do it
- ``<!-- diff 3 -->``: all that stage 3 adds, folded
- ``<!-- tasks -->``: every task with its points
- ``<!-- code reference/room.py Room.say -->``: a function, a class or a constant of a file, as it stands there
- ``<!-- recording stage-1 What it shows -->``: a terminal recording, which the page plays
- ``<!-- diagram stage-1 -->``: a sequence diagram of a recorded session
- ``<!-- screen one-recv -->``: what a program printed, recorded
- ``<!-- figures benchmarks.md Goals | fan-out -->``: of a result file, a section's table, or its rows with these words
- ``<!-- chart fan-out.svg What it shows -->``: a result's picture
- ``<!-- results matrix.md -->``: a result file as a whole
- ``<!-- licences -->``: what of others the site carries
- ``<!-- run ... -->``: the next block is run by `make check-docs` (see follow.py); nothing is shown for it

What is named and not there fails the build, but for figures: these are measured, and a checkout may have none.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

from labkit import ladder
from labkit.guide import results, sections, vendor
from labkit.student.diff import unified
from labkit.tasks import regions_of, tasks

RECORDINGS = ladder.ROOT / "labs" / "recordings"

_MARK = re.compile(r"^(?P<indent> *)<!-- (?P<what>[a-z]+)(?: (?P<rest>.*?))? -->$", re.MULTILINE)


def without_solutions() -> bool:
    """Whether this is the students' guide (``GUIDE_FOR=students``): tasks and pages, but no solutions."""
    return os.environ.get("GUIDE_FOR") == "students"


def put_in(markdown: str) -> str:
    """A page with what its marks stand for. Raises LookupError, which says what is missing."""
    return _MARK.sub(_put_in, markdown)


def _put_in(mark: re.Match[str]) -> str:
    make = _MAKERS.get(mark["what"])
    if make is None:
        raise LookupError(f"{mark[0]}: there is no such mark: it is one of {', '.join(_MAKERS)}")
    try:
        made = make(mark["rest"] or "")
    except LookupError as error:
        raise LookupError(f"{mark[0].strip()}: {error.args[0]}") from None
    return "\n".join(f"{mark['indent']}{line}" if line else "" for line in made.split("\n"))


def _task(number: str) -> str:
    if number not in tasks():
        raise LookupError("there is none of that number, see stages/tasks.toml")
    found = regions_of(number)
    asked = [f"- `{name}`: {region.prompt}" for name, region in found]
    if without_solutions():
        return "\n".join([*asked, ""])
    ways = [
        code("python", "\n".join(_unindented(region.solution)), f"{name}, {region.prompt}") for name, region in found
    ]
    return "\n".join([*asked, "", '??? example "One way to do it"', "", _indented("\n\n".join(ways)), ""])


def _diff(stage: str) -> str:
    if not stage.isdecimal() or int(stage) not in ladder.STAGES:
        raise LookupError("there is no such stage")
    if without_solutions():
        return f"`make diff STAGE={stage}` shows all that the stage adds, once your course has handed it out."
    text = code("diff", "\n".join(unified(int(stage))))
    return f'??? example "All that stage {stage} adds"\n\n{_indented(text)}\n'


def _tasks(_: str) -> str:
    from labkit.guide import points  # late: reads all tests

    lines = ["| task | | files | stories | points |", "|---|---|---|---|---|"]
    worth = points.by_task()
    for number, task in tasks().items():
        stories, so_many = worth.get(number, (0, 0))
        link = f"[{number}]({Path(task.anchor).relative_to('labs')})"
        names = ", ".join(f"`{name}`" for name in task.files)
        lines.append(f"| {link} | {task.title} | {names} | {stories} | {so_many} |")
    total = sum(so_many for _, so_many in worth.values())
    return "\n".join([*lines, f"| | all | | {sum(count for count, _ in worth.values())} | {total} |", ""])


def _code(rest: str) -> str:
    path, _, name = rest.partition(" ")
    return code("python", sections.section(path, name, blanked=without_solutions()), path)


def _recording(rest: str) -> str:
    name, _, title = rest.partition(" ")
    _recorded(f"{name}.cast")
    # Filled once the page is HTML (hook.py): Markdown would take a terminal's characters for its own.
    return f'<figure class="cast" data-cast="{name}"><figcaption>{title}</figcaption></figure>\n'


def _diagram(name: str) -> str:
    return f"{_recorded(f'{name}.mermaid')}\n"


def _screen(name: str) -> str:
    return code("text", _recorded(f"{name}.txt").rstrip())


def _licences(_: str) -> str:
    lines = ["| what | version | licence |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {each.name} | {each.version} | {each.licence} |" for each in vendor.carried()), ""])


def _recorded(name: str) -> str:
    try:
        return (RECORDINGS / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LookupError(f"there is no labs/recordings/{name}: make recordings") from None


_MAKERS: dict[str, Callable[[str], str]] = {
    "task": _task,
    "diff": _diff,
    "tasks": _tasks,
    "code": _code,
    "recording": _recording,
    "diagram": _diagram,
    "screen": _screen,
    "figures": results.table,
    "chart": results.chart,
    "results": results.whole,
    "licences": _licences,
    "run": lambda _: "",
}


def code(language: str, text: str, title: str = "") -> str:
    """A block of code as Markdown has it."""
    # Four backticks, so that three of them in the code do not end it.
    titled = f' title="{title}"' if title else ""
    return f"````{language}{titled}\n{text}\n````"


def _unindented(lines: tuple[str, ...]) -> list[str]:
    shift = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    return [line[shift:] for line in lines]


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.split("\n"))
