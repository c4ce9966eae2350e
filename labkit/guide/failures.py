"""What the check says of programs that are not right: real outputs, of stages with a bug and of stages half done."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from labkit import ladder
from tests.kit.chaffs import chaffs

SEED = 2021


@dataclass(frozen=True)
class Failure:
    """A stage's work, wrong in one way, and what is checked of it: one task, or all."""

    stage: int
    task: str = ""
    chaff: str = ""
    done: tuple[str, ...] = ()
    seed: int = SEED
    patience: str = "5"
    """What a bug keeps from happening is waited for in vain; what passes needs the usual patience ("")."""
    story: str = ""
    """Where several fail, this one: which of them is the first is chance."""

    def files(self) -> dict[str, str]:
        """The programs. Raises LookupError for a bug that there is not."""
        if not self.chaff:
            return ladder.starter(self.stage, frozenset(self.done))
        found = [each for each in chaffs() if each.name == self.chaff]
        if not found:
            raise LookupError(f"there is no chaff {self.chaff} in tests/kit/chaffs")
        return found[0].files()


GONE = "test_everyone_is_told_once_who_has_gone[direct-your-server-closes]"
UP = "test_no_name_leads_out_of_the_downloads[direct-your-client-up]"
GOODBYE = "test_ctrl_c_says_goodbye_to_all_who_know_the_word[direct-your-server]"
TITLE = "test_the_window_has_its_title_and_a_green_first_line[direct-your-client]"

FAILURES = {
    "fails-1-begin": Failure(1),
    "fails-1-framing": Failure(1, "1.1", chaff="one-recv-is-one-message", seed=12),
    "fails-1-threads": Failure(1, done=("1.1", "1.2")),
    "fails-2-lock": Failure(2, "2.4", chaff="told-under-the-lock", seed=12, story=GONE),
    "fails-3-names": Failure(3, "3.6", chaff="the-name-as-a-path", seed=12, story=UP),
    "fails-4-threads": Failure(4, done=("4.1", "4.2"), story=TITLE),
    "fails-5-shutdown": Failure(5, "5.4", chaff="close-without-shutdown", seed=12, story=GOODBYE),
    "passes-1": Failure(1, done=("1.1", "1.2", "1.3", "1.4", "1.5", "1.6"), patience=""),
}


def told(name: str, folder: Path) -> str:
    """Check this work in this folder; returns what the check says."""
    failure = FAILURES[name]
    stage = ladder.STAGES[failure.stage].name
    ladder.write(failure.files(), folder / "work" / stage)
    command = [sys.executable, "-m", "labkit", "check", str(failure.stage), "--dir", f"work/{stage}"]
    command += ["--seed", str(failure.seed)]
    for option in ("task", "story", "patience"):
        if value := getattr(failure, option):
            command += [f"--{option}", value]
    paths = {**os.environ, "PYTHONPATH": str(ladder.ROOT)}
    done = subprocess.run(command, cwd=folder, env=paths, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    # Where the check had its files this time, and how busy the machine was, says nothing to anybody.
    said = re.sub(r"/\S+/check-\w+/\S+?/(?=person|server)", "…/", done.stdout)
    return re.sub(r" in \d+ seconds$", " in … seconds", said, flags=re.MULTILINE)
