"""Submissions are found as platforms export them, and it is known whose they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.grade import programs, roster
from labkit.grade.inbox import find, key_of, opened, passed_over
from labkit.grade.roster import BadRoster, Roster
from tests.grade.classes import zipped

FILES = {"server.py": "s", "client.py": "c"}

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Lab (99),Final Score
    Points Possible,,,,,100,(read only)
"Doe, Jane",123,u1,jane,One,,
"Иванов, Борис",77,u2,boris,One,,
"Student, Test",9,,x,One,,
"""

MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (submission),"
    "Last modified (grade),Feedback comments\nParticipant 77,Jane Doe,jane@x.org,Submitted,,100.00,Yes,-,-,\n"
)


def hand_in(folder: Path, name: str, text: str) -> None:
    """A folder with a server that says this."""
    (folder / name).mkdir(parents=True)
    (folder / name / "server.py").write_text(text)


def put(folder: Path, *names: str) -> Path:
    """Put archives, and folders whose names end with a slash, into an inbox."""
    for name in names:
        if name.endswith("/"):
            (folder / name).mkdir(parents=True)
            (folder / name / "server.py").write_text("s")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(zipped(FILES))
    return folder


def people(tmp_path: Path, text: str) -> Roster:
    """A roster with this text."""
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return roster.read(path)


def test_canvas_names_are_understood(tmp_path: Path) -> None:
    """The user's number finds the row of the gradebook; LATE is kept."""
    inbox = put(tmp_path / "in", "doejane_LATE_123_456_lab 1.zip", "ivanov_77_457_lab.zip")
    found = {each.id: each for each in find(inbox, people(tmp_path, CANVAS))}
    assert found["123"].name == "Doe, Jane"
    assert found["123"].late
    assert found["77"].name == "Иванов, Борис"
    assert not found["77"].late


def test_several_files_of_one_student_are_one_submission(tmp_path: Path) -> None:
    """With the names that the student gave them, without what Canvas puts before and behind."""
    inbox = tmp_path / "in"
    inbox.mkdir()
    (inbox / "doejane_123_456_server.py").write_text("s")
    (inbox / "doejane_123_457_client-2.py").write_text("c")
    (only,) = find(inbox, Roster())
    assert only.read().files == {"server.py": b"s", "client.py": b"c"}


def test_moodle_folders_are_understood(tmp_path: Path) -> None:
    """The participant's number finds the row of the worksheet."""
    inbox = put(tmp_path / "in", "Jane D_77_assignsubmission_file_/")
    (only,) = find(inbox, people(tmp_path, MOODLE))
    assert (only.name, only.email) == ("Jane Doe", "jane@x.org")


def test_gradescope_says_whose_it_is_in_yaml(tmp_path: Path) -> None:
    """With the time that it was handed in."""
    inbox = put(tmp_path / "in" / "assignment_1_export", "submission_55/", "submission_56/")
    (inbox / "submission_metadata.yml").write_text(
        "submission_55:\n  :submitters:\n  - :name: Jane Doe\n    :sid: '900'\n    :email: jane@x.org\n"
        "  :created_at: 2026-11-20 10:00:00.0 Z\n",
        encoding="utf-8",
    )
    found = {each.file: each for each in find(tmp_path / "in", Roster())}
    assert found["submission_55"].name == "Jane Doe"
    assert found["submission_55"].submitted is not None
    assert found["submission_56"].id == "56"


def test_the_platforms_own_zip_is_opened(tmp_path: Path) -> None:
    """And is gone again when all is graded."""
    (tmp_path / "all.zip").write_bytes(zipped({"export/a/server.py": "s", "export/b/server.py": "s"}))
    with opened(tmp_path / "all.zip") as folder:
        assert [each.name for each in find(folder, Roster())] == ["a", "b"]
    assert not folder.exists()


def test_what_is_no_submission_is_passed_over_and_named(tmp_path: Path) -> None:
    """Nobody gets a zero because of a file that nobody looked at, without a word."""
    (tmp_path / "ada").mkdir()
    for name in ("bob.rar", "server.py", "grade.toml", "class.csv"):
        (tmp_path / name).touch()
    assert [each.name for each in find(tmp_path, Roster())] == ["ada"]
    assert passed_over(tmp_path) == ["bob.rar", "server.py"]


@pytest.mark.parametrize("name", ["=cmd|' !C'", "<script>", "a\nb", "../x", "ａ", "A", "a"])
def test_a_key_is_a_plain_file_name(name: str) -> None:
    """Readable where it can be, and another for everyone."""
    key = key_of(name)
    assert key.isascii()
    assert all(letter.isalnum() or letter == "-" for letter in key)
    assert (key == "a") == (name == "a")


def test_a_roster_without_names_of_columns_is_refused(tmp_path: Path) -> None:
    """In one line that says what is missing."""
    with pytest.raises(BadRoster, match="first line must name the columns"):
        people(tmp_path, "Jane Doe,jane@x.org\n")


def test_a_name_that_two_have_finds_neither(tmp_path: Path) -> None:
    """Better nobody's mark than another's."""
    both = people(tmp_path, "name,id\nJane Doe,1\nJane Doe,2\n")
    assert both.find(ids=set(), name="Jane Doe") is None
    assert both.find(ids={"2"}, name="Jane Doe") is both.people[1]


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        (["server.py", "client.py"], {1: "(top)", 2: "(top)"}),
        (["my lab/server.py", "my lab/client.py"], {1: "my lab", 2: "my lab"}),
        (["1_text/server.py", "2_roster/server.py"], {1: "1_text", 2: "2_roster"}),
        (["work/Stage 2/client.py"], {2: "work/Stage 2"}),
        (["readme.txt"], {}),
    ],
)
def test_programs_are_found_by_the_number_of_their_folder(paths: list[str], wanted: dict[int, str]) -> None:
    """And a lone one is taken for every stage."""
    _, where, _ = programs.find(dict.fromkeys(paths, b""), [1, 2])
    assert where == wanted


def test_two_submissions_of_one_student_are_not_mixed_without_a_word(tmp_path: Path) -> None:
    """The first counts, and the student's page says so."""
    (tmp_path / "roster.csv").write_text("name,id\nAda Good,101\n")
    hand_in(tmp_path / "in", "101", "first")
    hand_in(tmp_path / "in", "Ada Good", "second")
    (ada,) = find(tmp_path / "in", roster.read(tmp_path / "roster.csv"))
    read = ada.read()
    assert read.files == {"server.py": b"first"}
    assert read.problems == ["handed in twice: server.py of 101 counts, not of Ada Good"]


def test_results_among_the_submissions_are_nobodys(tmp_path: Path) -> None:
    """As when OUT lies in SUBMISSIONS."""
    hand_in(tmp_path, "ada", "s")
    (tmp_path / "grades" / "results").mkdir(parents=True)
    (tmp_path / "grades" / "class.json").write_text("{}")
    assert [each.key for each in find(tmp_path, Roster())] == ["ada"]
    assert passed_over(tmp_path) == []


def test_a_roster_may_have_semicolons(tmp_path: Path) -> None:
    """As Excel writes a CSV where the comma is for decimals."""
    (tmp_path / "roster.csv").write_text("name;id\nAda Good;101\n")
    (ada,) = roster.read(tmp_path / "roster.csv").people
    assert (ada.name, ada.id) == ("Ada Good", "101")
