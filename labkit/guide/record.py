"""``make recordings``: recordings, diagrams and outputs for the guide, made anew in labs/recordings.

All come from the programs themselves. With ``--check`` nothing is written: it says what would be different.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from labkit.guide import diagrams, experiments, failures, scenes
from labkit.guide.desk import SceneFailed
from labkit.guide.marks import RECORDINGS

# What differs from run to run, and says nothing about the programs.
_VOLATILE = re.compile(r"~[\d,]+|as +\d+ round|\b\d+\.\d+\b")

# What counts in what a check says.
_VERDICT = re.compile(
    r"^ *(?:[✓✗] \d\.\d .*?(?=  \()|task .*|hint: .*|guide: .*|Everything passes: \d+ of \d+ points)", re.M
)

# Between two terminals side by side, or two columns.
_WIDE = re.compile(r" {2,}")


def main(arguments: list[str]) -> int:
    """Make all, or those with one of these words in their names; the exit status is 1 if --check finds a difference."""
    parser = argparse.ArgumentParser(prog="make recordings", description="Record the guide's sessions anew.")
    parser.add_argument("names", nargs="*", help="only those with one of these in their names")
    parser.add_argument("--check", action="store_true", help="write nothing; say what the programs show otherwise now")
    options = parser.parse_args(arguments)
    old: list[str] = []
    try:
        for name, make in makers():
            if options.names and not any(each in name for each in options.names):
                continue
            for file, text in make().items():
                path = RECORDINGS / file
                if not options.check:
                    RECORDINGS.mkdir(exist_ok=True)
                    path.write_text(text, encoding="utf-8")
                elif difference := _difference(path, text):
                    old.append(file)
                    print(difference, file=sys.stderr)
            print(name, flush=True)
    except (SceneFailed, LookupError) as error:
        print(error.args[0], file=sys.stderr)
        return 1
    if old:
        print(f"The programs show something else now, run make recordings: {', '.join(old)}", file=sys.stderr)
    return 1 if old else 0


def makers() -> Iterator[tuple[str, Callable[[], dict[str, str]]]]:
    """What there is to make, and a function for each that returns files by their names."""
    for name in scenes.SCENES:
        yield f"recording {name}", partial(_in_a_folder, _recording, name)
    for name in diagrams.DIAGRAMS:
        yield f"diagram {name}", partial(_in_a_folder, _diagram, name)
    for name in failures.FAILURES:
        yield f"screen {name}", partial(_in_a_folder, _screen, name)
    for name in experiments.EXPERIMENTS:
        yield f"experiment {name}", partial(_in_a_folder, _experiment, name)


def _in_a_folder(make: Callable[[str, Path], dict[str, str]], name: str) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="record-") as folder:
        return make(name, Path(folder))


def _recording(name: str, folder: Path) -> dict[str, str]:
    cast, still = scenes.record(name, folder)
    return {f"{name}.cast": cast, f"{name}.txt": still}


def _diagram(name: str, folder: Path) -> dict[str, str]:
    return {f"{name}.mermaid": diagrams.draw(name, folder)}


def _screen(name: str, folder: Path) -> dict[str, str]:
    return {f"{name}.txt": failures.told(name, folder)}


def _experiment(name: str, folder: Path) -> dict[str, str]:
    return {f"{name}.txt": experiments.EXPERIMENTS[name](folder)}


def _difference(path: Path, text: str) -> str:
    """What the programs show now and did not, or the other way round."""
    before = _essence(path.read_text(encoding="utf-8")) if path.is_file() else []
    return "\n".join(difflib.unified_diff(before, _essence(text), f"{path.name}, recorded", "now", lineterm="", n=0))


def _essence(text: str) -> list[str]:
    """What must be the same: in any order, because threads take turns as they like, and wherever on the desk."""
    if text.startswith('{"version"'):
        return []  # how it got there; where it got is in the text beside it
    if text.startswith("Checking "):
        return _VERDICT.findall(text)  # names are drawn, and of several stories another one may fail first
    return sorted({part for line in _VOLATILE.sub("…", text).splitlines() for part in _WIDE.split(line)})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
