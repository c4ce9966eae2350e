"""``python -m labkit diff 3``: what a stage adds to the one before, line by line."""

import argparse
import difflib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from labkit import ladder
from labkit.student.arguments import stage

COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
PLAIN = "\x1b[0m"


def main(arguments: list[str]) -> int:
    """Print the difference, or write it to a file; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m labkit diff", description="What a stage adds to the one before.")
    parser.add_argument("stage", type=stage, help="1 to 5; stage 1 is compared with its starter")
    parser.add_argument("--to", type=Path, metavar="FILE", help="write it to this file")
    options = parser.parse_args(arguments)
    lines = list(unified(options.stage))
    if options.to:
        try:
            options.to.write_text("\n".join(lines) + "\n", encoding="utf-8")
        except OSError as error:
            print(f"Cannot write {options.to}: {error.strerror}", file=sys.stderr)
            return 1
        return 0
    in_colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for line in lines:
        print(_painted(line) if in_colour else line)
    return 0


def unified(number: int) -> Iterator[str]:
    """The difference of each file that changes, as `diff -u` shows it."""
    before, after = ladder.before(number), ladder.solution(number)
    folder = ladder.STAGES[number].name
    earlier = ladder.STAGES[number - 1].name if number > 1 else "starter"
    for name, text in after.items():
        old = before.get(name)
        yield from difflib.unified_diff(
            (old or "").splitlines(),
            text.splitlines(),
            "/dev/null" if old is None else f"{earlier}/{name}",
            f"{folder}/{name}",
            lineterm="",
        )


def _painted(line: str) -> str:
    colour = COLOURS.get(line[:1])
    return f"{colour}{line}{PLAIN}" if colour else line
