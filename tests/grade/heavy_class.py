"""A class of sixty graded with one command, every mark what it must be: `make check-grade`."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import pytest

from labkit import ladder
from tests.grade import graded
from tests.grade.attacks import World
from tests.grade.classes import POINTS, Pupil, the_class

SEED = 20211
LIMITS = {"patience": 6, "minutes": 6, "disk_mb": 200}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Where the class is, and its marks."""
    folder = tmp_path_factory.mktemp("class")
    return World(folder / "inbox", folder / "grades", 1, "nobody")


@pytest.fixture(scope="module")
def pupils(world: World) -> list[Pupil]:
    """The class, handed in."""
    found = the_class(world)
    graded.configure(world.inbox, POINTS, networks=["direct"], limits=LIMITS)
    for pupil in found:
        pupil.hand_in(world.inbox)
    return found


@pytest.fixture(scope="module")
def results(world: World, pupils: list[Pupil]) -> dict[str, dict[str, Any]]:
    """The class, graded."""
    status, said = graded.grade(world.inbox, world.out, "--stages", "1-2", "--jobs", "2", "--seed", str(SEED))
    assert status == 0, said
    return graded.results(world.out)


def test_every_mark_is_what_it_must_be(pupils: list[Pupil], results: dict[str, dict[str, Any]]) -> None:
    """For all sixty; and each loses just the stories that it must."""
    assert len(pupils) == len(results) == 60
    wrong = {
        pupil.file: (graded.earned(results[pupil.file]), pupil.earns, lost(results[pupil.file]))
        for pupil in pupils
        if graded.earned(results[pupil.file]) != pupil.earns
    }
    assert not wrong
    for pupil in pupils:
        if pupil.kind in ("wheat", "chaff"):
            assert lost(results[pupil.file]) == sorted(pupil.loses), pupil.file


def test_a_chaff_loses_a_story_and_a_solution_none(pupils: list[Pupil]) -> None:
    """The table of what must be earned is not just what came out."""
    assert all(pupil.loses for pupil in pupils if pupil.kind == "chaff")
    assert len({pupil.earns for pupil in pupils if pupil.kind == "solution"}) == 1


def test_the_gradebooks_have_all_sixty(world: World, results: dict[str, dict[str, Any]]) -> None:
    """Each with a mark."""
    with (world.out / "marks.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    assert all(row["mark"] for row in rows)


def test_the_same_seed_gives_the_same_marks(world: World, pupils: list[Pupil], tmp_path: Path) -> None:
    """For the whole class, and in the same words."""
    first = graded.results(world.out)
    status, said = graded.grade(world.inbox, tmp_path, "--stages", "1-2", "--jobs", "2", "--seed", str(SEED))
    assert status == 0, said
    again = graded.results(tmp_path)
    assert {file: lost(result) for file, result in again.items()} == {
        file: lost(result) for file, result in first.items()
    }


TWELVE = (
    "plain folder", "wheat asyncio_server", "wheat colour_client", "wheat select_client", "wheat selectors_server",
    "wheat prompt_client", "wheat socketserver_server", "chaff no-roster", "chaff told-of-oneself",
    "chaff who-never-came-goes", "chaff numbers-from-0", "chaff refused-for-good",
)  # fmt: skip


@pytest.mark.parametrize("seed", [1, 22, 333, 4444, 55555])
def test_another_seed_gives_the_same_marks(seed: int, world: World, pupils: list[Pupil], tmp_path: Path) -> None:
    """For a solution, wheats and chaffs."""
    inbox = twelve(tmp_path / "inbox", pupils)
    status, said = graded.grade(inbox, tmp_path / "out", "--stages", "1-2", "--jobs", "2", "--seed", str(seed))
    assert status == 0, said
    earned = {file: graded.earned(result) for file, result in graded.results(tmp_path / "out").items()}
    assert earned == {pupil.file: pupil.earns for pupil in pupils if pupil.file in TWELVE}


def test_two_at_a_time_take_little_more_than_half(pupils: list[Pupil], tmp_path: Path) -> None:
    """At most 1.3 times the sum of single gradings divided by the cores, which are two here."""
    inbox = twelve(tmp_path / "inbox", pupils)
    seconds = {}
    for jobs in ("1", "2"):
        began = time.monotonic()
        status, said = graded.grade(inbox, tmp_path / jobs, "--stages", "1-2", "--jobs", jobs, "--seed", str(SEED))
        seconds[jobs] = time.monotonic() - began
        assert status == 0, said
    singles = sum(result["seconds"] for result in graded.results(tmp_path / "1").values())
    print(f"one at a time {seconds['1']:.0f} s (the sum {singles:.0f} s), two at a time {seconds['2']:.0f} s")
    assert seconds["2"] <= 1.3 * singles / 2


def twelve(inbox: Path, pupils: list[Pupil]) -> Path:
    """A small class of those who must earn the same with any seed."""
    graded.configure(inbox, POINTS, networks=["direct"], limits=LIMITS)
    for pupil in pupils:
        if pupil.file in TWELVE:
            pupil.hand_in(inbox)
    return inbox


def lost(result: dict[str, Any]) -> list[str]:
    """The stories that a submission lost."""
    return sorted(
        story["test"] for stage in result["stages"] for story in stage["stories"] if story["outcome"] != "passed"
    )


def test_the_class_is_of_these_stages() -> None:
    """What the marks above stand on."""
    assert {1, 2} <= set(ladder.STAGES)
