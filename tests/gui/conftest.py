"""Kivy draws without a screen here: on an offscreen surface, by software. Real windows are in test_outside.py."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["SDL_VIDEODRIVER"] = "offscreen"
os.environ["SDL_AUDIODRIVER"] = "dummy"
os.environ["KIVY_HOME"] = tempfile.mkdtemp(prefix="kivy-")

from tests.gui.desk import Desk
from tests.gui.rig import Rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    """An open window, offscreen, in this process; nobody else is there."""
    with Rig() as rig:
        yield rig


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A screen with a server behind it: for real windows and terminals."""
    with Desk(tmp_path) as desk:
        yield desk
