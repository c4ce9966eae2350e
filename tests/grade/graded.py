"""Makes classes to be graded, and grades them with the one command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit import ladder


def hand_in(inbox: Path, name: str, files: Mapping[str, str], stage: int | None = None) -> Path:
    """Put a submission into the inbox, as one that is a folder."""
    folder = inbox / name / (ladder.STAGES[stage].name if stage else "")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def configure(inbox: Path, points: Mapping[str, int], **more: Any) -> Path:
    """Write grade.toml beside the submissions: what stories are worth, and more."""
    limits = more.pop("limits", {})
    lines = [f"{name} = {json.dumps(value)}" for name, value in more.items()]
    lines += ["[limits]", *(f"{name} = {json.dumps(value)}" for name, value in limits.items())]
    lines += ["[points]", *(f"{json.dumps(name)} = {worth}" for name, worth in points.items())]
    inbox.mkdir(parents=True, exist_ok=True)
    path = inbox / "grade.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def grade(inbox: Path | str, out: Path, *options: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run the command; returns its exit status and what it printed."""
    command = [sys.executable, "-m", "labkit", "grade", str(inbox), "--out", str(out), *options]
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(
        command, cwd=ladder.ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def results(out: Path) -> dict[str, dict[str, Any]]:
    """All results, by the file that was handed in."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in (out / "results").glob("*.json")]
    return {result["submission"]["file"]: result for result in found}


def earned(result: dict[str, Any]) -> int:
    """A result's points."""
    return sum(stage["earned"] for stage in result["stages"])
