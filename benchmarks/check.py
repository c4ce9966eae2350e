"""How long a full check of all stages takes, beside merely starting and stopping the same programs.

``python -m benchmarks.check`` checks the last stage's solution, all stories of all stages as a student would, and notes
every program that they start. Then it merely starts the same programs again, story by story in as many processes, and
ends them: a server listens, a client has its questions answered and is in the room. At most 2.5 times as long, and at
most 90 s. (A client that the story has joined a server of bare frames comes no further than its first question here,
and a window is not waited for once it is in the room: the comparison is a little harder than it had to be.)
"""

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from labkit import ladder
from labkit.student.run import Options, collect, run
from tests.graded.implementation import HOST
from tests.graded.party import CONNECT, MODE, NAME
from tests.graded.story import LISTENING
from tests.graded.terminal import Terminal

SEED = 20211
WORKERS = Options.workers
TOO_LONG = 10.0
"""Seconds after which a program that asks nothing, or is not let in, counts as started."""
MOST_RATIO, MOST_SECONDS = 2.5, 90.0


def main() -> int:
    """Measure, print, and return 1 if the check is too slow."""
    with tempfile.TemporaryDirectory(prefix="starts-") as scratch:
        notes = Path(scratch, "starts")
        os.environ.update(STARTS=str(notes), PYTEST_ADDOPTS="-p benchmarks.starts")
        checking, stories = check()
        del os.environ["PYTEST_ADDOPTS"]
        by_story = defaultdict(list)
        for line in notes.read_text(encoding="utf-8").splitlines():
            note = json.loads(line)
            by_story[note["story"]].append(note)
        began = time.perf_counter()
        with ProcessPoolExecutor(WORKERS) as pool:
            programs = sum(pool.map(start_and_stop, by_story.values()))
        starting = time.perf_counter() - began
    ratio = checking / starting
    print(f"a full check:       {checking:5.1f} s ({stories} stories, at most {MOST_SECONDS:g} s)")
    print(f"starting, stopping: {starting:5.1f} s ({programs} programs)")
    print(f"ratio:              {ratio:5.2f} (at most {MOST_RATIO})")
    return 0 if ratio <= MOST_RATIO and checking <= MOST_SECONDS else 1


def check() -> tuple[float, int]:
    """Seconds that a full check takes, and how many stories it tells; all must pass."""
    last = max(ladder.STAGES)
    options = Options(last, ladder.STAGES[last], SEED, workers=WORKERS)
    began = time.perf_counter()
    results = list(run(options, collect(options)))
    seconds = time.perf_counter() - began
    for result in results:
        if result.outcome == "failed":
            print(result.text, file=sys.stderr)
            raise SystemExit(f"{result.told.name} fails: the check of a failing program says nothing about its time")
    return seconds, len(results)


def start_and_stop(notes: list[dict[str, Any]]) -> int:
    """Start these programs one after the other, and end them; how many they are."""
    with tempfile.TemporaryDirectory(prefix="starts-") as scratch:
        folder = Path(scratch)
        programs: list[Terminal] = []
        server, port = None, ""
        for note in notes:
            command, env = note["command"], note["env"]
            address = command.index(HOST) + 1
            is_server = "server" in command[address - 2]
            if "KIVY_HOME" in env:
                env["KIVY_HOME"] = scratch
            if is_server:
                port = command[address]
            elif server:
                command[address] = port  # the story may have had a proxy before it
            programs.append(Terminal(command, folder, env))
            if is_server:
                server = programs[-1]
                server.wait_for(partial(_shows, LISTENING))
            elif server:
                answer(programs[-1], command, "2" if "KIVY_HOME" in env else "1")
            else:
                programs[-1].wait_for(bool)
        for program in programs:
            program.close()
    return len(notes)


def answer(client: Terminal, command: list[str], mode: str) -> None:
    """Answer a client's questions, as they come, and see it in the room."""
    asked = [("--yes", CONNECT, "yes"), ("--mode", MODE, mode), ("--name", NAME, f"name{client.pid}")]
    for option, question, said in asked:
        if option not in command and client.wait_for(partial(_shows, question), TOO_LONG):
            client.type(said)
    if mode == "1":
        client.wait_for(partial(_shows, "Total No of Clients"), TOO_LONG)


def _shows(start: str, lines: list[str]) -> bool:
    return any(line.startswith(start) for line in lines)


if __name__ == "__main__":
    raise SystemExit(main())
