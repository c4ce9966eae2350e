"""``python -m labkit watch 3``: check at each save, until Ctrl-C."""

import argparse
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from labkit.student.arguments import folder_of, stage

# Seconds between two looks: nobody notices, and looking at a dozen files costs nothing.
PAUSE = 0.3
# Seconds that a check has, after Ctrl-C, to end its programs and to remove what they have written.
TO_PUT_AWAY = 15.0


def main(arguments: list[str]) -> int:
    """Check now and at each save; what is said besides goes on to `check`. Ctrl-C ends with status 0."""
    parser = argparse.ArgumentParser(
        prog="python -m labkit watch", description="Check at each save; all other options are those of check."
    )
    parser.add_argument("stage", type=stage, help="1 to 5")
    parser.add_argument("--dir", type=Path, help="the folder with your work (default: work/<stage>)")
    options, others = parser.parse_known_args(arguments)
    folder = options.dir or folder_of(options.stage)
    check = [sys.executable, "-m", "labkit", "check", str(options.stage), "--dir", str(folder), *others]
    try:
        while True:
            seen = times(folder)
            if run(check) == 2:  # nothing that a save could mend: it has said what is wrong
                return 2
            print(f"\nWaiting for a change in {folder} (Ctrl-C ends)", flush=True)
            while times(folder) == seen:
                time.sleep(PAUSE)
            print("\n" + "=" * 80, flush=True)
    except KeyboardInterrupt:
        print()
        return 0


def run(check: list[str]) -> int:
    """Run a check to its end, also after Ctrl-C, which it has got too; returns its exit status."""
    child = subprocess.Popen(check)  # subprocess.call would kill it a quarter of a second after Ctrl-C
    try:
        return child.wait()
    except KeyboardInterrupt:
        with suppress(subprocess.TimeoutExpired):
            child.wait(TO_PUT_AWAY)
        raise
    finally:
        child.kill()


def times(folder: Path) -> dict[str, int]:
    """When each program file was last written. One that goes while we look, or a link to itself, counts as gone."""
    found = {}
    with suppress(OSError):  # the folder itself is gone
        for path in folder.glob("*.py"):
            with suppress(OSError):
                found[path.name] = path.stat().st_mtime_ns
    return found
