"""A pytest plugin: which stories a submission is told, on what disk, and what comes of each."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from labkit import ladder
from labkit.grade.config import points_of
from labkit.grade.watchdog import Watchdog
from labkit.scratch import remove
from labkit.student.stories import Told, told_network, told_of
from labkit.tasks import in_order
from tests.graded import machine
from tests.graded.report import StoryFailure

# Files and folders on a story's disk: each takes memory of the system beyond its bytes.
INODES = 20_000

# A story that waited in vain on a machine with this many programs a core that want to run is told once more.
BUSY_LOAD = 2.0
BUSY = "The machine was busy: it is told once more."


class Grading:
    """Tells one stage's stories to one submission."""

    def __init__(self, job: dict[str, Any], stage: dict[str, Any], events: int) -> None:
        self._job = job
        self._stage: int = stage["stage"]
        self._only: set[str] = set(stage["only"])
        self._events = events
        self._told: dict[str, Told] = {}
        self._failed: dict[str, str] = {}  # the story that has failed, and its first scene that did
        self._watchdog: Watchdog | None = None

    def tell(self, event: dict[str, Any]) -> None:
        """Write what has happened."""
        data = json.dumps(event).encode() + b"\n"
        while data:
            data = data[os.write(self._events, data) :]

    # Which stories, and in which order.

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """This stage's own, as the tasks follow one another; the pairs of a scene side by side."""
        told = {item: story for item in items if (story := told_of(item)) and self._is_wanted(item, story)}
        seen = {scene: number for number, scene in enumerate(dict.fromkeys(each.scene for each in told.values()))}
        items[:] = sorted(told, key=lambda item: (in_order(told[item].place), seen[told[item].scene]))
        self._told = {item.nodeid: told[item] for item in items}
        self.tell({"collected": [self._described(item, told[item]) for item in items]})

    def _is_wanted(self, item: pytest.Item, told: Told) -> bool:
        # What carries this mark is not for stages' programs at all (tests/graded/conftest.py).
        never = item.get_closest_marker("skip") is not None
        if points_of(self._job["points"], _test(told), told.points) == 0:
            return False
        on_wanted = told_network(told.name) in self._job["networks"]
        return told.stage == self._stage and not never and on_wanted and (not self._only or told.id in self._only)

    def _described(self, item: pytest.Item, told: Told) -> dict[str, Any]:
        first = (getattr(getattr(item, "function", None), "__doc__", "") or "").strip().splitlines()
        return {
            "id": told.id, "task": told.place, "pair": told.pair, "name": told.name, "about": first[0] if first else "",
            "points": points_of(self._job["points"], _test(told), told.points),
        }  # fmt: skip

    # On what disk.

    @pytest.fixture
    def tmp_path(self, request: pytest.FixtureRequest) -> Iterator[Path]:
        """A story's folder: a small disk in memory, whose name says nothing about the story."""
        disk = Path(self._job["disk"])
        disk.mkdir(exist_ok=True)
        if self._job["mounts"]:
            options = f"size={self._job['disk_mb']}m,nr_inodes={INODES},mode=755"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)
        started = Path(self._job["started"])
        try:
            (disk / "chat").mkdir()
            (disk / "tmp").mkdir(mode=0o711)
            if self._job["launcher"]:
                self._watchdog = Watchdog(started, self._job)
                with self._watchdog:
                    yield disk / "chat"
            else:
                yield disk / "chat"
        finally:
            if self._job["mounts"]:
                subprocess.run(["umount", "--lazy", str(disk)], check=True)
            else:
                with suppress(OSError):
                    remove(disk)
            for file in started.glob("*"):
                file.unlink()

    # What comes of each.

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A story begins."""
        self.tell({"begins": nodeid})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """A story that has failed on one network has lost its points: on others it need not be told."""
        told = self._told[item.nodeid]
        if self._failed.get(told.test, told.scene) != told.scene:
            pytest.skip("spared")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
        """Tell what came of a story. Only a failed expectation is the submission's fault, all else is ours."""
        report = yield
        if report.when != "call" and report.outcome == "passed":
            return report
        told = self._told[item.nodeid]
        outcome, text = report.outcome, str(report.longrepr or "")
        error = call.excinfo.value if call.excinfo else None
        if report.outcome == "skipped":
            text = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else text
            outcome = "spared" if text == "spared" else "not graded"
        elif isinstance(error, OSError) and self._disk_is_full():
            text = f"The disk is full: the programs of this story wrote more than {self._job['disk_mb']} MB"
        elif report.outcome == "failed":
            text, outcome = self._whose_fault(error, text)
        if outcome == "failed" or text.startswith(BUSY):
            self._failed.setdefault(told.test, told.scene)
        self.tell({"ends": item.nodeid, "outcome": outcome, "text": text, "seconds": report.duration})
        return report

    def _whose_fault(self, error: BaseException | None, text: str) -> tuple[str, str]:
        if self._watchdog is not None and self._watchdog.verdict:
            return f"The grader stopped this story: {self._watchdog.verdict}\n{text}", "failed"
        if not isinstance(error, StoryFailure):
            return text, "not graded"
        if failed := self._not_started():
            return f"The sandbox could not start {failed} of the programs.\n{text}", "not graded"
        if f'File "{ladder.ROOT}/reference/' in text:
            return f"The reference itself went wrong.\n{text}", "not graded"
        busy = machine.crowding() > BUSY_LOAD
        if busy and self._job["first time"] and " seconds went by" in text:
            return f"{BUSY}\n{text}", "not graded"
        return text, "failed"

    def _not_started(self) -> int:
        """How many programs the sandbox could not start. Their launchers wrote no `child-pid` before they ended."""
        failed = 0
        for file in Path(self._job["started"]).glob("*"):
            with suppress(OSError):
                began = "child-pid" in file.read_text(errors="replace")
                failed += not began and not os.path.exists(f"/proc/{file.name}")
        return failed

    def _disk_is_full(self) -> bool:
        if not self._job["mounts"]:
            return False
        left = os.statvfs(self._job["disk"])
        return left.f_bavail == 0 or left.f_favail == 0


def _test(told: Told) -> str:
    return told.test.rpartition("::")[2]
