"""The lab, checked: its stories tell a finished stage from an unfinished one, and blame the right task.

Minutes long, so it is no part of `make test`: `make check-kit` runs it.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from labkit import ladder
from labkit.student.run import PATIENCE, Options, Result, collect, run
from labkit.student.stories import Told
from labkit.tasks import in_order, of_stage, tasks

STAGES = list(ladder.STAGES)
EVERYONE = [*STAGES, "reference"]
SEED = 20211
# What is left undone mostly shows as something that never comes, so these wait in vain again and again.
IN_VAIN = 6.0


def tell(options: Options) -> list[Result]:
    """Tell all the stories there are for this."""
    return list(run(options, collect(options)))


def made(stage: int, done: frozenset[str], folder: Path) -> Path:
    """A folder with a stage of which only these tasks are done."""
    ladder.write(ladder.starter(stage, done), folder / "made")
    return folder / "made"


def first_failure(options: Options, wanted: list[Told]) -> Result | None:
    """The first of these stories that fails; those after it are not told."""
    with closing(run(options, wanted)) as results:
        return next((result for result in results if result.outcome == "failed"), None)


def names(results: list[Result], outcome: str = "failed") -> list[str]:
    """The stories with this outcome, and their tasks."""
    return [f"{result.told.task} {result.told.name}" for result in results if result.outcome == outcome]


@pytest.mark.parametrize("stage", STAGES)
def test_a_solution_passes_its_own_and_all_earlier_stories(stage: int) -> None:
    """With the reference on one side too."""
    results = tell(Options(stage, ladder.STAGES[stage], SEED, workers=1))
    left = names(results) + names(results, "skipped")
    assert not left, f"mend stages/{ladder.STAGES[stage].name}, or these stories, which ask too much: {left}"


@pytest.mark.parametrize("stage", STAGES)
def test_a_starter_passes_the_earlier_stories_and_fails_its_own(stage: int, tmp_path: Path) -> None:
    """At each of its tasks."""
    folder = made(stage, frozenset(), tmp_path)
    if stage > 1:
        earlier = tell(Options(stage - 1, folder, SEED, workers=1, pairs=False, network="direct"))
        assert not names(earlier), "a blank must leave what the stage before could do: give its region WAS lines"
    options = Options(stage, folder, SEED, workers=1, own=True, pairs=False, network="direct", patience=IN_VAIN)
    wanted = collect(options)
    for task in of_stage(stage):
        of_task = [told for told in wanted if told.task == task.number]
        assert first_failure(options, of_task), f"nothing is done, but all stories of task {task.number} pass"


@pytest.mark.parametrize("number", tasks())
def test_a_task_left_undone_alone_is_noticed_and_nothing_else_blamed(number: str, tmp_path: Path) -> None:
    """A story that names it fails; those that do not need it pass."""
    stage = in_order(number)[0]
    done = frozenset(task.number for task in of_stage(stage) if task.number != number)
    folder = made(stage, done, tmp_path)
    options = Options(stage, folder, SEED, workers=1, own=True, network="direct", patience=IN_VAIN)
    wanted = collect(options)
    of_task = [told for told in wanted if told.task == number]
    assert of_task, f"task {number} has no story: write one in tests/graded with @pytest.mark.task({number!r}, …)"
    assert first_failure(options, of_task), f"no story of task {number} notices that it is undone: write one that does"
    others = [told for told in wanted if number not in (told.task, *told.needs)]
    blamed = names(list(run(replace(options, patience=PATIENCE), others)))
    assert not blamed, (
        f"these fail though only task {number} is undone: add {number!r} to their needs, or mend them: {blamed}"
    )


@pytest.mark.parametrize(("server", "client"), list(product(EVERYONE, EVERYONE)))
def test_everyones_client_talks_to_everyones_server(server: int | str, client: int | str) -> None:
    """As far as the features of both go."""
    stage = min(each for each in (server, client, max(STAGES)) if isinstance(each, int))
    sides = Options(stage, Path(), SEED, server=_name(server), client=_name(client))
    results = tell(replace(sides, workers=1, pairs=False, network="direct"))
    assert not names(results), f"stage {server}'s server and stage {client}'s client fail together: {names(results)}"


def _name(side: int | str) -> str:
    return side if isinstance(side, str) else str(ladder.STAGES[side])
