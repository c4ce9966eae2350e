"""Follows the guide's pages to the letter, in a copy of the checkout: ``python -m labkit.guide.follow stage-1``.

A page's marks say how: the next block of commands after

- ``<!-- run -->`` must succeed (and a check must find that everything passes)
- ``<!-- run until 1.2 -->`` is a check that must fall short at task 1.2, and not before
- ``<!-- run shows -->`` must print what the block after it says
- ``<!-- run server -->`` and ``<!-- run client sravya -->`` stay open in a terminal each

and ``<!-- run says sravya hello -->``, ``<!-- run sees sanjay [sravya] hello -->`` type into these and look at them. At
``<!-- task 1.2 -->`` the task is filled in as the solution has it: that is what the page shows there.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit import ladder
from labkit.newcomer import fill_in
from labkit.tasks import in_order, of_stage
from tests.graded.terminal import Terminal

LABS = ladder.ROOT / "labs"
DEADLINE = 900.0
"""Seconds for one command: a check of all stages takes a minute and a half on an idle machine."""

_MARK = re.compile(r"^ *<!-- (?P<what>run|task)(?: (?P<rest>.*?))? -->$")
_FENCE = re.compile(r"^ *```(?P<language>\w*)")
_FALLS_SHORT = re.compile(r"^  ✗ (\d+\.\d+) ", re.MULTILINE)

# A network of its own, so that ports are free whatever else runs here, and nothing gets out.
_OWN_NETWORK = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
_INSIDE = "GUIDE_FOLLOW_INSIDE"


class Astray(Exception):
    """The page led somewhere else than it says; the text tells where."""


@dataclass(frozen=True)
class Step:
    """One thing to do: the mark's words, and the block behind it with its output, if it takes one."""

    line: int
    what: str
    words: str
    code: str = ""
    shown: str = ""


def main(arguments: list[str]) -> int:
    """Follow the pages named, or all that have marks; the exit status is 1 if one leads astray."""
    parser = argparse.ArgumentParser(prog="follow", description="Follow the guide's pages to the letter.")
    parser.add_argument("pages", nargs="*", help="as stage-1; default: all with commands that are marked as runnable")
    options = parser.parse_args(arguments)
    if _INSIDE not in os.environ and _can_have_own_network():
        command = [sys.executable, "-m", "labkit.guide.follow", *options.pages]
        inside = [*_OWN_NETWORK, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]
        return subprocess.call(inside, cwd=ladder.ROOT, env={**os.environ, _INSIDE: "1"})
    pages = [LABS / f"{name}.md" for name in options.pages] or sorted(LABS.glob("*.md"))
    astray = 0
    for page in pages:
        steps = list(steps_of(page.read_text(encoding="utf-8")))
        if not any(step.what == "run" for step in steps):
            continue
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="follow-") as scratch:
                Reader(Path(scratch), page.stem).follow(steps)
            print(f"{page.name}: as it says ({time.monotonic() - began:.0f} s)", flush=True)
        except Astray as error:
            astray += 1
            print(f"{page.name}:{error}", file=sys.stderr)
    return 1 if astray else 0


