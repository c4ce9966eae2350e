"""The configuration, the mark, and what is kept."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from labkit.grade import config as configuration
from labkit.grade.command import main
from labkit.grade.config import BadConfig, Config, Late, Stage, replace
from labkit.grade.marks import set_mark
from labkit.grade.result import StageResult, from_json
from labkit.grade.store import Store, write
from tests.grade.made import result, story

DUE = datetime(2026, 11, 20, 12, tzinfo=UTC)


def read(tmp_path: Path, text: str) -> Config:
    """A configuration with this text."""
    (tmp_path / "grade.toml").write_text(text, encoding="utf-8")
    return configuration.read(tmp_path / "grade.toml")


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("x = [", "grade.toml"),
        ("dew = 1", "there is no dew"),
        ("due = 2026-11-30", "a time with its zone"),
        ("out_of = 0", "more than 0"),
        ("out_of = inf", "must be a number"),
        ("points = 5", "points must be a table"),
        ("stages = [1, 2]", "stages must be a table"),
        ("[limits]\nminutes = -1", "not below 0"),
        ("[limits]\nfiles = 1", "there is no limits.files"),
        ("[stages.9]\nweight = 1", "no stage 9"),
        ("[stages.1]\nweight = 1\n[stages.2]", "every stage"),
        ('networks = ["bytes"]', "direct one of them"),
        ("[visibility]\nhidden = 'x'", "must be a list"),
        ("[points]\nx = 1.5", "whole number"),
        ("late = 1", "must be a table"),
    ],
)
def test_a_wrong_configuration_is_one_line_that_helps(text: str, mend: str, tmp_path: Path) -> None:
    """It names the file and the place, and says what would be right."""
    with pytest.raises(BadConfig, match=mend) as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_the_last_pattern_that_fits_says_the_points(tmp_path: Path) -> None:
    """So a story can be taken out of all, or be the only one."""
    config = read(tmp_path, '[points]\n"*" = 0\n"test_a*" = 5\n')
    assert config.points_of("test_abc", 2) == 5
    assert config.points_of("test_b", 2) == 0


def test_without_weights_every_point_counts_the_same() -> None:
    """Three of four points are 75 of 100."""
    assert result().mark["mark"] == 75


def test_weights_count_whatever_the_points() -> None:
    """Half of stage 1, all of stage 2."""
    graded = result("ada", None, story("test_a", "1.1", 1, "passed"), story("test_b", "1.1", 1, "failed"))
    graded.stages.append(StageResult(2, "2_roster", [story("test_c", "2.1", 30, "passed")]))
    set_mark(graded, Config(stages={1: Stage(weight=80), 2: Stage(weight=20)}))
    assert graded.mark["mark"] == 60


@pytest.mark.parametrize(
    ("over", "kept"), [(-1, 100), (0, 100), (5, 100), (11, 90), (24 * 60, 90), (24 * 60 + 11, 80), (9 * 24 * 60, 0)]
)
def test_each_day_begun_costs_its_part(over: int, kept: int) -> None:
    """After the grace; and after so many days all of it."""
    graded = result("ada", None, story("test_a", "1.1", 1, "passed"))
    graded.submission["submitted"] = (DUE + timedelta(minutes=over)).isoformat()
    set_mark(graded, Config(due=DUE, late=Late(grace_minutes=10, percent_per_day=10, most_days=5)))
    assert graded.mark["mark"] == kept


def test_late_by_the_platforms_word_is_one_day() -> None:
    """And the report says how we know."""
    graded = result("ada", None, story("test_a", "1.1", 1, "passed"))
    graded.submission["late"] = True
    set_mark(graded, Config(late=Late(percent_per_day=25)))
    assert graded.mark["mark"] == 75
    assert "platform" in graded.mark["late_why"]


def test_what_could_not_be_graded_is_no_zero() -> None:
    """There is no mark, until there is."""
    graded = result("ada", None, story("test_a", "1.1", 1, "passed"), story("test_b", "1.1", 1, "not graded"))
    assert graded.mark["mark"] is None
    graded = result()
    graded.fault = "the machine"
    set_mark(graded, Config())
    assert graded.mark["mark"] is None


def test_a_mark_can_be_set_with_a_reason() -> None:
    """Also where there was none; what was computed stays known."""
    graded = result("ada", None, story("test_b", "1.1", 1, "not graded"))
    set_mark(graded, Config(), {"mark": 88.0, "reason": "shown to me", "when": "now"})
    assert graded.mark["mark"] == 88
    assert graded.mark["computed"] is None


def test_a_result_reads_as_it_was_written() -> None:
    """And one of another version is refused."""
    written = json.loads(json.dumps(result().to_json()))
    assert from_json(written).to_json() == written
    with pytest.raises(ValueError, match="version"):
        from_json({**written, "schema": 2})
    with pytest.raises(ValueError, match="lacks"):
        from_json({"schema": 1, "stages": []})


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is killed while writing leaves the old one."""
    write(tmp_path / "a.json", "old")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a.json", "new")
    assert (tmp_path / "a.json").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.json"]


