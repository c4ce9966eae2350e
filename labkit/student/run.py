"""Tells the stories of a check in the background, by a pytest of its own, and hands on what comes of each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from select import select
from typing import Any

import pytest

from labkit import ladder
from labkit.scratch import scratch_folder
from labkit.student import stories
from labkit.student.stories import Told
from labkit.tasks import in_order
from tests.graded.leftovers import nothing_left_behind
from tests.graded.story import longest_story

PATIENCE = 15.0
"""Seconds that a story waits for anything to happen. Programs answer within milliseconds, on a busy machine within one
or two seconds."""

# Plugins that are there for other tests. Hypothesis takes longer to load than a story takes.
NOT_NEEDED = ("hypothesispytest", "pytest_cov", "cacheprovider")

LOOK_AGAIN = 1.0
"""Seconds between two looks at how much the machine has to do."""


class CheckFailed(Exception):
    """The check itself went wrong, through no fault of what it checks; the text says how."""


@dataclass(frozen=True)
class Options:
    """What is to be checked, and how. ``again`` is the command that tells one story again, but for its name."""

    stage: int
    folder: Path
    seed: int
    task: str | None = None
    story: str | None = None
    patience: float = PATIENCE
    network: str | None = None
    own: bool = False  # this stage's stories alone, not those of the earlier ones
    pairs: bool = True
    workers: int = min(2 * (os.cpu_count() or 1), 8)  # two for each core: stories wait for half of their time
    server: str = ""
    client: str = ""
    again: str = ""


@dataclass(frozen=True)
class Result:
    """What came of a story: "passed", "failed" or "skipped", with the story that a failure tells or the reason."""

    told: Told
    outcome: str
    text: str
    seconds: float


def collect(options: Options) -> list[Told]:
    """The stories that are to be told: this stage's first, each task's together, a story's pairs side by side.

    Raises CheckFailed, KeyboardInterrupt.
    """
    collector = stories.Collector()
    with redirect_stdout(StringIO()) as said, redirect_stderr(said):
        status = pytest.main(["--collect-only", "--capture=no", *_arguments(options)], plugins=[collector])
    if collector.interrupted:  # for pytest that is a status, which broken tests have as well
        raise KeyboardInterrupt
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise CheckFailed(f"the tests cannot be read:\n{said.getvalue()[-4000:]}")
    wanted = [told for told in collector.stories if _is_wanted(told, options)]
    seen = {scene: number for number, scene in enumerate(dict.fromkeys(told.scene for told in wanted))}
    return sorted(wanted, key=lambda told: (told.stage != options.stage, in_order(told.place), seen[told.scene]))


def _is_wanted(told: Told, options: Options) -> bool:
    if options.story:
        return told.name == options.story
    if options.task:
        return told.task == options.task
    return told.stage == options.stage or (told.stage < options.stage and not options.own)


def run(options: Options, wanted: list[Told]) -> Generator[Result]:
    """Tell these stories; yields what comes of each as soon as it is known, not quite in order. Raises CheckFailed.

    Whoever has seen enough closes the iterator: then all that still runs is ended.
    """
    by_id = {told.id: told for told in wanted}
    workers = min(len(wanted), options.workers)
    parallel = ["--numprocesses", str(workers), "--maxschedchunk", "1"] if workers > 1 else []
    ours, theirs = os.pipe()
    with (
        nothing_left_behind(),
        scratch_folder("check-") as scratch,
        open(scratch / "log", "w+", encoding="utf-8", errors="replace") as log,
        open(ours, "rb", buffering=0) as events,
    ):
        ids = scratch / "ids"
        ids.write_text("".join(f"{told.id}\n" for told in wanted), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", *parallel, *_arguments(options), "--told", str(ids)]
        command += ["--events", str(theirs), "--basetemp", str(scratch / "stories")]
        child = subprocess.Popen(
            command, cwd=ladder.ROOT, pass_fds=[theirs], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        try:
            for event in _read(events.fileno(), options.patience):
                if "ends" in event and event["ends"] in by_id:
                    told = by_id.pop(event["ends"])
                    yield Result(told, event["outcome"], event["text"], event["seconds"])
            child.wait()
            if by_id:
                log.seek(0)
                raise CheckFailed(f"the check broke off:\n{log.read()[-4000:]}")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _arguments(options: Options) -> list[str]:
    arguments = [str(ladder.ROOT / "tests" / "graded"), "--rootdir", str(ladder.ROOT), "-p", "labkit.student.stories"]
    arguments += ["-c", str(ladder.ROOT / "pyproject.toml"), *(f"-pno:{name}" for name in NOT_NEEDED)]
    arguments += [f"--stage={options.stage}", f"--seed={options.seed}", f"--patience={options.patience}"]
    # With `=`: where pytest does not know an option yet it takes a value that stands by itself for a folder of tests,
    # and would run a conftest.py that lies there.
    arguments += [f"--server={options.server or options.folder}", f"--client={options.client or options.folder}"]
    arguments += ["--pairs"] if options.pairs else []
    for name in ("network", "again"):
        if value := getattr(options, name):
            arguments += [f"--{name}={value}"]
    return arguments


def _read(events: int, patience: float) -> Iterator[dict[str, Any]]:
    """Read what the reporter writes, line by line. Raises CheckFailed when nothing comes any more."""
    rest = b""
    running: set[str] = set()
    while True:
        if silence := _silence(events, patience):
            names = ", ".join(name.rpartition("::")[2] for name in running) or "no story"
            raise CheckFailed(f"nothing has happened for {silence:.0f} seconds; not at its end: {names}")
        data = os.read(events, 65536)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            running.add(event.get("begins", ""))
            running -= {event.get("ends"), ""}
            yield event


def _silence(events: int, patience: float) -> float:
    """Wait until there is something to read, and return 0; or the seconds for which there was nothing, when so many
    say that the check itself is stuck: twice what a story may take, which itself takes longer on a busy machine.
    """
    began = time.monotonic()
    allowed = 0.0
    while not select([events], [], [], LOOK_AGAIN)[0]:
        allowed = max(allowed, 2 * longest_story(patience))
        silence = time.monotonic() - began
        if silence > allowed:
            return silence
    return 0.0
