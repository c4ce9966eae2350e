"""Grades one submission: its stories told in a session of its own, within its time, and what came of each."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit import ladder
from labkit.grade.config import Limits
from labkit.grade.result import Story, Telling
from labkit.grade.sandbox import Place, Sandbox
from labkit.scratch import remove, scratch_folder
from labkit.student.stories import told_network
from tests.graded.network import NETWORKS

PREFIX = "chat-"
"""Of a session's folder among the temporary ones; the number of our process follows."""

NO_NEWS = 180.0
"""Seconds without any story's beginning or end after which the tests themselves are taken to be stuck."""

ABSENT = """import sys
print("There is no {name} in this submission", flush=True)
sys.exit(1)
"""


@dataclass(frozen=True)
class StagePrograms:
    """The programs of one stage: the files beside server.py and client.py by their path, and their bytes."""

    stage: int
    files: Mapping[str, bytes]


@dataclass
class Session:
    """One submission's grading. `run` fills `stories`, by stage and id; `fault` says what went wrong on our side."""

    programs: list[StagePrograms]
    seed: int
    limits: Limits
    sandbox: str
    retries: int = 1
    networks: tuple[str, ...] = NETWORKS
    points: dict[str, int] = field(default_factory=dict)
    stories: dict[int, dict[str, Story]] = field(default_factory=dict)
    fault: str = ""
    out_of_time: bool = False
    _is_first: bool = True

    def run(self) -> None:
        """Tell all stories; those that could not be told through no fault of the submission, once more."""
        deadline = time.monotonic() + self.limits.minutes * 60
        self._tell(None, deadline)
        for _ in range(self.retries):
            again = {stage: self._not_graded(stage) for stage in self.stories}
            if self.fault and not self.out_of_time:
                again = {each.stage: self._not_graded(each.stage) for each in self.programs}
            elif not any(again.values()):
                break
            self._tell(again, deadline)

    def _not_graded(self, stage: int) -> set[str]:
        """The tellings that may yet earn the points of their story."""
        stories = [story for story in self.stories.get(stage, {}).values() if not story.has_failed]
        again = ("not graded", "spared")
        return {telling.id for story in stories for telling in story.tellings if telling.outcome in again}

    def _tell(self, only: dict[int, set[str]] | None, deadline: float) -> None:
        self.fault = ""
        self._is_first = only is None
        with scratch_folder(f"{PREFIX}{os.getpid()}-") as scratch:
            for each in self.programs:
                if only is not None and each.stage in self.stories and not only.get(each.stage):
                    continue
                place = Place(scratch / str(each.stage))
                place.root.mkdir(mode=0o755)
                os.chmod(scratch, 0o755)
                _write(each.files, place.submission)
                self._tell_stage(each.stage, place, only.get(each.stage, set()) if only else set(), deadline)
                if self.fault or self.out_of_time:
                    break
        self._close_open_stories()

    def _tell_stage(self, stage: int, place: Place, only: set[str], deadline: float) -> None:
        sandbox = Sandbox(self.sandbox, place, self.limits)
        place.started.mkdir()
        (place.root / "new").mkdir()
        if sandbox.kind != "none":
            _copy_ours(place, sandbox)
            sandbox.write_launcher()
        job = {
            "own network": sandbox.kind in ("bubblewrap", "unshare"),
            "mounts": sandbox.kind in ("bubblewrap", "unshare"),
            "launcher": str(place.launcher) if sandbox.kind != "none" else "",
            "above": sandbox.above, "seed": self.seed, "disk": str(place.disk), "networks": self.networks,
            "points": self.points,
            "patience": self.limits.patience * (1 if self._is_first else 2), "first time": self._is_first,
            "started": str(place.started), "disk_mb": self.limits.disk_mb, "processes": self.limits.processes,
            "all_memory_mb": self.limits.all_memory_mb, "user": sandbox.users.submission if os.geteuid() == 0 else -1,
            "stages": [
                {"stage": stage, "folder": str(place.submission), "only": sorted(only), "again": self._again(stage)}
            ],
        }  # fmt: skip
        for event in self._events(sandbox, job, deadline):
            self._heed(stage, event)

    def _again(self, stage: int) -> str:
        folder = f"work/{ladder.STAGES[stage].name}"
        return f"python3 -m labkit check {stage} --dir {folder} --seed {self.seed} --story"

    def _events(self, sandbox: Sandbox, job: dict[str, Any], deadline: float) -> Iterator[dict[str, Any]]:
        ours, theirs = os.pipe()
        command = sandbox.session([sys.executable, "-m", "labkit.grade.driver", str(theirs), str(sandbox.place.root)])
        with open(sandbox.place.root / "log", "w+", encoding="utf-8", errors="replace") as log:
            child = subprocess.Popen(
                command, cwd=ladder.ROOT, env=_environment(), pass_fds=[theirs], stdin=subprocess.PIPE, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
            os.close(theirs)
            try:
                assert child.stdin is not None
                with suppress(BrokenPipeError), child.stdin:
                    child.stdin.write(json.dumps(job).encode())
                yield from self._read(ours, deadline)
                if self.out_of_time or self.fault:
                    return
                if child.wait() != 0:
                    log.seek(0)
                    self.fault = f"the tests ended with status {child.returncode}: {log.read()[-2000:]}"
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                os.close(ours)

    def _read(self, events: int, deadline: float) -> Iterator[dict[str, Any]]:
        rest, done = b"", False
        while True:
            left = deadline - time.monotonic()
            if not select.select([events], [], [], max(0.0, min(left, NO_NEWS)))[0]:
                if left <= NO_NEWS:
                    self.out_of_time = True
                else:
                    self.fault = f"nothing has happened for {NO_NEWS:g} seconds"
                return
            data = os.read(events, 65536)
            if not data:
                self.fault = self.fault or ("" if done else "the tests broke off")
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                event = json.loads(line)
                done = done or "done" in event
                yield event

    def _heed(self, stage: int, event: dict[str, Any]) -> None:
        if "broken" in event:
            self.fault = event["broken"]
        elif "collected" in event:
            self._expect(stage, event["collected"])
        elif "ends" in event:
            for story in self.stories[stage].values():
                for telling in story.tellings:
                    if telling.id == event["ends"]:
                        telling.outcome, telling.seconds = event["outcome"], round(event["seconds"], 3)
                        telling.text = event["text"] if event["outcome"] not in ("passed", "spared") else ""

    def _expect(self, stage: int, collected: list[dict[str, Any]]) -> None:
        """All that will be told; in a second telling it is there already."""
        stories = self.stories.setdefault(stage, {})
        for said in collected:
            story_of(stories, said["id"], said["name"], said["task"], said["points"], said["pair"], said["about"])

    def _close_open_stories(self) -> None:
        """What was not told: for lack of time, which is the submission's fault, or for lack of a machine that works."""
        for stories in self.stories.values():
            for story in stories.values():
                for telling in story.tellings:
                    if telling.outcome == "":
                        telling.outcome = "out of time" if self.out_of_time else "not graded"
                        telling.text = "" if self.out_of_time else self.fault


def story_of(stories: dict[str, Story], id: str, name: str, task: str, points: int, pair: str, about: str = "") -> None:
    """Add a telling to its story, unless it is there already."""
    test = id.partition("[")[0].rpartition("::")[2]
    story = stories.setdefault(test, Story(test, task, points, about, []))
    if all(telling.id != id for telling in story.tellings):
        story.tellings.append(Telling(id, name, pair, told_network(name)))


def clear_away() -> None:
    """Remove the folders of sessions whose grader was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}[0-9]*-*"):
        # Not Path.exists: it raises ProcessLookupError for a process that ends just then.
        if not os.path.exists(f"/proc/{folder.name.split('-')[1]}") and os.path.exists("/proc/self"):
            with suppress(OSError):
                remove(folder)


def _write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the programs, readable to every user; one that is absent says so when it is run."""
    absent = {name: ABSENT.format(name=name).encode() for name in ("server.py", "client.py") if name not in files}
    for name, content in {**files, **absent}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _copy_ours(place: Place, sandbox: Sandbox) -> None:
    """What programs need of the checkout, readable to their users, whatever the checkout's own permissions are."""
    kit = place.kit
    shutil.copytree(ladder.ROOT / "reference", kit / "reference", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("rough", "hasty"):
        shutil.copytree(ladder.ROOT / "tests" / "graded" / name, kit / "tests" / "graded" / name)
    for path in (kit, *kit.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    if os.geteuid() != 0:
        return
    # A group that no program of the submission is in: in a container it can see the folder.
    for path in (kit / "reference", *(kit / "reference").rglob("*")):
        os.chown(path, 0, sandbox.users.reference)
        path.chmod(0o750 if path.is_dir() else 0o640)


def _environment() -> dict[str, str]:
    """What the tests, and so the programs, find in their environment: nothing of whoever grades."""
    here = str(ladder.ROOT)
    tools = f"{Path(sys.prefix, 'bin')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": tools, "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONPATH": here, "PYTHONDONTWRITEBYTECODE": "1"}
