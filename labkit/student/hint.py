"""``python -m labkit hint 3.2``: one more hint for a task each time, from gentle to plain."""

import argparse
import json
from pathlib import Path

from labkit.student.arguments import WORK, task


def main(arguments: list[str]) -> int:
    """Print the next hint; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m labkit hint", description="One more hint each time.")
    parser.add_argument("task", type=task, help="its number, as 3.2")
    chosen = parser.parse_args(arguments).task
    given = given_so_far()
    number = min(given.get(chosen.number, 0) + 1, len(chosen.hints))
    print(f"{chosen.number} {chosen.title}, hint {number} of {len(chosen.hints)}:")
    print(f"  {chosen.hints[number - 1]}")
    if number == len(chosen.hints):
        print(f"That was the last. The guide: {chosen.anchor}" + one_way(chosen.stage))
    remember({**given, chosen.number: number})
    return 0


def one_way(stage: int) -> str:
    """Where the solution is, unless this is a student's kit, which has none."""
    has_solutions = Path(__file__).with_name("diff.py").exists()
    return f"; one way to do it: make diff STAGE={stage}" if has_solutions else ""


def given_so_far() -> dict[str, int]:
    """How many hints each task has had. A file that is damaged counts as none: it holds nothing of worth."""
    try:
        given = json.loads(memory().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {name: n for name, n in given.items() if type(n) is int and n > 0} if isinstance(given, dict) else {}


def remember(given: dict[str, int]) -> None:
    """Keep the numbers for the next time, if they can be kept."""
    try:
        WORK.mkdir(exist_ok=True)
        memory().write_text(json.dumps(given) + "\n", encoding="utf-8")
    except OSError as error:
        print(f"(Cannot write {memory()}: {error.strerror}; the same hint comes next time)")


def memory() -> Path:
    """The file with the numbers."""
    return WORK / ".hints.json"
