"""Grades one submission where Gradescope puts it: /autograder/submission, to /autograder/results/results.json.

Each submission has a container of its own there. If that lets us make namespaces the usual sandbox is used; else other
users and limits, within the container.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from labkit import ladder
from labkit.grade import config as configuration
from labkit.grade.classroom import Class
from labkit.grade.command import stages
from labkit.grade.config import BadConfig, Config
from labkit.grade.inbox import Submission, time_of
from labkit.grade.job import grade
from labkit.grade.marks import set_mark
from labkit.grade.reports import gradescope
from labkit.grade.sandbox import CannotGrade, choose
from labkit.grade.store import Store, write

DEFAULT_SEED = 20211
"""Where the configuration has none: the same for everyone, and at each run."""


def main(arguments: list[str]) -> int:
    """Grade; the exit status is 0 when the file was written, whatever is in it, and 1 when there is no mark."""
    root = Path(arguments[0] if arguments else "/autograder")
    try:
        document = _graded(root)
    except (BadConfig, CannotGrade, OSError) as error:
        # Without a score Gradescope shows the output and asks for a rerun: no zero for a fault of ours.
        print(f"NOT GRADED: {error}", file=sys.stderr)
        return 1
    write(root / "results" / "results.json", json.dumps(document, indent=1) + "\n")
    return 0


def _graded(root: Path) -> dict[str, Any]:
    file = ladder.ROOT / "grade.toml"
    config = configuration.read(file if file.exists() else None)
    wanted = ladder.ROOT / "stages.txt"
    listed = stages(wanted.read_text().strip()) if wanted.exists() else sorted(ladder.STAGES)
    seed = config.seed if config.seed is not None else DEFAULT_SEED
    job = Class(config, listed, seed, _sandbox(), Store(root / "results")).job(_submission(root))
    result = grade(job)
    set_mark(result, _without_lateness(config))
    if result.mark["mark"] is None:
        why = result.fault or f"{len(result.not_graded)} stories could not be run, which is not your fault"
        raise CannotGrade(f"{why}. Your instructor can run it again (Rerun Autograder)")
    return gradescope.document(result, config)


def _sandbox() -> str:
    try:
        return choose("auto")
    except CannotGrade:
        if os.geteuid() != 0:
            raise
        return "container"


def _without_lateness(config: Config) -> Config:
    """Gradescope has a late policy of its own."""
    return configuration.replace(config, due=None, late=configuration.Late())


def _submission(root: Path) -> Submission:
    try:
        said = json.loads((root / "submission_metadata.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = {}
    users = said.get("users") or [{}]
    name = " and ".join(str(user.get("name", "")) for user in users)
    return Submission(
        "submission", name, str(users[0].get("sid") or ""), str(users[0].get("email") or ""),
        time_of(said.get("created_at")), False, [root / "submission"],
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