def test_the_class_keeps_its_seed(tmp_path: Path) -> None:
    """The first is fresh, and stays until another one is asked for."""
    store = Store(tmp_path)
    assert store.seed(None, 5) == 5
    assert store.seed(None, 6) == 5
    assert store.seed(9, 7) == 9
    assert store.seed(None, 8) == 9


def test_a_result_moves_to_another_key_with_the_mark_that_was_set(tmp_path: Path) -> None:
    """As when a roster says later who somebody is; what was called by the old key is gone."""
    store = Store(tmp_path)
    store.prepare()
    store.keep(result("ada"))
    store.override("ada", 50, "why not")
    ada = {"name": "Ada", "id": "101", "email": ""}
    store.rename(result("ada"), "101", ada)
    assert [(each.key, each.student) for each in store.results()] == [("101", ada)]
    assert {key: said["mark"] for key, said in store.overrides().items()} == {"101": 50}


def test_forget_deletes_all_that_is_kept(tmp_path: Path) -> None:
    """Nothing with the name of that student is left, and all of the others is."""
    store = Store(tmp_path)
    store.prepare()
    for key in ("ada", "bob"):
        store.keep(result(key))
        store.override(key, 50, "why not")
        write(tmp_path / "students" / f"{key}.html", key)
        write(tmp_path / "gradescope" / key / "results.json", key)
    assert store.forget("ada")
    left = [
        path for path in tmp_path.rglob("*") if "ada" in path.name or (path.is_file() and "ada" in path.read_text())
    ]
    assert not left
    assert store.read("bob") is not None
    assert not store.forget("ada")


def test_a_mark_is_set_by_what_the_class_was_graded_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reports of all are made anew: not without the roster, because nobody named it again."""
    store = Store(tmp_path / "grades")
    store.prepare()
    store.keep(result("bob"))
    roster = tmp_path / "class.csv"
    roster.write_text("name,email\nEve Absent,eve@example.org\n")
    store.remember(roster=str(roster))
    order = [str(tmp_path), "--out", str(store.folder), "--override", "bob", "50", "shown to me"]
    assert main(order) == 0
    assert "Eve Absent" in (store.folder / "moodle.csv").read_text()
    roster.unlink()
    assert main(order) == 2
    assert "class.csv" in capsys.readouterr().err


def test_what_a_killed_run_left_is_taken_away(tmp_path: Path) -> None:
    """It was never a result."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / ".ada.json-x1").write_text("{")
    Store(tmp_path).prepare()
    assert not list((tmp_path / "results").iterdir())


def test_replace_keeps_the_rest() -> None:
    """As the harness of Gradescope uses it."""
    assert replace(Config(out_of=10), due=None).out_of == 10
