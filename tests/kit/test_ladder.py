"""The ladder holds: each stage is the one before plus regions, and every task has what a student needs."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from labkit import ladder, regions
from labkit.tasks import of_stage, tasks

STAGES = list(ladder.STAGES)
LATER = STAGES[1:]
FILES = [(stage, name) for stage in STAGES for name in ladder.sources(stage)]

MOST_WAS_LINES = 10  # more, and a stage is a rewrite of the one before, not a step
MOST_LINES = 200
FEWEST_TASKS, MOST_TASKS = 3, 6
FEWEST_HINTS = 2  # from gentle to plain


@pytest.mark.parametrize("stage", LATER)
def test_a_stage_has_the_files_of_the_one_before(stage: int) -> None:
    """A file without its match in the stage before says that it is new."""
    before, earlier = set(ladder.before(stage)), set(ladder.sources(stage - 1))
    assert before == earlier, (
        f"a new file of stage {stage} must begin with # NEW IN STAGE {stage}; none of stage {stage - 1} may be missing"
    )


@pytest.mark.parametrize("stage", LATER)
def test_a_stage_without_its_regions_is_the_one_before(stage: int) -> None:
    """To the letter, for every file."""
    for name, text in ladder.before(stage).items():
        earlier = ladder.solution(stage - 1).get(name, "")
        assert text.splitlines() == earlier.splitlines(), (
            f"{ladder.STAGES[stage].name}/{name} differs from stage {stage - 1} outside of its regions: carry it "
            "to every stage, or put it into a region with the old lines as # WAS"
        )


@pytest.mark.parametrize("stage", STAGES)
def test_few_lines_are_replaced(stage: int) -> None:
    """A stage adds; what it must replace stands in WAS lines, and these are few."""
    was = [line for source in ladder.sources(stage).values() for each in regions.regions(source) for line in each.was]
    assert len(was) <= MOST_WAS_LINES, f"stage {stage} has {len(was)} WAS lines: lay the floor for it a stage earlier"


@pytest.mark.parametrize(("stage", "name"), FILES)
def test_a_file_is_short_enough_to_be_read(stage: int, name: str) -> None:
    """Marks included."""
    length = len(ladder.sources(stage)[name].splitlines())
    assert length <= MOST_LINES, f"{name} of stage {stage} has {length} lines: move a part with one job to a new file"


@pytest.mark.parametrize(("stage", "name"), FILES)
def test_a_stages_marks_are_of_its_own_tasks(stage: int, name: str) -> None:
    """A region of another stage's task would be blanked in the wrong starter."""
    for region in regions.regions(ladder.sources(stage)[name]):
        assert region.task.split(".")[0] == str(stage), (
            f"{name} of stage {stage}, line {region.first}: task {region.task} is of another stage: number it {stage}.…"
        )


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_three_to_six_tasks(stage: int) -> None:
    """Numbered from 1 without a gap."""
    numbers = [task.number for task in of_stage(stage)]
    assert FEWEST_TASKS <= len(numbers) <= MOST_TASKS, f"stage {stage} has {len(numbers)} tasks: join or split some"
    assert numbers == [f"{stage}.{n}" for n in range(1, len(numbers) + 1)], "number the tasks 1, 2, 3, …"


def test_every_region_is_of_a_task_that_has_hints() -> None:
    """And every task has a region."""
    marked = {
        region.task
        for stage in STAGES
        for source in ladder.sources(stage).values()
        for region in regions.regions(source)
    }
    assert marked == set(tasks()), "stages/tasks.toml and the BEGIN SOLUTION marks must name the same tasks"


@pytest.mark.parametrize("number", tasks())
def test_a_task_has_what_a_student_needs(number: str) -> None:
    """A title, prompts, hints, and a section in the guide."""
    task = tasks()[number]
    assert task.title, f"give task {number} a title in stages/tasks.toml"
    assert all(task.prompts), f"say in one line at the mark what task {number} is"
    assert len(task.hints) >= FEWEST_HINTS, f"give task {number} hints in stages/tasks.toml, from gentle to plain"
    page, anchor = task.anchor.split("#")
    text = Path(ladder.ROOT, page).read_text(encoding="utf-8")
    assert f"{{ #{anchor} }}" in text, f"give task {number} a heading with {{ #{anchor} }} in {page}"


@pytest.mark.parametrize(("stage", "name"), FILES)
def test_solutions_and_starters_are_python(stage: int, name: str) -> None:
    """A starter's blanks leave what can be run; so does each task left undone alone."""
    every = {task.number for task in of_stage(stage)}
    source = ladder.sources(stage)[name]
    compile(regions.solution(source), f"solution of {name}", "exec")
    for undone in (every, *({number} for number in every)):
        compile(regions.starter(source, frozenset(every - undone)), f"{name} without {sorted(undone)}", "exec")


@pytest.mark.skipif(find_spec("ruff") is None, reason="make lint installs ruff")
def test_what_comes_out_is_formatted(tmp_path: Path) -> None:
    """The marks keep the formatter off the stages' files, so it looks at what comes out of them."""
    for stage in STAGES:
        ladder.write(ladder.solution(stage), tmp_path / "solution" / str(stage))
    check = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "--check", str(tmp_path)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}: format these lines by hand, in every stage where they stand"
