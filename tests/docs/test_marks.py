"""What stands in the guide's pages for code, diffs, recordings and figures, and what the build makes of it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from labkit import ladder
from labkit.guide import marks, results, sections
from labkit.tasks import tasks

PAGES = sorted((ladder.ROOT / "labs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_mark_of_every_page_stands_for_something(page: Path) -> None:
    """So nothing that a page names is gone."""
    assert "<!-- task" not in marks.put_in(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        ("<!-- task 9.9 -->", "stages/tasks.toml"),
        ("<!-- diff 9 -->", "no such stage"),
        ("<!-- code reference/room.py Room.fly -->", "no Room.fly in reference/room.py"),
        ("<!-- code reference/cellar.py Room -->", "no Python file"),
        ("<!-- recording nobody Title -->", "make recordings"),
        ("<!-- diagram nobody -->", "make recordings"),
        ("<!-- wish -->", "no such mark"),
    ],
)
def test_what_is_not_there_fails_the_build(mark: str, reason: str) -> None:
    """With the mark, and what to do."""
    with pytest.raises(LookupError, match=reason):
        marks.put_in(mark)


def test_a_tasks_code_is_cut_from_the_stage() -> None:
    """Changing a stage's code changes the page."""
    page = marks.put_in("<!-- task 1.2 -->")
    solution = ladder.solution(1)["wire.py"]
    inside = solution.split('before."""\n', 1)[1].split("\n\n\n")[0]
    for line in inside.splitlines():
        assert line.strip() in page


def test_a_mark_inside_a_fold_stays_inside_it() -> None:
    """Every line of what it stands for is indented as the mark is."""
    page = marks.put_in("??? note\n\n    <!-- code reference/room.py MAX_NAME -->\n")
    assert all(line.startswith("    ") for line in page.splitlines()[2:] if line)


def test_the_students_guide_has_no_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a task's, nor a stage's, nor in code of a stage that a page shows."""
    monkeypatch.setenv("GUIDE_FOR", "students")
    page = marks.put_in("<!-- task 1.2 -->\n<!-- diff 1 -->\n<!-- code stages/1_text/wire.py receive_exactly -->")
    assert "data += piece" not in page
    assert tasks()["1.2"].prompts[0] in page


def test_a_section_is_what_stands_there() -> None:
    """A method, with the comment above it and without its indentation; a constant, with its docstring."""
    method = sections.section("reference/room.py", "Room.flush")
    assert method.startswith("def flush(self)")
    ast.parse(method)
    assert sections.section("reference/room.py", "MAX_NAME").endswith('"""')


def test_figures_that_nobody_has_measured_are_not_invented(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The page says how to measure them."""
    monkeypatch.setattr(results, "FIGURES", tmp_path)
    assert "make bench" in results.table("benchmarks.md Goals | fan-out")
    assert "make matrix" in results.whole("matrix.md")
    assert "make bench" in results.chart("fan-out.svg Messages")


def test_figures_are_rows_of_the_result_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Those with the words asked for; a row that is gone fails the build."""
    monkeypatch.setattr(results, "FIGURES", tmp_path)
    rows = "# All\n\n## Goals\n\n| what | goal |\n|---|---|\n| fan-out | 1 |\n| files | 2 |\n"
    (tmp_path / "benchmarks.md").write_text(rows, encoding="utf-8")
    assert results.table("benchmarks.md Goals | Fan-out") == "| what | goal |\n|---|---|\n| fan-out | 1 |\n"
    with pytest.raises(LookupError, match="no row"):
        results.table("benchmarks.md Goals | latency")
