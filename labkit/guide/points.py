"""What each task is worth, and how many stories tell of it: as the graded tests' own marks say."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from labkit import ladder


@cache
def by_task() -> dict[str, tuple[int, int]]:
    """By the task's number: how many stories, how many points."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for path in sorted((ladder.ROOT / "tests" / "graded").glob("test_*.py")):
        for task, points in _marks(ast.parse(path.read_text(encoding="utf-8"))):
            found[task].append(points)
    return {task: (len(points), sum(points)) for task, points in found.items()}


def _marks(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The task and the points of each test: ``@pytest.mark.task("1.1", role="server", points=2)``."""
    for node in tree.body:
        for mark in getattr(node, "decorator_list", []):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) in ("task", "pytest.mark.task"):
                points = [each.value for each in mark.keywords if each.arg == "points"]
                yield ast.literal_eval(mark.args[0]), ast.literal_eval(points[0]) if points else 1
