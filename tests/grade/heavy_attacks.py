"""The attacks, all graded as one class beside honest neighbours: `make check-grade`.

None gets a point it should not have, reads what it must not, leaves anything behind, or is felt by who is graded beside
it.
"""

from __future__ import annotations

import csv
import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.grade import graded
from tests.grade.attacks import ATTACKS, FILE, MARKER, POINTS, SAYS, TEXT, TOKEN, Attack, World, solution

NEIGHBOURS = [attack for attack in ATTACKS if attack.has_neighbour]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A machine with secrets on it: files, a server, a socket without a path."""
    folder = tmp_path_factory.mktemp("world")
    world = World(folder / "inbox", folder / "grades", 0, f"{MARKER}-{os.getpid()}")
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{world.abstract}")
        abstract.listen()
        yield World(world.inbox, world.out, listener.getsockname()[1], world.abstract)


@pytest.fixture(scope="module")
def marks(world: World) -> dict[str, dict[str, Any]]:
    """The results of the class, by what was handed in."""
    graded.configure(world.inbox, POINTS, networks=["direct"], limits={"patience": 6, "minutes": 4, "disk_mb": 200})
    graded.hand_in(world.inbox, "victim", {**solution(), "secret.txt": TOKEN}, 1)
    for number, attack in enumerate(ATTACKS):
        graded.hand_in(world.inbox, folder_of(attack, number), attack.files(world), attack.stage)
        if attack.has_neighbour:
            graded.hand_in(world.inbox, f"{number:02} neighbour", solution(), 1)
    status, said = graded.grade(
        world.inbox,
        world.out,
        "--stages",
        "1,3",
        "--jobs",
        "2",
        "--seed",
        "7",
        env={"SECRET": TOKEN, "PYTEST_X": TOKEN},
    )
    (world.out / "said.txt").write_text(said)
    assert status in (0, 1), said
    return graded.results(world.out)


def folder_of(attack: Attack, number: int) -> str:
    """What it is handed in as; in the order of the table, so that its neighbour runs beside it."""
    return attack.folder or f"{number:02} {attack.name}"


@pytest.mark.parametrize(("number", "attack"), enumerate(ATTACKS), ids=[attack.name for attack in ATTACKS])
def test_it_earns_what_it_deserves(number: int, attack: Attack, marks: dict[str, dict[str, Any]]) -> None:
    """Not a point more; and what its program printed shows that it has tried."""
    result = marks_of(marks, folder_of(attack, number))
    text = texts(result)
    assert not result["fault"], result["fault"]
    assert "GOT" not in text, text
    assert graded.earned(result) == attack.points, text
    assert text.count("| HELD") >= min(attack.held, 5), text
    assert TOKEN not in text


@pytest.mark.parametrize("attack", NEIGHBOURS, ids=[attack.name for attack in NEIGHBOURS])
def test_who_is_graded_beside_it_does_not_feel_it(attack: Attack, marks: dict[str, dict[str, Any]]) -> None:
    """It has all its points, in its time."""
    result = marks_of(marks, f"{ATTACKS.index(attack):02} neighbour")
    assert graded.earned(result) == SAYS + TEXT, texts(result)


def test_nothing_is_left_running(marks: dict[str, dict[str, Any]]) -> None:
    """No daemon, wherever it had gone."""
    left = []
    for entry in os.listdir("/proc"):
        with suppress(OSError):
            left += [entry] if MARKER.encode() in Path(f"/proc/{entry}/cmdline").read_bytes() else []
    assert not left


def test_nothing_is_written_outside(world: World, marks: dict[str, dict[str, Any]]) -> None:
    """Neither beside the results nor in the places that everyone may write to."""
    found = [
        path for place in (world.out, world.inbox, Path("/tmp"), Path("/dev/shm")) for path in place.glob(f"{MARKER}*")
    ]
    assert not found
    assert (world.inbox / "victim" / "1_text" / "secret.txt").read_text() == TOKEN


def test_no_report_has_what_a_terminal_or_a_browser_would_obey(world: World, marks: dict[str, dict[str, Any]]) -> None:
    """No escape code anywhere, no tag of a submission's own in a page, and no page without its policy."""
    for path in world.out.rglob("*"):
        if path.suffix in (".html", ".md", ".json", ".csv", ".xml") or path.name == "said.txt":
            text = path.read_text(encoding="utf-8")
            assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text), path
        if path.suffix == ".html":
            assert "<script" not in text, path
            assert "<img" not in text, path
            assert "onerror=alert(1)>" not in text, path
            assert "default-src 'none'" in text, path


def test_no_cell_is_a_formula(world: World, marks: dict[str, dict[str, Any]]) -> None:
    """In none of the gradebooks; and a name with a line break makes no line of its own."""
    for name in ("canvas.csv", "moodle.csv", "marks.csv"):
        with (world.out / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert len({len(row) for row in rows}) == 1, name
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert any("calc" in cell for row in rows for cell in row), name


def test_there_are_attacks_enough() -> None:
    """At least forty, each with what it tries and what must stay true."""
    assert len(ATTACKS) >= 40
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert all(attack.tries and attack.stays for attack in ATTACKS)
    assert FILE


def marks_of(marks: dict[str, dict[str, Any]], folder: str) -> dict[str, Any]:
    """One result. What is handed in is called by its folder, harmlessly."""
    return marks[folder]


def texts(result: dict[str, Any]) -> str:
    """All that its failures tell."""
    stories = [story for stage in result["stages"] for story in stage["stories"]]
    return "\n".join(telling["text"] for story in stories for telling in story["tellings"])
