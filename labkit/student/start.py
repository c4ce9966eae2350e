"""``python -m labkit start 3``: a folder to work in, with a stage's files and its tasks to be filled in."""

import argparse
import shlex
import sys
from pathlib import Path

from labkit import ladder
from labkit.student.arguments import WORK, stage
from labkit.tasks import of_stage


def main(arguments: list[str]) -> int:
    """Write the starter; returns the exit status, 1 when the folder is there already."""
    parser = argparse.ArgumentParser(prog="python -m labkit start", description="Begin a stage of the lab.")
    parser.add_argument("stage", type=stage, help="1 to 5")
    parser.add_argument("--to", type=Path, default=WORK, metavar="DIR", help=f"in this folder (default: {WORK})")
    options = parser.parse_args(arguments)
    folder = options.to / ladder.STAGES[options.stage].name
    try:
        ladder.write(ladder.starter(options.stage), folder)
    except FileExistsError:
        print(f"{folder} is there already: go on in it, or rename it and start again", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Cannot write {folder}: {error.strerror}", file=sys.stderr)
        return 1
    print(what_next(options.stage, folder))
    return 0


def what_next(number: int, folder: Path) -> str:
    """What is to be done, and how to run and check it."""
    typed = shlex.quote(str(folder))
    lines = [f"{folder} is yours. Look for # TASK in its files; all else is there:", ""]
    lines += [f"  {task.number}  {task.title} ({', '.join(task.files)})" for task in of_stage(number)]
    lines += [
        "",
        f"The guide:  labs/stage-{number}.md",
        f"Run it:     make run-server DIR={typed}    make run-client DIR={typed}",
        f"Check it:   make check STAGE={number}{_unless_usual(number, folder)}",
        f"A hint:     make hint TASK={of_stage(number)[0].number}",
        "",
        f"Without make: cd {typed} && python3 server.py 127.0.0.1 5050, and so with client.py;",
        f"and from here: python3 -m labkit check {number} --dir {typed}",
    ]
    return "\n".join(lines)


def _unless_usual(number: int, folder: Path) -> str:
    return "" if folder == WORK / ladder.STAGES[number].name else f" DIR={shlex.quote(str(folder))}"
