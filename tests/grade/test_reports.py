"""The reports, against the formats that they are for; and nothing from outside acts in them."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from lxml import etree

from labkit import ladder
from labkit.grade import reports
from labkit.grade.config import Config, Visibility
from labkit.grade.marks import set_mark
from labkit.grade.reports import classpage, gradebook, gradescope, junit, studentpage
from labkit.grade.roster import Roster, read
from labkit.grade.store import Store
from tests.grade.made import HOSTILE, result, story

SCHEMA = json.loads((ladder.ROOT / "labkit" / "grade" / "result.schema.json").read_text(encoding="utf-8"))

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (99)
    Points Possible,,,,,100
"Doe, Ada",1,s1,ada,One,
"Roe, Bob",2,s2,bob,One,
"""
MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (submission),"
    "Last modified (grade),Feedback comments\nParticipant 1,Ada Doe,ada@x.org,Submitted,,50.00,Yes,then,-,\n"
)

# https://gradescope-autograders.readthedocs.io/en/latest/specs/, as a schema.
VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
GRADESCOPE = {
    "type": "object", "additionalProperties": False, "required": ["score", "tests"],
    "properties": {
        "score": {"type": "number"}, "execution_time": {"type": "integer"}, "output": {"type": "string"},
        "output_format": FORMAT, "test_output_format": FORMAT, "test_name_format": FORMAT, "visibility": VISIBILITY,
        "stdout_visibility": VISIBILITY, "extra_data": {"type": "object"}, "leaderboard": {"type": "array"},
        "tests": {"type": "array", "items": {
            "type": "object", "additionalProperties": False,
            "properties": {
                "score": {"type": "number"}, "max_score": {"type": "number"}, "status": {"enum": ["passed", "failed"]},
                "name": {"type": "string"}, "name_format": FORMAT, "number": {"type": "string"},
                "output": {"type": "string"}, "output_format": FORMAT, "visibility": VISIBILITY,
                "tags": {"type": "array", "items": {"type": "string"}}, "extra_data": {"type": "object"},
            },
        }},
    },
}  # fmt: skip


def roster(tmp_path: Path, text: str) -> Roster:
    """A roster with this text."""
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    return read(tmp_path / "roster.csv")


def rows(text: str) -> list[dict[str, str]]:
    """A table's rows."""
    return list(csv.DictReader(io.StringIO(text)))


def test_a_result_keeps_to_its_schema() -> None:
    """Whatever came of it."""
    for outcome in ("passed", "failed", "spared", "out of time", "not graded"):
        graded = result("ada", None, story("test_a", "1.1", 2, outcome, "text"))
        jsonschema.validate(graded.to_json(), SCHEMA)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_canvas_gets_its_own_columns_back(tmp_path: Path) -> None:
    """The five that name a student and the assignment as Canvas calls it; an empty cell for who has no mark."""
    people = roster(tmp_path, CANVAS)
    text = gradebook.canvas([result("ada", id="1")], Config(title="Lab 1"), people)
    assert text.splitlines()[0] == "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (99)"
    points, ada, bob = rows(text)
    assert points["Student"].strip() == "Points Possible"
    assert points["Lab 1 (99)"] == "100"
    assert (ada["Student"], ada["ID"], ada["SIS Login ID"], ada["Lab 1 (99)"]) == ("Doe, Ada", "1", "ada", "75")
    assert bob["Lab 1 (99)"] == ""


def test_moodle_gets_its_worksheet_back(tmp_path: Path) -> None:
    """Only Grade and Feedback comments are other than they were."""
    people = roster(tmp_path, MOODLE)
    (row,) = rows(gradebook.moodle([result("ada", id="1", email="ada@x.org")], Config(), people))
    before = people.people[0].row
    assert {name for name in row if row[name] != before[name]} == {"Grade", "Feedback comments"}
    assert row["Grade"] == "75"
    assert "1.2" in row["Feedback comments"]


def test_without_a_roster_the_columns_are_there_all_the_same() -> None:
    """With what the names of the files said."""
    (row,) = rows(gradebook.moodle([result("ada", id="7")], Config(), Roster()))
    assert tuple(row) == gradebook.MOODLE
    assert row["Identifier"] == "Participant 7"
    assert rows(gradebook.canvas([result("ada", id="7")], Config(), Roster()))[1]["ID"] == "7"


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", " =", "＝"])
def test_no_cell_is_a_formula(begins: str) -> None:
    """Whatever a student is called."""
    graded = result("ada", name=f"{begins}cmd|' /C calc'!A0")
    for text in (
        gradebook.plain([graded], Config()),
        gradebook.canvas([graded], Config(), Roster()),
        gradebook.moodle([graded], Config(), Roster()),
    ):
        assert any(cell.startswith("'") for row in csv.reader(io.StringIO(text)) for cell in row)
        assert not any(cell.startswith(begins) for row in csv.reader(io.StringIO(text)) for cell in row)


