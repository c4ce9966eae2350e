"""``python -m labkit mutants``: what do the stories not notice? Small changes to the stages, drawn at random by a seed.

A mutant is a stage's solution with one comparison, number, word or statement changed. One that no story fails is a
survivor: either it changes nothing that anybody could see, or a story is missing. Why those that are known survive
stands in tests/kit/survivors.toml. The figures are written to labs/figures/mutants.md and mutants.json.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import random
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from labkit import ladder
from labkit.matrix import FIGURES
from labkit.noticed import PATIENCE, failing_story
from labkit.student.run import Options

STAGES = (1, 2, 3, 5)
WHY = ladder.ROOT / "tests" / "kit" / "survivors.toml"
NOTHING, NO_STORY = "changes nothing that anybody can see", "no story looks"

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_SUMS: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}


@dataclass(frozen=True)
class Mutant:
    """One change to one file of a stage."""

    stage: int
    file: str
    line: int
    before: str
    after: str
    source: str

    @property
    def words(self) -> str:
        """What was changed, in one line."""
        return f"{self.stage} {self.file}: {self.before} → {self.after}"


def mutants(stage: int, file: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a file that there is."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            other = copy.deepcopy(tree)
            there = list(ast.walk(other))[number]
            before = _short(there)
            after = change(there)
            text = ast.unparse(ast.fix_missing_locations(_replace(other, there, after)))
            yield Mutant(stage, file, getattr(node, "lineno", 0), before, _short(after), text)


def _changes(node: ast.AST) -> list[Callable[[ast.AST], ast.AST]]:
    """What can be changed about this; each function takes a copy of it and returns what stands there instead."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            return [_compared_otherwise]
        case ast.BoolOp():
            return [_and_for_or]
        case ast.UnaryOp(op=ast.Not()):
            return [lambda there: there.operand]
        case ast.Constant(value=bool()):
            return [lambda there: ast.Constant(not there.value)]  # type: ignore[attr-defined]
        case ast.Constant(value=int()):
            return [lambda there: ast.Constant(there.value + 1)]  # type: ignore[attr-defined]
        case ast.BinOp(op=op) if type(op) in _SUMS:
            return [_summed_otherwise]
        case ast.AugAssign():
            return [lambda there: ast.Assign([there.target], there.value)]  # type: ignore[attr-defined]
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Continue() | ast.Break():
            return [lambda _: ast.Pass()]
        case ast.Return(value=value) if value is not None and not _is_none(value):
            return [lambda _: ast.Return(ast.Constant(None))]
        case _:
            return []


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _compared_otherwise(there: ast.AST) -> ast.AST:
    assert isinstance(there, ast.Compare)
    return ast.Compare(there.left, [_COMPARISONS[type(there.ops[0])]()], there.comparators)


def _and_for_or(there: ast.AST) -> ast.AST:
    assert isinstance(there, ast.BoolOp)
    return ast.BoolOp(ast.Or() if isinstance(there.op, ast.And) else ast.And(), there.values)


def _summed_otherwise(there: ast.AST) -> ast.AST:
    assert isinstance(there, ast.BinOp)
    return ast.BinOp(there.left, _SUMS[type(there.op)](), there.right)


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> ast.AST:
    class Replacer(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old else self.generic_visit(node)

    replaced: ast.AST = Replacer().visit(tree)
    return replaced


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) <= 70 else text[:69] + "…"


def drawn(count: int, seed: int) -> list[Mutant]:
    """So many mutants, as many of each stage, from the lines that the stage itself adds or has for its own tasks."""
    dice = random.Random(seed)
    chosen: list[Mutant] = []
    for number, stage in enumerate(STAGES):
        every = [
            mutant
            for file, source in ladder.solution(stage).items()
            if file != "gui.py"
            for mutant in mutants(stage, file, source)
        ]
        share = count // len(STAGES) + (number < count % len(STAGES))
        chosen += dice.sample(every, min(share, len(every)))
    return chosen


@dataclass(frozen=True)
class Verdict:
    """What came of a mutant: the story that failed, if one did."""

    stage: int
    file: str
    line: int
    words: str
    killed_by: str


def judge(mutant: Mutant) -> Verdict:
    """Tell a mutant the stories until one fails; in a process of its own, because a check ends all it has started."""
    with tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch, "mutant")
        ladder.write({**ladder.solution(mutant.stage), mutant.file: mutant.source}, folder)
        options = Options(
            mutant.stage, folder, seed=20211, workers=1, pairs=False, network="direct", patience=PATIENCE
        )  # fmt: skip
        told = failing_story(options)
    killed_by = f"{told.task} {told.name}" if told else ""
    return Verdict(mutant.stage, mutant.file, mutant.line, mutant.words, killed_by)


def main(arguments: list[str]) -> int:
    """Run it; the exit status is 0 if every survivor is one that is known, with a reason."""
    parser = argparse.ArgumentParser(prog="python -m labkit mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20211)
    parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 4), help="mutants at the same time")
    options = parser.parse_args(arguments)
    chosen = drawn(options.count, options.seed)
    verdicts = []
    with ProcessPoolExecutor(options.workers) as pool:
        for number, job in enumerate(as_completed([pool.submit(judge, mutant) for mutant in chosen]), 1):
            verdict = job.result()
            verdicts.append(verdict)
            mark, by = ("✓", verdict.killed_by) if verdict.killed_by else ("✗", "survives")
            print(f"{number:3} of {len(chosen)} {mark} {verdict.words}: {by}", flush=True)
    verdicts.sort(key=lambda verdict: (verdict.stage, verdict.file, verdict.line, verdict.words))
    why = tomllib.loads(WHY.read_text(encoding="utf-8"))
    survivors = [verdict for verdict in verdicts if not verdict.killed_by]
    write(verdicts, why[NOTHING], why[NO_STORY], options.seed)
    unknown = [verdict for verdict in survivors if verdict.words not in why[NOTHING] | why[NO_STORY]]
    print(f"{len(verdicts) - len(survivors)} of {len(verdicts)} killed; {len(survivors)} survive")
    for verdict in unknown:
        print(f"  ✗ {verdict.words} (line {verdict.line}): write a story, or say why in {WHY.name}", file=sys.stderr)
    return 1 if unknown else 0


def write(verdicts: list[Verdict], nothing: dict[str, str], no_story: dict[str, str], seed: int) -> None:
    """Write the figures, as a page and as data: the survivors that change nothing, and those that do, with the why."""
    why = nothing | no_story
    survivors = [verdict for verdict in verdicts if not verdict.killed_by]
    seen = [verdict for verdict in verdicts if verdict.killed_by or verdict.words not in nothing]
    killed = len(verdicts) - len(survivors)
    lines = [
        "# What do the tests not notice?",
        "",
        f"Made by `make mutants` (seed {seed}): {len(verdicts)} small changes to the stages' solutions, drawn at",
        "random.",
        "",
        f"{killed} of {len(verdicts)} were noticed: {killed / max(1, len(seen)):.0%} of those that change anything.",
        "",
        "| stage | file | what was changed | why nobody notices |",
        "|---|---|---|---|",
    ]
    for each in survivors:
        change = each.words.split(": ", 1)[1].replace("|", "\\|")
        lines.append(f"| {each.stage} | {each.file} | `{change}` | {why.get(each.words, '?')} |")
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / "mutants.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = [{**asdict(verdict), "why": why.get(verdict.words, "")} for verdict in verdicts]
    (FIGURES / "mutants.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