def steps_of(text: str) -> Iterator[Step]:
    """What a page tells to do, in its order."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if not (mark := _MARK.match(line)):
            continue
        words = mark["rest"] or ""
        takes_block = mark["what"] == "run" and not words.startswith(("says ", "sees "))
        code, after = _block(lines, number + 1) if takes_block else ("", number)
        shown = _block(lines, after)[0] if words == "shows" else ""
        yield Step(number + 1, mark["what"], words, code, shown)


def _block(lines: list[str], number: int) -> tuple[str, int]:
    """The text of the next block, and the number of the line after it."""
    begin = next(n for n in range(number, len(lines)) if _FENCE.match(lines[n]))
    end = next(n for n in range(begin + 1, len(lines)) if _FENCE.match(lines[n]))
    indent = len(lines[begin]) - len(lines[begin].lstrip())
    return "\n".join(line[indent:] for line in lines[begin + 1 : end]), end + 1


class Reader:
    """Somebody with the page and a fresh copy of the lab."""

    def __init__(self, scratch: Path, page: str) -> None:
        self._lab = scratch / "lab"
        self._done: list[str] = []
        self._page = page
        self._terminals: dict[str, Terminal] = {}
        _copy(self._lab)

    def follow(self, steps: list[Step]) -> None:
        """Do it all. Raises Astray."""
        try:
            for step in steps:
                self._do(step)
            if self._page.startswith("stage-") and self._done != self._all_tasks():
                raise Astray(f" it does not come to all tasks of the stage: {', '.join(self._done)}")
        finally:
            for terminal in self._terminals.values():
                terminal.close()

    def _all_tasks(self) -> list[str]:
        return [task.number for task in of_stage(int(self._page.removeprefix("stage-")))]

    def _do(self, step: Step) -> None:
        kind, _, rest = step.words.partition(" ")
        name, _, words = rest.partition(" ")
        if step.what == "task":
            self._fill_in(step.words)
        elif kind == "server":
            self._opens(step, "server")
            self._sees(step, "server", "[SERVER LISTENING]")
        elif kind == "client":
            self._joins(step, name)
        elif kind == "says":
            self._terminals[name].type(words)
        elif kind == "sees":
            self._sees(step, name, words)
        else:
            self._run(step, kind, rest)

    def _fill_in(self, task: str) -> None:
        self._done.append(task)
        stage = in_order(task)[0]
        fill_in(stage, self._lab / "work" / ladder.STAGES[stage].name, frozenset(self._done))

    def _run(self, step: Step, kind: str, task: str) -> None:
        done = subprocess.run(
            ["bash", "-e", "-c", step.code], cwd=self._lab, env=_environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEADLINE,
        )  # fmt: skip
        short = _FALLS_SHORT.findall(done.stdout)[:1]
        if kind == "until":
            right, wanted = short == [task] and done.returncode != 0, f"a check that falls short at {task}"
        elif kind == "shows":
            right, wanted = done.returncode == 0 and done.stdout.strip() == step.shown.strip(), f"\n{step.shown}\n"
        elif "make check" in step.code:
            right, wanted = done.returncode == 0 and "Everything passes" in done.stdout, "that everything passes"
        else:
            right, wanted = done.returncode == 0, "that it succeeds"
        if not right:
            told = f"expected {wanted}, but exit status {done.returncode}:\n{done.stdout}"
            raise Astray(f"{step.line}: {step.code}\n{told}")

    def _opens(self, step: Step, name: str) -> None:
        self._terminals[name] = Terminal(["bash", "-c", step.code], self._lab, _environment())

    def _joins(self, step: Step, name: str) -> None:
        self._opens(step, name)
        self._sees(step, name, "Would you like to connect")
        self._terminals[name].type("yes")
        self._wait(step, name, "2.GUI Mode", "Enter your Name")
        if any("2.GUI Mode" in line for line in self._terminals[name].lines()):
            self._terminals[name].type("1")
            self._sees(step, name, "Enter your Name")
        self._terminals[name].type(name)
        self._sees(step, "server", name)

    def _sees(self, step: Step, name: str, words: str) -> None:
        self._wait(step, name, words)

    def _wait(self, step: Step, name: str, *words: str) -> None:
        def seen(lines: list[str]) -> bool:
            return any(each in line for line in lines for each in words)

        if not self._terminals[name].wait_for(seen):
            screen = "\n".join(self._terminals[name].screen())
            raise Astray(f"{step.line}: {name} does not see {' or '.join(words)}:\n{screen}")


def _copy(lab: Path) -> None:
    """The files that git knows or would take, as they are here now; what is installed is shared."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ladder.ROOT, stdout=subprocess.PIPE, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ladder.ROOT / name).is_file():
            (lab / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ladder.ROOT / name, lab / name)  # with its time: or make would install anew
    (lab / ".venv").symlink_to(ladder.ROOT / ".venv")


def _environment() -> dict[str, str]:
    """Ours, without what make tells the programs that it starts."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", _INSIDE))}


def _can_have_own_network() -> bool:
    try:
        return subprocess.call([*_OWN_NETWORK, "ip", "link", "set", "lo", "up"], stderr=subprocess.DEVNULL) == 0
    except OSError:  # there is no unshare, as on macOS
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
