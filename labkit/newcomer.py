"""A newcomer's way through the lab: ``make newcomer``.

For each stage: `start`, `check` (which must fall short at the first task), then task after task filled in from the
solution, each time with a `check`, which must fall short at the next one; in the end everything passes.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labkit import ladder
from labkit.tasks import in_order, of_stage

_SHORT = re.compile(r"^  ✗ (\d+\.\d+) ", re.MULTILINE)
_PASSES = re.compile(r"^  ✓ (\d+\.\d+) ", re.MULTILINE)


class Astray(Exception):
    """The checks did not go from red to green as the tasks were done; the text says where."""


def main(arguments: list[str]) -> int:
    """Go the way; returns the exit status."""
    parser = argparse.ArgumentParser(prog="newcomer", description="Go a newcomer's way through the lab.")
    parser.add_argument("stages", type=int, nargs="*", choices=[[], *ladder.STAGES], help="only these (default: all)")
    parser.add_argument("--network", help="tell the stories on this network alone")
    parser.add_argument("--patience", help="seconds that a story waits for what never comes")
    parser.add_argument("--jobs", type=int, default=1, help="so many stages at a time (default: 1)")
    options = parser.parse_args(arguments)
    more = ["--network", options.network] if options.network else []
    more += ["--patience", options.patience] if options.patience else []
    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            for way in [pool.submit(go_through, stage, more) for stage in options.stages or ladder.STAGES]:
                way.result()
    except Astray as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted")
        return 130
    return 0


def go_through(stage: int, more: list[str]) -> None:
    """Do one stage. Raises Astray."""
    with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
        status, output = labkit("start", str(stage), "--to", folder)
        if status != 0:
            raise Astray(output)
        do_tasks(stage, Path(folder, ladder.STAGES[stage].name), more)


def do_tasks(stage: int, work: Path, more: list[str]) -> None:
    """Task after task of a stage that has been started, with a check after each. Raises Astray."""
    numbers = [task.number for task in of_stage(stage)]
    for so_many in range(len(numbers) + 1):
        done, undone = numbers[:so_many], numbers[so_many:]
        fill_in(stage, work, frozenset(done))
        began = time.monotonic()
        status, output = labkit("check", str(stage), "--dir", str(work), *more)
        compare(stage, done, undone, status, output)
        what = f"falls short at {undone[0]}" if undone else "everything passes"
        so_far = f"{done[-1] if done else 'nothing'} done"
        print(f"Stage {stage}, {so_far}: {what} ({time.monotonic() - began:.0f} s)", flush=True)


def fill_in(stage: int, work: Path, done: frozenset[str]) -> None:
    """What a student's files look like when so many tasks are done as the solution does them."""
    for name, text in ladder.starter(stage, done).items():
        (work / name).write_text(text, encoding="utf-8")


def compare(stage: int, done: list[str], undone: list[str], status: int, output: str) -> None:
    """Raises Astray unless the check passes what is done, and falls short at the first task that is not."""
    passes = [number for number in _PASSES.findall(output) if in_order(number)[0] == stage]
    short = _SHORT.findall(output)
    if passes != done or short != undone[:1] or status != (1 if undone else 0):
        raise Astray(
            f"{output}\n\nDone: {done}, so these must pass, and then {undone[:1] or 'nothing'} fall short; but pass: "
            f"{passes}, short: {short}, status {status}. A story that needs a later task must say so in its needs; a "
            "task whose story passes without it needs a better one"
        )


def labkit(*arguments: str) -> tuple[int, str]:
    """Run one of the student's commands; returns its exit status and what it printed."""
    command = [sys.executable, "-m", "labkit", *arguments]
    done = subprocess.run(command, cwd=ladder.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
