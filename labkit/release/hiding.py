"""What is taken out of files before students get them."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Collection

from labkit import regions

# What the students' Makefile has.
TARGETS = {
    "help", "run-server", "run-client", "install-gui", "demo", "wiretap", "start", "check", "watch", "hint", "bots",
    "clean",
}  # fmt: skip
# Settings that only what is taken out needs.
_SETTINGS = ("unannotated", "compile", "mkdocs", "grade_options", "SUBMISSIONS", "grade_", "node_modules")


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


def without_marks(page: str) -> str:
    """A page of the guide as Markdown alone: what its marks stand for is on the site."""
    return re.sub(r"(?m)^ *<!-- [a-z]+( .*?)? -->\n\n?", "", page)
