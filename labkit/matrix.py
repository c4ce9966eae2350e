"""``python -m labkit matrix``: are the tests right? Correct programs in other styles must pass, buggy ones be caught.

The programs are in tests/kit: wheats and chaffs. What comes of each is written to labs/figures/matrix.md and
matrix.json, for the guide.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path

from labkit import ladder
from labkit.noticed import PATIENCE, failing_story
from labkit.student.run import Options, collect, run
from labkit.tasks import in_order
from tests.kit.chaffs import Chaff, chaffs
from tests.kit.wheats import Wheat, wheats

FIGURES = ladder.ROOT / "labs" / "figures"
SEED = 20211


@dataclass
class Outcome:
    """What came of one program: the stories that failed, by the task that each names."""

    kind: str
    name: str
    stage: int
    task: str
    words: str
    failed: dict[str, list[str]] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def right(self) -> bool:
        """Whether a wheat passed but for what it declares, or a chaff was caught at its own task."""
        if self.error:
            return False
        return not self.unexpected if self.kind == "wheat" else self.task in self.failed


def main(arguments: list[str]) -> int:
    """Run it; the exit status is 0 if every program was told rightly."""
    parser = argparse.ArgumentParser(prog="python -m labkit matrix", description=__doc__)
    parser.add_argument("names", nargs="*", help="only programs with one of these in their names")
    parser.add_argument("--stage", type=int, help="only programs of this stage")
    parser.add_argument(
        "--full", action="store_true", help="tell each program all stories of its stage, not just its task's"
    )
    parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 4), help="programs at the same time")
    options = parser.parse_args(arguments)
    programs: list[Wheat | Chaff] = [*wheats(), *chaffs()]
    wanted = [
        each
        for each in programs
        if options.stage in (None, each.stage)
        and (not options.names or any(name in each.name for name in options.names))
    ]
    outcomes = []
    with ProcessPoolExecutor(options.workers) as pool:
        jobs = [pool.submit(judge, each, options.full) for each in wanted]
        for number, job in enumerate(as_completed(jobs), 1):
            outcome = job.result()
            outcomes.append(outcome)
            print(f"{number:3} of {len(wanted)} {'✓' if outcome.right else '✗'} {_told(outcome)}", flush=True)
    wrong = [outcome for outcome in outcomes if not outcome.right]
    if len(wanted) == len(wheats()) + len(chaffs()):
        write(outcomes)
    print(f"{len(outcomes) - len(wrong)} of {len(outcomes)} programs told rightly")
    for outcome in wrong:
        print(f"  ✗ {_told(outcome)}", file=sys.stderr)
    return 1 if wrong else 0


def judge(program: Wheat | Chaff, full: bool) -> Outcome:
    """Tell one program the stories; in a process of its own, because a check ends all that it has started."""
    try:
        return _judge_wheat(program) if isinstance(program, Wheat) else _judge_chaff(program, full)
    except Exception as error:
        return Outcome(type(program).__name__.lower(), program.name, program.stage, "", "", error=str(error))


def _judge_wheat(wheat: Wheat) -> Outcome:
    outcome = Outcome("wheat", wheat.name, wheat.stage, "", wheat.style)
    options = Options(
        wheat.stage, Path(), SEED, workers=1, pairs=False, network="direct",
        server=str(wheat.server), client=str(wheat.client),
    )  # fmt: skip
    _tell(options, outcome)
    names = [name for stories in outcome.failed.values() for name in stories]
    outcome.unexpected = [name for name in names if not name.startswith(wheat.fails or ("-",))]
    outcome.unexpected += [f"{name} passes" for name in wheat.fails if not any(each.startswith(name) for each in names)]
    return outcome


def _judge_chaff(chaff: Chaff, full: bool) -> Outcome:
    outcome = Outcome("chaff", chaff.name, chaff.stage, chaff.task, chaff.bug)
    with tempfile.TemporaryDirectory(prefix="chaff-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch, "chaff")
        ladder.write(chaff.files(), folder)
        options = Options(
            chaff.stage, folder, SEED, own=True, workers=1, pairs=False, network="direct", patience=PATIENCE,
            task=None if full else chaff.task,
        )  # fmt: skip
        if full:
            _tell(options, outcome)
        elif told := failing_story(options):
            outcome.failed = {told.task: [told.name]}
    return outcome


def _tell(options: Options, outcome: Outcome) -> None:
    for result in run(options, collect(options)):
        if result.outcome == "failed":
            outcome.failed.setdefault(result.told.task, []).append(result.told.name)


def _told(outcome: Outcome) -> str:
    if outcome.error:
        return f"{outcome.kind} {outcome.name}: {outcome.error}"
    where = "; ".join(f"{task} {', '.join(stories[:3])}" for task, stories in outcome.failed.items()) or "passes"
    if outcome.kind == "wheat":
        return f"wheat {outcome.name}: {where}"
    return f"chaff {outcome.name} (task {outcome.task}): {where}"


def write(outcomes: Iterable[Outcome]) -> None:
    """Write the table, as a page and as data."""
    in_table = sorted(
        outcomes, key=lambda each: (each.kind != "wheat", each.stage, in_order(each.task or "0.0"), each.name)
    )
    FIGURES.mkdir(parents=True, exist_ok=True)
    data = [{**asdict(outcome), "right": outcome.right} for outcome in in_table]
    (FIGURES / "matrix.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (FIGURES / "matrix.md").write_text(page(in_table), encoding="utf-8")


def page(outcomes: list[Outcome]) -> str:
    """The table for the guide."""
    bad = [outcome for outcome in outcomes if outcome.kind == "chaff"]
    good = [outcome for outcome in outcomes if outcome.kind == "wheat"]
    lines = [
        "# Are the tests right?",
        "",
        "Made by `make matrix`. Programs in other styles must pass, and programs with one bug each must be caught at",
        "the task that the bug is in.",
        "",
        f"{sum(each.right for each in good)} of {len(good)} programs in other styles pass, but for what they declare; "
        f"{sum(each.right for each in bad)} of {len(bad)} programs with a bug are caught at their task.",
        "",
        "| stage | programs with a bug | caught at their task |",
        "|---|---|---|",
    ]
    stages, caught = Counter(each.stage for each in bad), Counter(each.stage for each in bad if each.right)
    lines += [f"| {stage} | {count} | {caught[stage]} |" for stage, count in sorted(stages.items())]
    lines += ["", "## Other styles", "", "| program | stage | what it is | fails |", "|---|---|---|---|"]
    lines += [f"| {each.name} | {each.stage} | {each.words} | {_stories(each)} |" for each in good]
    lines += ["", "## One bug each", "", "| stage | task | bug | in words | caught by |", "|---|---|---|---|---|"]
    lines += [f"| {each.stage} | {each.task} | {each.name} | {each.words} | {_stories(each)} |" for each in bad]
    return "\n".join(lines) + "\n"


def _stories(outcome: Outcome) -> str:
    if outcome.error:
        return "could not be run"
    names = [
        f"{task}: {name.split('[')[0].removeprefix('test_').replace('_', ' ')}"
        for task, stories in sorted(outcome.failed.items())
        for name in dict.fromkeys(each.split("[")[0] for each in stories)
    ]
    return "; ".join(names) or "nothing"
