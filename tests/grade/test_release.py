"""The student kit has what students need, and nothing that they must not have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labkit import ladder, regions
from labkit.grade.config import Config, Visibility
from labkit.release.command import make, zipped
from labkit.release.hiding import linked
from labkit.tasks import regions_of

WANTED = [1, 2]


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kit of the first two stages, with a hidden test."""
    config = Config(visibility=Visibility(hidden=("test_architecture*",), after_due=("test_both_talk*",)))
    return make(tmp_path_factory.mktemp("release") / "kit", WANTED, config)


def text_of(folder: Path, *endings: str) -> str:
    """All that stands in a folder's files."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*")) if path.suffix in endings)


def run(kit: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of the kit, with nothing of ours on the path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run([sys.executable, *command], cwd=kit, env=environment, capture_output=True, text=True)


def test_its_starters_are_ours(kit: Path) -> None:
    """To the letter."""
    code = "from labkit import ladder; import json; print(json.dumps([ladder.starter(stage) for stage in (1, 2)]))"
    done = run(kit, "-c", code)
    import json

    assert json.loads(done.stdout) == [ladder.starter(stage) for stage in WANTED]


def test_it_has_all_that_its_tools_import(kit: Path) -> None:
    """None of them needs a module that was left out."""
    code = (
        "import importlib, pkgutil, labkit.student as tools\n"
        "for each in pkgutil.iter_modules(tools.__path__): importlib.import_module(f'{tools.__name__}.{each.name}')"
    )
    done = run(kit, "-c", code)
    assert done.returncode == 0, done.stderr


def test_it_has_no_solution(kit: Path) -> None:
    """No line that a region of the last stage adds, unless it stands elsewhere too."""
    everything = text_of(kit / "stages", ".py")
    for source in ladder.sources(max(WANTED)).values():
        for region in regions.regions(source):
            block = "\n".join(line for line in region.solution if line.strip())
            assert not block or block not in everything, region.prompt


def test_it_has_no_hidden_test_and_no_later_stage(kit: Path) -> None:
    """Neither in tests, tasks, pages nor stages."""
    tests = text_of(kit / "tests", ".py")
    assert "def test_a_text_reaches_everyone_else_and_the_server" in tests
    assert "test_architecture" not in tests
    assert "test_both_talk" not in tests
    assert "def test_a_file_reaches" not in tests
    assert not (kit / "labs" / "stage-3.md").exists()
    assert [path.name for path in sorted((kit / "stages").glob("*_*"))] == ["1_text", "2_roster"]
    assert '"3.1"' not in (kit / "stages" / "tasks.toml").read_text(encoding="utf-8")
    assert not (kit / "labkit" / "grade").exists()
    assert not (kit / "tests" / "kit").exists()


def test_its_tools_are_those_that_work_there(kit: Path) -> None:
    """Each that is listed can be asked for help; diff, which shows solutions, is gone."""
    listed = [
        line.split()[0] for line in run(kit, "-m", "labkit", "--help").stdout.splitlines() if line.startswith("  ")
    ]
    assert {"start", "check", "hint", "watch", "bots", "wiretap"} == set(listed)
    for tool in listed:
        assert run(kit, "-m", "labkit", tool, "--help").returncode == 0, tool


def test_make_lists_only_targets_for_students(kit: Path) -> None:
    """And names nothing that is not there."""
    makefile = (kit / "Makefile").read_text(encoding="utf-8")
    for gone in ("grade", "release", "matrix", "mutants", "diff", "lint", "docs"):
        assert f"\n{gone}:" not in makefile, gone
    assert "\ncheck:" in makefile


def test_its_pages_have_what_the_sites_marks_stand_for(kit: Path) -> None:
    """They are read as Markdown: with what each task asks for, and no solution."""
    pages = text_of(kit / "labs", ".md")
    assert "<!--" not in pages
    asked = [region.prompt for _, region in regions_of("1.1")]
    assert asked
    assert all(prompt in pages for prompt in asked)


def test_its_pages_lead_only_to_what_is_there(kit: Path) -> None:
    """Pages that students do not have are named without a link; pictures and data come along."""
    links = [(page, file) for page in (kit / "labs").glob("*.md") for file in linked(page.read_text(encoding="utf-8"))]
    assert links
    assert [(page.name, file) for page, file in links if not (page.parent / file).exists()] == []


def test_the_last_hint_names_no_tool_that_is_not_there(kit: Path) -> None:
    """A kit has no diff, which shows solutions."""
    said = [run(kit, "-m", "labkit", "hint", "1.1").stdout for _ in range(9)]
    assert "That was the last" in said[-1]
    assert "make diff" not in said[-1]


def test_the_readme_says_why_the_reference_is_there(kit: Path) -> None:
    """Copying from it shows."""
    assert "reference" in (kit / "README.md").read_text(encoding="utf-8")


def test_it_comes_as_a_zip_too(kit: Path) -> None:
    """With one folder in it."""
    import zipfile

    with zipfile.ZipFile(zipped(kit)) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"kit"}
