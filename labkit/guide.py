"""A hook of mkdocs: the guide's code is cut from the stages' own files when the site is built, so it cannot go stale.

In a page, a line ``<!-- task 3.2 -->`` stands for what the task's regions ask for and, folded, one way to do it;
``<!-- diff 3 -->`` for all that stage 3 adds, folded.
"""

import re
from typing import Any

from mkdocs.exceptions import PluginError

from labkit import ladder
from labkit.student.diff import unified
from labkit.tasks import regions_of, tasks

_MARK = re.compile(r"^<!-- (?P<what>task|diff) (?P<which>[\d.]+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put in what the marks stand for. Raises PluginError, which mkdocs shows as one line."""
    try:
        return _MARK.sub(_put_in, markdown)
    except LookupError as error:
        raise PluginError(f"labs/{page.file.src_uri}: {error.args[0]}") from None


def _put_in(mark: re.Match[str]) -> str:
    what, which = mark["what"], mark["which"]
    if what == "diff" and which.isdecimal() and int(which) in ladder.STAGES:
        return _folded(f"All that stage {which} adds", "diff", "\n".join(unified(int(which))))
    if what == "task" and which in tasks():
        return _task(which)
    raise LookupError(f"<!-- {what} {which} -->: there is none of that number, see stages/tasks.toml")


def _task(number: str) -> str:
    found = regions_of(number)
    asked = [f"- `{name}`: {region.prompt}" for name, region in found]
    ways = [
        _code("python", "\n".join(_unindented(region.solution)), f' title="{name}, {region.prompt}"')
        for name, region in found
    ]
    fold = _indented("\n\n".join(ways))
    return "\n".join([*asked, "", '??? example "One way to do it"', "", fold, ""])


def _folded(title: str, language: str, text: str) -> str:
    return f'??? example "{title}"\n\n{_indented(_code(language, text))}\n'


def _code(language: str, text: str, title: str = "") -> str:
    # Four backticks, so that three of them in the code do not end it.
    return f"````{language}{title}\n{text}\n````"


def _unindented(lines: tuple[str, ...]) -> list[str]:
    shift = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    return [line[shift:] for line in lines]


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.split("\n"))
