"""The command as it is typed, with submissions that need no sandbox: nothing in them is run."""

from __future__ import annotations

import re
from pathlib import Path

from tests.grade import graded

STAGE_1 = ("--stages", "1", "--sandbox", "none")


def without_programs(inbox: Path, *names: str) -> Path:
    """Submissions of people who have handed in notes."""
    for name in names:
        graded.hand_in(inbox, name, {"notes.txt": "sorry"})
    return inbox


def test_nobody_who_lacks_a_program_is_told_less_than_the_others(tmp_path: Path) -> None:
    """All lose the same stories, however many are graded at a time."""
    inbox = without_programs(tmp_path / "in", *(f"student {number}" for number in range(8)))
    status, said = graded.grade(inbox, tmp_path / "out", *STAGE_1, "--jobs", "8")
    assert status == 0, said
    results = graded.results(tmp_path / "out").values()
    assert len(results) == 8
    assert len({sum(stage["points"] for stage in result["stages"]) for result in results}) == 1
    assert {graded.earned(result) for result in results} == {0}
    assert len(re.findall(r"\d of 8 +student", said)) == 8


def test_a_roster_that_comes_later_doubles_nobody(tmp_path: Path) -> None:
    """The result is of the one whom the roster names, and is not made again."""
    inbox = without_programs(tmp_path / "in", "Ada Good", "Bob")
    assert graded.grade(inbox, tmp_path / "out", *STAGE_1)[0] == 0
    (tmp_path / "roster.csv").write_text("name,id\nAda Good,101\n")
    status, said = graded.grade(inbox, tmp_path / "out", *STAGE_1, "--roster", str(tmp_path / "roster.csv"))
    assert status == 0, said
    assert "2 are done already" in said
    assert sorted(path.stem for path in (tmp_path / "out" / "results").glob("*.json"))[0] == "101"
    assert len(list((tmp_path / "out" / "results").glob("*.json"))) == 2
    assert len((tmp_path / "out" / "marks.csv").read_text().splitlines()) == 3


def test_whom_two_names_fit_is_asked_about(tmp_path: Path) -> None:
    """A mark is not set for somebody, nor somebody forgotten, by a name that two have."""
    (tmp_path / "roster.csv").write_text("name,id\nAda Good,101\nAda Good,102\n")
    inbox = without_programs(tmp_path / "in", "101", "102")
    assert graded.grade(inbox, tmp_path / "out", *STAGE_1, "--roster", str(tmp_path / "roster.csv"))[0] == 0
    status, said = graded.grade("", tmp_path / "out", "--forget", "Ada Good")
    assert (status, "say 101 or 102" in said) == (2, True), said
    assert graded.grade("", tmp_path / "out", "--forget", "101")[0] == 0


def test_a_pattern_that_fits_no_story_is_named(tmp_path: Path) -> None:
    """A misspelt one would hide nothing."""
    inbox = without_programs(tmp_path / "in", "ada")
    graded.configure(inbox, {"test_architectur": 0, "test_wire_*": 2, "test_*": 1})
    status, said = graded.grade(inbox, tmp_path / "out", *STAGE_1)
    assert status == 0, said
    assert "NO STORY is called test_architectur, which" in said
    assert "test_*" not in said
