"""Grading in other ways: killed and begun again, on a cluster, by Gradescope's harness, in the students' own kit.

Slow, so it is of `make check-grade`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from labkit import ladder
from labkit.grade import gradescope_zip
from labkit.grade.config import Config
from labkit.release.command import make, zipped
from labkit.tasks import of_stage
from tests.grade import graded
from tests.grade.attacks import ATTACKS, POINTS, World
from tests.grade.test_reports import GRADESCOPE
from tests.kit.chaffs import chaffs

QUICK = {"*": 0, "test_the_server_says_where*": 1, "test_a_text_reaches*": 3, "test_a_server_takes_frames_apart": 2}
DEADLINE = 240.0


def a_class(inbox: Path) -> Path:
    """Eight: solutions, starters and chaffs of stage 1."""
    graded.configure(inbox, QUICK, networks=["direct"], limits={"patience": 5})
    for number in range(3):
        graded.hand_in(inbox, f"solution-{number}", ladder.solution(1))
    for number in range(2):
        graded.hand_in(inbox, f"starter-{number}", ladder.starter(1))
    for chaff in [each for each in chaffs() if each.stage == 1][:3]:
        graded.hand_in(inbox, f"chaff-{chaff.name}", chaff.files())
    return inbox


def outcomes(out: Path) -> dict[str, list[tuple[str, str]]]:
    """What came of each story of each submission."""
    return {
        file: [(story["test"], story["outcome"]) for stage in result["stages"] for story in stage["stories"]]
        for file, result in graded.results(out).items()
    }


def wait_until(holds: Any, deadline: float = DEADLINE) -> None:
    """Nothing tells us: look again and again."""
    give_up = time.monotonic() + deadline
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_killed_in_the_midst_it_goes_on(tmp_path: Path) -> None:
    """kill -9, and the same command again: the same marks as without, nothing done twice, nothing left running."""
    inbox = a_class(tmp_path / "in")
    assert graded.grade(inbox, tmp_path / "whole", "--stages", "1", "--seed", "3")[0] == 0
    command = [sys.executable, "-m", "labkit", "grade", str(inbox), "--out", str(tmp_path / "out"), "--stages", "1"]
    places = tmp_path / "tmp"
    places.mkdir()
    environment = {**os.environ, "TMPDIR": str(places)}
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen([*command, "--seed", "3"], cwd=ladder.ROOT, env=environment, stdout=log, stderr=log)
        wait_until(lambda: len(list((tmp_path / "out" / "results").glob("*.json"))) >= 2)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    wait_until(lambda: not running(str(places)), 30)
    first = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "results").glob("*.json")}
    assert 2 <= len(first) < 8
    status, said = graded.grade(inbox, tmp_path / "out", "--stages", "1", "--seed", "3", env=environment)
    assert status == 0, said
    assert not list(places.iterdir())
    assert f"{len(first)} are done already" in said
    assert outcomes(tmp_path / "out") == outcomes(tmp_path / "whole")


def running(word: str) -> list[str]:
    """The processes with this in their command line."""
    found = []
    for entry in os.listdir("/proc"):
        with suppress(OSError):
            found += [entry] if word.encode() in Path(f"/proc/{entry}/cmdline").read_bytes() else []
    return found


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """A Dask scheduler and two workers, each a process of its own; yields the scheduler's address."""
    environment = {**os.environ, "PYTHONPATH": str(ladder.ROOT)}
    programs: list[subprocess.Popen[bytes]] = []
    file = folder / "scheduler.json"

    def start(*command: str) -> None:
        log = (folder / f"log{len(programs)}").open("wb")
        programs.append(
            subprocess.Popen([sys.executable, *command], cwd=folder, env=environment, stdout=log, stderr=log)
        )

    try:
        start("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
              "--scheduler-file", str(file))  # fmt: skip
        wait_until(file.exists, 60)
        for number in range(2):
            start("-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1",
                  "--no-dashboard", "--host", "127.0.0.1", "--name", str(number))  # fmt: skip
        yield json.loads(file.read_text())["address"]
    finally:
        for program in programs:
            program.kill()
            program.wait()


def test_a_cluster_gives_the_same_marks(tmp_path: Path) -> None:
    """With a real scheduler and two workers, which get all they need with the work."""
    inbox = a_class(tmp_path / "in")
    assert graded.grade(inbox, tmp_path / "here", "--stages", "1", "--seed", "3")[0] == 0
    with cluster(tmp_path) as address:
        status, said = graded.grade(inbox, tmp_path / "there", "--stages", "1", "--seed", "3", "--dask", address)
        assert status == 0, said
    assert outcomes(tmp_path / "there") == outcomes(tmp_path / "here")


def test_a_cluster_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """And no traceback."""
    inbox = a_class(tmp_path / "in")
    status, said = graded.grade(inbox, tmp_path / "out", "--stages", "1", "--dask", "tcp://127.0.0.1:1")
    assert status == 2
    assert "Traceback" not in said, said


# ---- Gradescope ------------------------------------------------------------------------------


