"""Every error line of the kit, found in its sources: troubleshooting.md must have each.

An error line is what is printed on stderr, ends a program, refuses a name or a frame, or is wrong on a command line;
and what begins as one (`BEGINNINGS`). What only those see who work on the lab itself (`FOR_AUTHORS`) is left out. Only
its fixed words can be found: of an f-string, the parts between the values.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit import ladder, regions

SOURCES = ("reference", "labkit", "requirements", "stages/5_disconnect")

FOR_AUTHORS = ("labkit/guide/", "labkit/mutants.py", "labkit/picture.py", "labkit/screenshots.py")

BEGINNINGS = (
    "Cannot ",
    "cannot ",
    "Could not",
    "Connection lost",
    "Not sent",
    "There is no",
    "There are no",
    "Send what",
)

CALLS = {"sys.exit", "parser.error", "argparse.ArgumentTypeError", "Parser.error"}
"""Calls whose first argument is an error line."""

QUIET = {"ValueError", "AssertionError", "EOFError", "KeyError", "TypeError", "BadMarks", "Astray", "SceneFailed"}
"""Exceptions whose words no user of the lab is shown."""

_SHELL = re.compile(r"""echo (?:-n )?(?P<quote>['"])(?P<words>.+?)(?P=quote)""")
_VALUE = re.compile(r"\$\(.+?\)|\$+\w+|\$\{.+?\}|\\\w")


@dataclass(frozen=True)
class Message:
    """One error line: where it stands, and its fixed words, piece by piece."""

    path: str
    line: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {' … '.join(self.words)}"


def messages() -> Iterator[Message]:
    """All of them."""
    for folder in SOURCES:
        for path in sorted((ladder.ROOT / folder).rglob("*.py")):
            if not str(path.relative_to(ladder.ROOT)).startswith(FOR_AUTHORS):
                yield from _in_python(path)
    for path in [ladder.ROOT / "Makefile", *sorted((ladder.ROOT / "requirements").glob("*.sh"))]:
        yield from _in_shell(path)


def _in_python(path: Path) -> Iterator[Message]:
    source = path.read_text(encoding="utf-8")
    if path.parent.parent.name == "stages":
        source = regions.solution(source)
    found: set[Message] = set()
    tree = ast.parse(source)
    alone = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    docstrings = {node for node in alone if isinstance(node, ast.Constant)}
    parts = {each for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for each in node.values}
    for node in ast.walk(tree):
        if node in docstrings or node in parts:
            continue
        for text in _alternatives(_error_lines(node)):
            words = tuple(each.strip() for each in _fixed(text) if len(each.strip()) > 2)
            if words:
                found.add(Message(str(path.relative_to(ladder.ROOT)), text.lineno, words))
    yield from found


def _error_lines(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Call(args=[text, *_], keywords=keywords) if _to_stderr(keywords):
            yield text
        case ast.Call(func=func, args=[text, *_]) if ast.unparse(func) in CALLS:
            yield text
        case ast.Raise(exc=ast.Call(func=func, args=[*_, text])) if ast.unparse(func) not in QUIET:
            yield text
        case ast.Constant() | ast.JoinedStr() if next(_fixed(node), "").startswith(BEGINNINGS):
            yield node


def _alternatives(texts: Iterator[ast.expr]) -> Iterator[ast.expr]:
    """Either side of a condition is a line of its own."""
    for text in texts:
        yield from (text.body, text.orelse) if isinstance(text, ast.IfExp) else (text,)


def _to_stderr(keywords: list[ast.keyword]) -> bool:
    return any(each.arg == "file" and ast.unparse(each.value) == "sys.stderr" for each in keywords)


def _fixed(text: ast.expr) -> Iterator[str]:
    """The fixed pieces of a string, also of one that is put together with + or by a condition."""
    match text:
        case ast.Constant(value=str(value)):
            yield value
        case ast.JoinedStr(values=values):
            for each in values:
                if isinstance(each, ast.Constant):
                    yield str(each.value)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _fixed(left)
            yield from _fixed(right)


def _in_shell(path: Path) -> Iterator[Message]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if ">&2" in line or "exit 1" in line or "exit 2" in line:
            for match in _SHELL.finditer(line):
                words = tuple(each.strip() for each in _VALUE.split(match["words"]) if len(each.strip()) > 2)
                if words:
                    yield Message(path.name, number, words)
