"""The guide's pages: all in the table of contents, short, followed to a green check, and made here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from labkit import ladder
from labkit.guide import follow, marks, points
from labkit.student.run import Options, collect
from labkit.tasks import of_stage, tasks

LABS = ladder.ROOT / "labs"
PAGES = sorted(LABS.glob("*.md"))
STAGE_PAGES = [LABS / f"stage-{stage}.md" for stage in ladder.STAGES]
MOST_WORDS = 2_000  # a quarter of an hour, at 200 words a minute and time to look at the code
SAME_WORDS = 12  # so many in a row are a sentence that stands in two places


def test_every_page_is_in_the_table_of_contents() -> None:
    """And every page of the table is there."""
    nav = re.findall(r": ([\w-]+\.md)$", (ladder.ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(nav) == [page.name for page in PAGES], "add it to nav in mkdocs.yml"


@pytest.mark.parametrize("page", STAGE_PAGES, ids=lambda page: page.stem)
def test_a_stage_page_is_read_in_fifteen_minutes(page: Path) -> None:
    """What is folded does not count."""
    folded = r"```.*?```|<!--.*?-->|^ {4}[^\n]*$"
    text = re.sub(folded, "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert len(text.split()) <= MOST_WORDS


@pytest.mark.parametrize("stage", ladder.STAGES)
def test_a_stage_page_is_followed_from_the_start_to_a_green_check(stage: int) -> None:
    """Each task is filled in, in order, with a check that falls short at the next; the last one passes."""
    steps = list(follow.steps_of((LABS / f"stage-{stage}.md").read_text(encoding="utf-8")))
    numbers = [task.number for task in of_stage(stage)]
    checks = [step for step in steps if "make check" in step.code]
    assert f"make start STAGE={stage}" in steps[0].code
    assert [step.words for step in steps if step.what == "task"] == numbers
    assert [step.words for step in checks] == [*(f"until {number}" for number in numbers), ""]


@pytest.mark.parametrize("page", STAGE_PAGES, ids=lambda page: page.stem)
def test_a_stage_page_has_all_its_parts(page: Path) -> None:
    """As the other stages' pages have them."""
    headings = re.findall(r"^## (.*?)(?: \{.*)?$", page.read_text(encoding="utf-8"), re.MULTILINE)
    parts = ["The one idea", "On the wire", "Begin"]
    parts += ["What goes wrong", "See it", "Think", "Further reading", "The whole stage"]
    assert [each for each in headings if not each.startswith("Task ")] == parts


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_guide_does_not_repeat_the_readme(page: Path) -> None:
    """What stands in one is linked from the other."""
    assert not _runs(page) & _runs(ladder.ROOT / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_takes_nothing_from_another_host(page: Path) -> None:
    """Links may lead there; pictures and scripts may not."""
    assert not re.findall(r"!\[.*?\]\(http|src=.http", page.read_text(encoding="utf-8"))


def test_the_table_of_points_says_what_a_check_counts() -> None:
    """For every task the same sum and the same number of stories."""
    told = {each.test: each for each in collect(Options(5, ladder.STAGES[5], seed=1))}
    counted: dict[str, tuple[int, int]] = dict.fromkeys(tasks(), (0, 0))
    for each in told.values():
        stories, so_many = counted[each.task]
        counted[each.task] = stories + 1, so_many + each.points
    assert {number: points.by_task().get(number, (0, 0)) for number in tasks()} == counted


@pytest.mark.parametrize("cast", sorted(marks.RECORDINGS.glob("*.cast")), ids=lambda cast: cast.stem)
def test_a_recording_is_one_that_players_take(cast: Path) -> None:
    """asciicast v2: a header, and events whose times do not go back; beside it the last picture as text."""
    header, *events = map(json.loads, cast.read_text(encoding="utf-8").splitlines())
    times = [time for time, kind, _ in events if kind == "o"]
    assert header["version"] == 2
    assert len(times) == len(events) > 10
    assert times == sorted(times)
    assert cast.with_suffix(".txt").is_file()


def test_no_registry_stands_in_the_lock() -> None:
    """Whoever installs takes their own."""
    lock = (ladder.ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert "omit-lockfile-registry-resolved=true" in (ladder.ROOT / ".npmrc").read_text(encoding="utf-8")


def _runs(page: Path) -> set[str]:
    """All runs of so many words."""
    pictures = r"!\[.*?\]\(.*?\)"  # the same picture is described in the same words
    text = re.sub(rf"```.*?```|{pictures}", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    words = text.split()
    return {" ".join(words[n : n + SAME_WORDS]) for n in range(len(words) - SAME_WORDS + 1)}
