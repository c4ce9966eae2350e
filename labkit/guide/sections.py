"""Named sections of the project's own files: a function, a class or a constant, as it stands there now."""

import ast
import textwrap

from labkit import ladder, regions


def section(path: str, name: str, *, blanked: bool = False) -> str:
    """The lines of ``name`` ("say", "Room.say", "LIMIT") in a Python file, with the comment above it, if any.

    In a stage's file tasks are shown solved, or blanked as in the starter. Raises LookupError.
    """
    file = ladder.ROOT / path
    if not file.is_file() or file.suffix != ".py":
        raise LookupError(f"there is no Python file {path}")
    source = file.read_text(encoding="utf-8")
    if path.startswith("stages/"):
        source = regions.starter(source) if blanked else regions.solution(source)
    node = _find(ast.parse(source), name)
    if node is None:
        raise LookupError(f"there is no {name or 'section without a name'} in {path}")
    lines = source.splitlines()
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))]) - 1
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    last = node.end_lineno or node.lineno
    if isinstance(node, ast.Assign | ast.AnnAssign):  # with the docstring that tells its meaning
        last += _docstring_lines(lines, last)
    return textwrap.dedent("\n".join(lines[first:last]))


def _find(tree: ast.Module, name: str) -> ast.stmt | None:
    body: list[ast.stmt] = tree.body
    found: ast.stmt | None = None
    for part in name.split("."):
        found = next((node for node in body if part in _names(node)), None)
        if found is None:
            return None
        body = getattr(found, "body", [])
    return found


def _names(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [each.id for each in targets if isinstance(each, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _docstring_lines(lines: list[str], last: int) -> int:
    """How many lines a string right below takes."""
    if last >= len(lines) or not lines[last].lstrip().startswith('"""'):
        return 0
    for count, line in enumerate(lines[last:], 1):
        if line.rstrip().endswith('"""') and (count > 1 or line.strip() != '"""'):
            return count
    return 0
