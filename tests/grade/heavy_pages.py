"""The pages, opened in Chromium: wide and as on a phone, by keyboard, and asking nobody for anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labkit import ladder
from labkit.grade import reports
from labkit.grade.config import Config
from labkit.grade.roster import Roster
from labkit.grade.store import Store
from tests.grade.made import result, story

BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or ""
MODULES = ladder.ROOT / "node_modules" / "playwright-core"

pytestmark = pytest.mark.skipif(
    not (BROWSER and MODULES.is_dir() and shutil.which("node")),
    reason="needs Chromium and `npm ci`, as the guide's checks",
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What a browser saw of a class's page and a student's, with hostile names and texts in them."""
    store = Store(tmp_path_factory.mktemp("pages"))
    store.prepare()
    people = [result(f"student-{number:03}", name=f"Student {number}") for number in range(60)]
    people.append(result("eve", name="<script>alert(1)</script><img src=http://127.0.0.1:9/x>"))
    people.append(result("open", None, story("test_a", "1.1", 1, "not graded", "no memory left")))
    reports.write(store, people, Config(title="<img src=x onerror=alert(1)>"), Roster())
    pages = [store.folder / "index.html", store.folder / "students" / "eve.html"]
    command = ["node", str(Path(__file__).with_name("look.mjs")), BROWSER, str(store.folder), *map(str, pages)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(found) == 4
    return found


def test_nobody_is_asked_for_anything(seen: list[dict[str, Any]]) -> None:
    """But for the page itself, once."""
    for each in seen:
        assert len(each["asked"]) == 1, each
        assert each["asked"][0].startswith("file:"), each


def test_nothing_runs(seen: list[dict[str, Any]]) -> None:
    """No dialog, no message."""
    assert [each["said"] for each in seen] == [[], [], [], []]


def test_it_fits_on_a_phone(seen: list[dict[str, Any]]) -> None:
    """Nothing but tables has to be moved sideways."""
    assert not [each["page"] for each in seen if each["overflows"]]


def test_the_keyboard_is_enough(seen: list[dict[str, Any]]) -> None:
    """Tab goes through what can be used, and Enter opens a story."""
    for each in seen:
        assert "BODY" not in each["visited"], each
        assert each["opened"] is not False, each
    assert [each["opened"] for each in seen if each["page"] == "eve.html"] == [True, True]


def test_those_who_see_badly_can_read_it(seen: list[dict[str, Any]]) -> None:
    """By the rules of WCAG 2 A and AA that axe can check."""
    assert [each["violations"] for each in seen] == [[], [], [], []]
