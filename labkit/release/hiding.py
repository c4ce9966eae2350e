"""What is taken out of files before students get them."""

from __future__ import annotations

import ast
import itertools
import os
import re
from collections.abc import Callable, Collection

from labkit import regions
from labkit.guide import marks

# What the students' Makefile has.
TARGETS = {
    "help", "run-server", "run-client", "install-gui", "demo", "wiretap", "start", "check", "watch", "hint", "bots",
    "clean",
}  # fmt: skip
# Settings that only what is taken out needs.
_SETTINGS = ("unannotated", "compile", "mkdocs", "grade_options", "SUBMISSIONS", "grade_", "node_modules")

# A link or a picture of Markdown that leads to a file of the guide, and no further.
_LINK = re.compile(r"!?\[(?P<words>[^\]]*)\]\((?![a-z]+:|#)(?P<file>[^)#\s]+)(?:#[^)]*)?\)(?:\{[^}]*\})?")


def without_solutions(source: str) -> str:
    """A stage's file with its marks and empty regions: starters are made from it as from the whole."""
    lines: list[str] = []
    for part in regions.parse(source):
        if isinstance(part, str):
            lines.append(part)
            continue
        # Blank lines at a region's end stay: a starter keeps them, so that it looks the same.
        blank = list(itertools.takewhile(lambda line: not line, reversed(part.solution)))
        lines.append(f"{part.indent}# BEGIN SOLUTION {part.task} {part.prompt}")
        lines += blank
        lines += [f"{line[: len(line) - len(line.lstrip())]}# WAS: {line.lstrip()}".rstrip() for line in part.was]
        lines.append(f"{part.indent}# END SOLUTION")
    return "\n".join(lines) + "\n"


def only_tests(source: str, is_wanted: Callable[[str, str], bool]) -> str | None:
    """A test file with just the tests wanted, by their names and their tasks; None if there are none."""
    tree = ast.parse(source)
    lines = source.split("\n")
    kept = 0
    for node in reversed(tree.body):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        task = _task_of(node)
        if task is not None and is_wanted(node.name, task):
            kept += 1
        else:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            del lines[first - 1 : node.end_lineno]
    text = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines))
    return text.rstrip("\n") + "\n" if kept else None


def _task_of(node: ast.FunctionDef) -> str | None:
    """The task that a test is of: the first argument of its mark."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).rpartition(".")[2] == "task":
            if decorator.args and isinstance(decorator.args[0], ast.Constant):
                return str(decorator.args[0].value)
    return None


def only_tasks(toml: str, stages: Collection[int]) -> str:
    """tasks.toml with the tasks of some stages."""
    head, *tables = re.split(r"(?m)^(?=\[\")", toml)
    wanted = [table for table in tables if int(table[2]) in stages]
    return head + "".join(wanted)


def only_targets(makefile: str) -> str:
    """The Makefile with the students' targets."""
    blocks = []
    for block in re.split(r"\n{2,}", makefile):
        documented = re.search(r"(?m)^([a-z-]+):.*## ", block)
        rules = [line for line in block.split("\n") if not line.startswith("#")]
        if documented and documented[1] not in TARGETS:
            continue
        if rules and rules[0].startswith(_SETTINGS):
            continue
        blocks.append(block)
    text = "\n\n".join(blocks)
    text = re.sub(r"(?m)^\.PHONY: grade.*\n", "", text)
    return re.sub(r"# ---- [A-Z][a-z ]+ -+\n\n(?=# ----)", "", text).rstrip("\n") + "\n"


def only_tools(main: str, is_there: Callable[[str], bool]) -> str:
    """labkit/__main__.py with the tools that are there."""

    def keep(match: re.Match[str]) -> str:
        return match[0] if is_there(match[1]) else ""

    return re.sub(r'(?m)^    "[a-z]+": \("([a-z_.]+)", .*\),\n', keep, main)


def page_for_students(page: str) -> str:
    """A page of the guide as Markdown alone: with what its marks stand for, but for what only the site can show."""
    page = re.sub(r"(?m)^ *<!-- (recording|run|diff)( .*?)? -->\n\n?", "", page)
    before = os.environ.get("GUIDE_FOR")
    os.environ["GUIDE_FOR"] = "students"
    try:
        return marks.put_in(page)
    finally:
        if before is None:
            del os.environ["GUIDE_FOR"]
        else:
            os.environ["GUIDE_FOR"] = before


def linked(page: str) -> list[str]:
    """The files of the guide that a page links to or shows, as it names them."""
    return [match["file"] for match in _LINK.finditer(page)]


def only_links(page: str, is_there: Callable[[str], bool]) -> str:
    """A page whose links all lead somewhere: of the others their words are left, and of pictures nothing."""

    def keep(match: re.Match[str]) -> str:
        if is_there(match["file"]):
            return match[0]
        return "" if match[0].startswith("!") else match["words"]

    return _LINK.sub(keep, page)