def harness(tmp_path: Path, submission: dict[str, str]) -> Path:
    """The layout that Gradescope's harness has, with the zip unpacked, and one submission."""
    root = tmp_path / "autograder"
    config = graded.configure(
        tmp_path, {**POINTS, "test_a_file*": 0}, networks=["direct"], seed=5, limits={"patience": 5}
    )
    gradescope_zip.make(tmp_path / "autograder.zip", [1], config)
    with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
        archive.extractall(root / "source")
        for info in archive.infolist():
            (root / "source" / info.filename).chmod((info.external_attr >> 16) & 0o777 or 0o644)
    for name, text in submission.items():
        (root / "submission" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "submission" / name).write_text(text, encoding="utf-8")
    (root / "results").mkdir()
    metadata = {
        "id": 1,
        "created_at": "2026-11-20T10:00:00.000000-08:00",
        "users": [{"name": "Ada", "email": "a@x.org"}],
    }
    (root / "submission_metadata.json").write_text(json.dumps(metadata))
    return root


def run_harness(root: Path) -> dict[str, Any]:
    """Run what run_autograder runs, with this machine's Python; returns results.json."""
    lines = (root / "source" / "run_autograder").read_text().replace("/autograder", str(root))
    lines = lines.replace(".venv/bin/python", sys.executable)
    (root / "source" / "run_autograder").write_text(lines)
    done = subprocess.run([str(root / "source" / "run_autograder")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads((root / "results" / "results.json").read_text())
    jsonschema.validate(document, GRADESCOPE)
    return document


def test_gradescopes_harness_grades(tmp_path: Path) -> None:
    """A solution has the full score, and the scripts can be run."""
    root = harness(tmp_path, ladder.solution(1))
    for script in ("setup.sh", "run_autograder"):
        assert (root / "source" / script).stat().st_mode & stat.S_IXUSR
        assert subprocess.run(["bash", "-n", str(root / "source" / script)]).returncode == 0
    document = run_harness(root)
    assert document["score"] == 100, document
    assert {test["status"] for test in document["tests"]} == {"passed"}


def test_gradescopes_harness_says_what_fell_short(tmp_path: Path) -> None:
    """A starter has what it has, and its stories."""
    document = run_harness(harness(tmp_path, ladder.starter(1)))
    assert document["score"] < 100
    assert any("expected:" in test["output"] for test in document["tests"])


@pytest.mark.skipif(os.geteuid() != 0, reason="a container's programs are other users, which takes root")
@pytest.mark.parametrize("name", ["tests", "solutions", "reference", "write tests", "results", "environment"])
def test_without_namespaces_a_container_still_keeps_its_secrets(name: str, tmp_path: Path) -> None:
    """Where it cannot make any, programs are other users who may not read the source folder."""
    tmp_path.parent.chmod(0o755)
    tmp_path.parent.parent.chmod(0o755)
    attack = next(each for each in ATTACKS if each.name == name)
    root = harness(tmp_path, {})
    # As the attack would aim there.
    world = World(root / "submission", root / "results", 1, "nobody")
    for file, text in attack.files(world).items():
        target = root / "submission" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace(str(ladder.ROOT), str(root / "source")), encoding="utf-8")
    only_container = root / "source" / "labkit" / "grade" / "harness.py"
    only_container.write_text(only_container.read_text().replace('return choose("auto")', 'return "container"'))
    document = run_harness(root)
    text = "\n".join(test["output"] for test in document["tests"])
    assert "HELD" in text, text
    assert "GOT" not in text, text
    assert document["extra_data"]["sandbox"] == "container"


# ---- Without a sandbox -----------------------------------------------------------------------

FOLDERS_IN_FOLDERS = """
here = os.open(".", os.O_RDONLY)
for _ in range(1200):
    os.mkdir("deeper", dir_fd=here)
    here, above = os.open("deeper", os.O_RDONLY, dir_fd=here), here
    os.close(above)
os.close(here)
"""


def test_folders_in_folders_do_not_cost_a_mark(tmp_path: Path) -> None:
    """A program may leave more of them than shutil.rmtree can remove."""
    inbox = tmp_path / "in"
    graded.configure(inbox, {"*": 0, "test_the_server_says_where*": 1}, networks=["direct"])
    files = ladder.solution(1)
    files["server.py"] = f"import os\n{FOLDERS_IN_FOLDERS}\n{files['server.py']}"
    graded.hand_in(inbox, "deep", files)
    status, said = graded.grade(inbox, tmp_path / "out", "--stages", "1", "--sandbox", "none")
    assert status == 0, said
    assert graded.earned(graded.results(tmp_path / "out")["deep"]) == 1


# ---- The students' kit -----------------------------------------------------------------------


def test_stage_1_can_be_done_in_the_students_kit(tmp_path: Path) -> None:
    """The zip unpacked elsewhere: start, check (which falls short), fill in task after task, and all is well."""
    path = zipped(make(tmp_path / "made" / "kit", [1], Config()))
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "else where")
    kit = tmp_path / "else where" / "kit"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def labkit(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "labkit", *arguments], cwd=kit, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout

    status, said = labkit("start", "1")
    assert status == 0, said
    numbers = [task.number for task in of_stage(1)]
    work = kit / "work" / "1_text"
    for so_many in (0, 3, len(numbers)):
        for name, text in ladder.starter(1, frozenset(numbers[:so_many])).items():
            (work / name).write_text(text, encoding="utf-8")
        status, said = labkit("check", "1", "--network", "direct", "--seed", "1")
        if so_many == len(numbers):
            assert status == 0, said
        else:
            assert status == 1, said
            assert f"✗ {numbers[so_many]} " in said, said
            assert "Traceback" not in said, said
    assert labkit("hint", numbers[0])[0] == 0
    assert (
        shutil.which("make") is None
        or "make check" in subprocess.run(["make", "help"], cwd=kit, capture_output=True, text=True).stdout
    )
