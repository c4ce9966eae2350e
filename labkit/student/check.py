"""``python -m labkit check 3``: your work on a stage, task by task; a failure tells its story."""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import shlex
import signal
import sys
from pathlib import Path

from labkit import ladder
from labkit.student.arguments import folder_of, seconds, stage, task
from tests.graded.network import NETWORKS

NEEDED = ("pytest", "pexpect", "pyte", "xdist")


def main(arguments: list[str]) -> int:
    """Check a folder; returns the exit status: 0 only if everything passed."""
    options = _parser().parse_args(arguments)
    if options.stage is None and options.task:
        options.stage = options.task.stage
    if options.stage is None:
        print("Which stage? python3 -m labkit check 3", file=sys.stderr)
        return 2
    folder = options.dir or folder_of(options.stage)
    if problem := _problem(options, folder):
        print(problem, file=sys.stderr)
        return 2
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        return _elsewhere(missing, arguments)
    return _check(options, folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m labkit check", description="Check your work on a stage.")
    parser.add_argument("stage", type=stage, nargs="?", help="1 to 5; with --task it need not be said")
    parser.add_argument("--dir", type=Path, help="the folder with server.py and client.py (default: work/<stage>)")
    parser.add_argument("--task", type=task, help="check this one alone, as 3.2")
    parser.add_argument("--story", help="tell this story alone")
    parser.add_argument("--all", action="store_true", help="go on after a task that falls short")
    parser.add_argument("--seed", type=int, help="draw names, texts and files from it (default: a new one each time)")
    network = "tell all stories on this network, as bytes: each segment is one byte"
    parser.add_argument("--network", choices=NETWORKS, help=network)
    parser.add_argument("--patience", type=seconds, help="seconds to wait for anything to happen")
    return parser


def _problem(options: argparse.Namespace, folder: Path) -> str | None:
    if options.task and options.task.stage > options.stage:
        return f"Task {options.task.number} comes after stage {options.stage}"
    if not os.path.isdir(folder):  # folder.is_dir() raises for a name that is too long
        start = f"make start STAGE={options.stage}" if options.dir is None else "--dir names the folder with your work"
        return f"There is no folder {folder}: {start}"
    absent = [name for name in ("server.py", "client.py") if not (folder / name).is_file()]
    if absent:
        return f"There is no {' and no '.join(absent)} in {folder}: --dir names the folder with your work"
    return None


def _elsewhere(missing: list[str], arguments: list[str]) -> int:
    """Go on with the Python that make has installed the packages for, if there is one that we are not."""
    python = ladder.ROOT / ".venv" / "bin" / "python"
    if (ladder.ROOT / ".venv" / "test.stamp").exists() and Path(sys.prefix) != ladder.ROOT / ".venv":
        paths = os.pathsep.join([str(ladder.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        command = [str(python), "-m", "labkit", "check", *arguments]
        sys.stdout.flush()
        os.execve(python, command, {**os.environ, "PYTHONPATH": paths})
    install = ladder.ROOT / "requirements" / "install.py"
    print(f"check needs {', '.join(missing)}: install them once with python3 {install} test", file=sys.stderr)
    return 2


def _check(options: argparse.Namespace, folder: Path) -> int:
    from labkit.student import run  # late: needs the packages
    from labkit.student.page import Page

    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    again = ["python3", "-m", "labkit", "check", str(options.stage), "--dir", str(folder), "--seed", str(seed)]
    wanted = run.Options(
        options.stage,
        folder.resolve(),
        seed,
        task=options.task.number if options.task else None,
        story=options.story,
        network=options.network,
        patience=options.patience or run.PATIENCE,
        again=f"{shlex.join(again)} --story",
    )
    # Told to end, or its terminal closed: in good order, so that no program under test is left.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    page = Page(options.stage, folder, seed, go_on=options.all)
    try:
        return page.tell(wanted)
    except run.CheckFailed as error:
        print(f"The check itself went wrong, which is not your fault: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("\nInterrupted")
        return 130
