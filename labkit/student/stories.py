"""A pytest plugin: which stories there are, which of them a check tells, and what comes of each.

It is loaded by name (``-p labkit.student.stories``) into the pytest that ``run.py`` starts, and into its workers.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labkit.tasks import in_order
from tests.graded.network import NETWORKS

# As tests/graded/conftest.py calls them.
PAIRS = ("both-yours", "your-server", "your-client")


@dataclass(frozen=True)
class Told:
    """One story as it is told once: on one network, by one pair of server and client."""

    id: str
    name: str
    task: str
    needs: tuple[str, ...]
    points: int
    pair: str

    @property
    def stage(self) -> int:
        """The stage of its task."""
        return in_order(self.task)[0]

    @property
    def place(self) -> str:
        """The task after which it can pass: its own, or a later one that it needs."""
        return max(self.task, *self.needs, key=in_order) if self.needs else self.task

    @property
    def test(self) -> str:
        """The story, however many times it is told."""
        return self.id.split("[")[0]

    @property
    def scene(self) -> str:
        """The story and its network: the same for each pair that it is told with."""
        return self.name.replace(self.pair, "")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What run.py says."""
    group = parser.getgroup("check", "a check of a student's work")
    group.addoption("--told", help="tell just the stories whose ids are in this file, in its order")
    group.addoption("--events", type=int, help="write to this file descriptor what happens, one JSON object a line")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what is asked for, in the order in which it is."""
    if config.getoption("--told"):
        by_id = {item.nodeid: item for item in items}
        wanted = Path(config.getoption("--told")).read_text(encoding="utf-8").splitlines()
        items[:] = [by_id[each] for each in wanted if each in by_id]


def told_of(item: pytest.Item) -> Told | None:
    """What a test's mark says; None for a test that is of no task."""
    mark = item.get_closest_marker("task")
    if mark is None:
        return None
    pair = next((pair for pair in PAIRS if pair in item.name), "")
    needs = tuple(mark.kwargs.get("needs", ()))
    return Told(item.nodeid, item.name, mark.args[0], needs, mark.kwargs.get("points", 1), pair)


def told_network(name: str) -> str:
    """The network that a story was told on, by its name; "direct" where it has none."""
    words = name.partition("[")[2].rstrip("]").split("-")
    return next((word for word in words if word in NETWORKS), "direct")


class Reporter:
    """Tells run.py what happens; only in the pytest that it started, not in that one's workers."""

    def __init__(self, events: int) -> None:
        self._events = events

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A story begins."""
        self._tell({"begins": nodeid})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A story has ended, or failed before it began, or when all was to be put away."""
        if report.when == "call" or report.outcome != "passed":
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
            self._tell({"ends": report.nodeid, "outcome": report.outcome, "text": reason, "seconds": report.duration})

    def _tell(self, event: dict[str, Any]) -> None:
        os.write(self._events, json.dumps(event).encode() + b"\n")


def pytest_configure(config: pytest.Config) -> None:
    """Report, if somebody listens."""
    if config.getoption("--events") is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporter(config.getoption("--events")))


class Collector:
    """Keeps the stories that a collection has found, and whether Ctrl-C has broken it off."""

    def __init__(self) -> None:
        self.stories: list[Told] = []
        self.interrupted = False

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C; or else pytest itself has broken off."""
        self.interrupted = excinfo.type is KeyboardInterrupt

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """All are there, in their order."""
        self.stories = [told for item in session.items if (told := told_of(item))]