def test_gradescopes_file_has_the_documented_fields() -> None:
    """And no others; hidden stories are hidden there too."""
    config = Config(visibility=Visibility(hidden=("test_two",), after_due=("test_one",)))
    document = gradescope.document(result(config=config), config)
    jsonschema.validate(document, GRADESCOPE)
    assert [test["visibility"] for test in document["tests"]] == ["after_due_date", "hidden"]
    assert document["score"] == 75


def test_gradescope_gets_nothing_while_there_is_no_mark(tmp_path: Path) -> None:
    """A score of what was run alone would be lower than it should; what a run before has left goes too."""
    store = Store(tmp_path)
    files = [tmp_path / "gradescope" / key / "results.json" for key in ("ada", "bob")]
    reports.write(store, [result("ada"), result("bob")], Config(), Roster())
    assert [file.exists() for file in files] == [True, True]
    not_run = result("bob", None, story("test_a", "1.1", 2, "not graded", "no memory was left"))
    reports.write(store, [result("ada"), not_run], Config(), Roster())
    assert [file.exists() for file in files] == [True, False]


def test_junit_keeps_to_its_schema() -> None:
    """Also with characters that XML cannot have; what could not be graded is an error."""
    schema = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit.xsd")))
    stories = [story("test_a", "1.1", 1, "failed", "\x00\x1b]0;<&>"), story("test_b", "1.1", 1, "not graded", "why")]
    text = junit.document([result("ada", None, *stories), result("bob")])
    document = etree.fromstring(text.encode())
    schema.assertValid(document)
    assert [suite.get("errors") for suite in document] == ["1", "0"]


class Tags(HTMLParser):
    """Which tags and attributes a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One begins."""
        self.tags.append((tag, dict(attrs)))


def pages() -> list[str]:
    """A student's page and the class's, with hostile names and texts in them."""
    hostile = result("ada", name="<script>alert(1)</script>")
    set_mark(hostile, Config(), {"mark": 1.0, "reason": "</p><script>", "when": "now"})
    config = Config(title="<script>x</script>")
    return [studentpage.html(hostile, config, True), classpage.html([hostile, result("bob")], config, Roster())]


@pytest.mark.parametrize("number", [0, 1], ids=["student", "class"])
def test_a_page_runs_nothing_and_asks_nobody(number: int) -> None:
    """No script, no frame, no handler, no address of another host; and a policy that forbids them."""
    page = Tags(pages()[number])
    assert not {"script", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.tags}
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    for tag, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on")], tag
        for name in ("href", "src", "xlink:href"):
            where = attrs.get(name) or ""
            assert not re.match(r"\w+:(?!image/)|//", where) or where.startswith("data:image/"), (tag, where)


def test_markdown_cannot_be_left() -> None:
    """A fence is longer than any in the text, and names are escaped."""
    text = studentpage.markdown(result("ada", name="[x](javascript:1) <b>"), Config(), True)
    assert f"`````text\n{HOSTILE}\n`````" in text
    assert "<b>" not in text
    assert "\\[x\\]" in text


def test_what_is_hidden_is_nowhere_but_in_the_sum() -> None:
    """Neither its name nor its text; after the due date what was to be seen then."""
    config = Config(visibility=Visibility(hidden=("test_two",)))
    for make in (studentpage.html, studentpage.markdown):
        page = make(result(config=config), config, False)
        assert "two" not in page.split("</style>")[-1].replace("test_two", "")
        assert "not shown" in page
        assert "alert" not in page
    config = Config(visibility=Visibility(after_due=("test_two",)))
    assert "✗ two" in studentpage.markdown(result(), config, True)
    assert "✗ two" not in studentpage.markdown(result(), config, False)


def test_on_top_of_the_class_is_what_could_not_be_graded() -> None:
    """With the reason; and who has not handed in anything."""
    open_one = result("eve", None, story("test_a", "1.1", 1, "not graded", "no memory left"))
    page = classpage.html([result("ada"), open_one], Config(), Roster())
    assert page.index("no memory left") < page.index("<svg")
