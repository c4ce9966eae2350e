"""One submission in the sandbox, quick enough for every run of the tests. The attacks are in heavy_attacks.py."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from labkit import ladder
from labkit.grade.config import Limits
from labkit.grade.sandbox import CannotGrade, Place, Sandbox, choose, why_not
from labkit.grade.session import Session, StagePrograms
from tests.grade import graded
from tests.grade.attacks import PROBE

KINDS = [kind for kind in ("bubblewrap", "unshare") if why_not(kind) is None]
SAYS = "test_the_server_says_where_it_is_and_that_it_listens"
ONE = {"*": 0, SAYS: 1}

needs_one = pytest.mark.skipif(not KINDS, reason="there is no sandbox here")


def session(kind: str, server: str = "", **limits: Any) -> Session:
    """Grade the solution of stage 1, with something before its server, by one story."""
    files = {name: text.encode() for name, text in ladder.solution(1).items()}
    files["server.py"] = server.encode() + files["server.py"]
    told = Session([StagePrograms(1, files)], 1, Limits(**limits), kind, networks=("direct",), points=ONE)
    told.run()
    return told


@needs_one
@pytest.mark.parametrize("kind", KINDS)
def test_a_solution_passes_in_it(kind: str) -> None:
    """The programs run as another user, by a launcher, and nobody notices."""
    told = session(kind)
    assert not told.fault
    assert told.stories[1][SAYS].outcome == "passed", told.stories[1][SAYS].text


@needs_one
@pytest.mark.parametrize("kind", KINDS)
def test_it_sees_nothing_of_the_machine(kind: str, tmp_path: Path) -> None:
    """No test, no solution, no process, no folder of the user; it cannot write what is read-only."""
    tmp_path.chmod(0o755)
    (tmp_path / "secret").write_text("secret")
    attempts = {
        "tests": f"listed('{ladder.ROOT}/tests/kit')", "stages": f"listed('{ladder.ROOT}/stages')",
        "secret": f"read('{tmp_path}/secret')", "processes": "[n for n in listed('/proc') if n.isdigit()][3:]",
        "own": "write(__file__)", "etc": "write('/etc/passwd')",
    }  # fmt: skip
    told = session(kind, PROBE + "".join(f"attempt({what!r}, lambda: {do})\n" for what, do in attempts.items()))
    text = told.stories[1][SAYS].text
    assert text.count("| HELD") == len(attempts), text
    assert "GOT" not in text


@needs_one
def test_no_file_of_a_submission_is_run_outside(tmp_path: Path) -> None:
    """Not even those that tools look for: pytest runs a conftest.py in each folder that it is told of."""
    tmp_path.chmod(0o777)
    harm = f"open('{tmp_path}/harm', 'w')\n".encode()
    names = ("conftest.py", "sitecustomize.py", "usercustomize.py", "pytest.py", "setup.cfg")
    files = {name: text.encode() for name, text in ladder.solution(1).items()}
    told = Session(
        [StagePrograms(1, {**files, **dict.fromkeys(names, harm)})],
        1,
        Limits(),
        KINDS[0],
        networks=("direct",),
        points=ONE,
    )
    told.run()
    assert told.stories[1][SAYS].outcome == "passed", told.fault
    assert not (tmp_path / "harm").exists()


@needs_one
def test_who_eats_its_time_is_stopped_and_keeps_what_it_had() -> None:
    """What was not told by then is lost, and that is nobody else's fault."""
    told = session(KINDS[0], "import time; time.sleep(1000)\n", minutes=0.1, patience=60)
    assert told.out_of_time
    tellings = [telling for story in told.stories.get(1, {}).values() for telling in story.tellings]
    assert {telling.outcome for telling in tellings} <= {"out of time"}


@needs_one
def test_a_story_that_could_not_be_run_is_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox that starts nothing is our fault: tried again once, and then said so."""
    tries = []

    def broken(self: Sandbox) -> None:
        tries.append(1)
        self.place.launcher.write_text("#!/bin/sh\n: >$(dirname $0)/started/$$\nexit 1\n")
        self.place.launcher.chmod(0o755)

    monkeypatch.setattr(Sandbox, "write_launcher", broken)
    told = session(KINDS[0])
    assert told.stories[1][SAYS].outcome == "not graded"
    assert "could not start" in told.stories[1][SAYS].text
    assert len(tries) == 2


def test_without_a_sandbox_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says what to install, and how to do without."""
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    with pytest.raises(CannotGrade, match=r"apt-get install bubblewrap.*SANDBOX=none"):
        choose("auto")
    assert choose("none") == "none"


def test_no_two_sessions_have_the_same_user() -> None:
    """So their limits are their own."""
    users = [Sandbox("bubblewrap", Place(Path("/x")), Limits()).users for _ in range(100)]
    assert len({user.submission for user in users} | {user.reference for user in users}) == 200
    assert min(user.submission for user in users) > 65_535


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A class of one."""
    graded.configure(tmp_path / "in", ONE, networks=["direct"])
    graded.hand_in(tmp_path / "in", "ada", ladder.solution(1))
    return tmp_path / "in"


@needs_one
def test_a_class_is_graded_with_one_command(inbox: Path, tmp_path: Path) -> None:
    """And again without doing anything; REDO, a mark that is set, FORGET."""
    out = tmp_path / "out"
    options = ("--stages", "1")
    status, said = graded.grade(inbox, out, *options)
    assert status == 0, said
    assert (out / "index.html").exists()
    assert graded.earned(graded.results(out)["ada"]) == 1
    assert "1 are done already" in graded.grade(inbox, out, *options)[1]
    assert re.search(r"ada: 1 of 1 points", graded.grade(inbox, out, *options, "--redo", "ada")[1])
    status, said = graded.grade(inbox, out, "--override", "ada", "42", "shown to me")
    assert status == 0, said
    assert "shown to me" in (out / "students" / "ada.html").read_text()
    assert ",42," in (out / "marks.csv").read_text()
    assert graded.grade(inbox, out, "--forget", "ada")[0] == 0
    assert not [path for path in out.rglob("*") if "ada" in path.name]


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        (["--stages", "9"], "no stage 9"),
        (["--stages", "x"], "say 1-3"),
        (["--redo", "nobody"], "no submission of nobody"),
        (["--forget", "nobody"], "no result of nobody"),
        (["--override", "nobody", "1", "x"], "no result of nobody"),
        (["--roster", "nowhere.csv"], "nowhere.csv"),
        (["--config", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_a_wrong_command_is_one_line(options: list[str], mend: str, inbox: Path, tmp_path: Path) -> None:
    """That says what is wrong, and exit status 2."""
    status, said = graded.grade(inbox, tmp_path / "out", *options)
    assert status == 2
    assert mend in said
    assert "Traceback" not in said
    assert os.path.exists(inbox)
