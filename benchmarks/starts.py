"""A pytest plugin for ``benchmarks.check``: writes down which programs each story starts (``-p benchmarks.starts``)."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.graded.pipes import Pipes
from tests.graded.terminal import Terminal

_story = ""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """From here on, what is started belongs to this story."""
    global _story
    _story = item.nodeid


def _noting(kind: type[Any]) -> None:
    start = kind.__init__

    def init(self: Any, command: Any, cwd: Path, env: Any = None, *more: Any, **options: Any) -> None:
        note = {"story": _story, "command": [str(part) for part in command], "env": dict(env or {})}
        with open(os.environ["STARTS"], "a", encoding="utf-8") as file:  # a line at once: two processes append
            file.write(json.dumps(note) + "\n")
        start(self, command, cwd, env, *more, **options)

    kind.__init__ = init


_noting(Terminal)
_noting(Pipes)
