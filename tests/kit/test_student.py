"""The student's commands: start, check, hint, diff and bots."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import IO

import pytest

from labkit import ladder
from labkit.scratch import scratch_folder
from labkit.student import bots, diff, hint, start, stories, watch
from labkit.student import run as student_run
from labkit.student.run import CheckFailed, Options, Result, collect, run
from labkit.student.stories import Told
from labkit.student.verdict import blame
from labkit.tasks import of_stage, tasks
from reference.protocol import Refused, encode
from tests.graded.implementation import free_port
from tests.graded.program import Program
from tests.graded.terminal import Terminal

SEED = "1"
# One for each side that is quickly told, and fails whatever else the program does.
ARCHITECTURE = "test_architecture_the_servers_threads_come_and_go_with_its_clients[direct-your-server]"
IN_ONE_PIECE = "test_frames_that_come_in_one_piece_are_frames_of_their_own[direct-your-server]"
CLIENTS = "test_a_client_shows_what_comes_while_its_person_types_nothing[direct-your-client]"


def check(*arguments: str, patience: float = 15) -> tuple[int, str]:
    """Run the command as a student does."""
    command = [sys.executable, "-m", "labkit", "check", "--seed", SEED, "--patience", str(patience), *arguments]
    done = subprocess.run(command, cwd=ladder.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def in_folder(stage: int, folder: Path, **changed: str) -> Path:
    """A finished stage in a folder, with some of its files replaced."""
    ladder.write({**ladder.solution(stage), **{f"{name}.py": text for name, text in changed.items()}}, folder / "made")
    return folder / "made"


# start, hint, diff, watch


def test_start_writes_the_starter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says what to do, how to run it and how to check it."""
    assert start.main(["2", "--to", str(tmp_path)]) == 0
    folder = tmp_path / "2_roster"
    assert {path.name: path.read_text() for path in folder.iterdir()} == ladder.starter(2)
    said = capsys.readouterr().out
    assert all(part in said for part in ("# TASK", "2.5", "make run-server", "make check STAGE=2", "python3 server.py"))


def test_start_says_commands_that_can_be_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also for a folder whose name a shell would take apart."""
    assert start.main(["2", "--to", str(tmp_path / "my work")]) == 0
    folder = f"'{tmp_path}/my work/2_roster'"
    said = capsys.readouterr().out
    assert said.count(f"DIR={folder}") == 3
    assert all(command in said for command in (f"cd {folder} &&", f"--dir {folder}"))


def test_start_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is there stays as it is, and the line says what to do."""
    (tmp_path / "1_text").mkdir()
    assert start.main(["1", "--to", str(tmp_path)]) == 1
    assert list((tmp_path / "1_text").iterdir()) == []
    assert "rename it" in capsys.readouterr().err


def test_each_hint_is_one_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Up to the last, which comes again and says where to read on."""
    monkeypatch.chdir(tmp_path)
    for expected in [*tasks()["1.2"].hints, tasks()["1.2"].hints[-1]]:
        assert hint.main(["1.2"]) == 0
        assert expected in (said := capsys.readouterr().out)
    assert "labs/stage-1.md#task-1-2" in said


def test_damaged_memory_of_hints_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to find and remove a file."""
    monkeypatch.chdir(tmp_path)
    hint.memory().parent.mkdir()
    for damaged in ("", "[1]", '{"1.2": "x"}', "\x00", "[" * 100_000):
        hint.memory().write_text(damaged)
        assert hint.main(["1.2"]) == 0
        assert hint.given_so_far() == {"1.2": 1}


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")
@pytest.mark.parametrize("stage", ladder.STAGES)
def test_a_diff_turns_one_stage_into_the_next(stage: int, tmp_path: Path) -> None:
    """What it shows is all there is, as `patch` proves."""
    ladder.write(ladder.before(stage), tmp_path / "a")
    assert diff.main([str(stage), "--to", str(tmp_path / "the.diff")]) == 0
    subprocess.run(["patch", "-s", "-p1", "-i", "../the.diff"], cwd=tmp_path / "a", check=True)
    assert {path.name: path.read_text() for path in (tmp_path / "a").glob("*.py")} == ladder.solution(stage)


def test_watch_sees_a_save(tmp_path: Path) -> None:
    """Of a file that changes, comes or goes."""
    path = tmp_path / "server.py"
    seen = [watch.times(tmp_path)]
    path.write_text("")
    seen.append(watch.times(tmp_path))
    os.utime(path, (1, 1))
    seen.append(watch.times(tmp_path))
    assert len({str(each) for each in seen}) == 3


def test_watch_looks_past_what_it_cannot_read(tmp_path: Path) -> None:
    """A link to itself, and a folder whose name no folder can have."""
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "server.py").touch()
    assert list(watch.times(tmp_path)) == ["server.py"]
    assert watch.times(tmp_path / ("a" * 300)) == {}


SLOW_TO_PUT_AWAY = """
import time
try:
    print('checking', flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    time.sleep(1)
    print('all is put away', flush=True)
"""


def test_watch_lets_a_check_put_away_what_it_has_made(tmp_path: Path) -> None:
    """After Ctrl-C, however long it takes: else its folders stay behind."""
    source = f"import sys; from labkit.student import watch; watch.run([sys.executable, '-c', {SLOW_TO_PUT_AWAY!r}])"
    program = Terminal([sys.executable, "-c", source], tmp_path, {"PYTHONPATH": str(ladder.ROOT)})
    try:
        assert program.wait_for("checking")
        program.press("Ctrl-C")
        assert program.wait_for(lambda lines: any("all is put away" in line for line in lines))  # behind ^C
    finally:
        program.close()


# all of them


def labkit(*arguments: str, cwd: Path, stdout: int | IO[str] = subprocess.PIPE, **env: str) -> tuple[int, str, str]:
    """Run a command; returns its exit status and what it says on each stream."""
    done = subprocess.run(
        [sys.executable, "-m", "labkit", *arguments], cwd=cwd, stdout=stdout, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ladder.ROOT), **env},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_what_cannot_be_shown_is_shown_by_its_code(tmp_path: Path) -> None:
    """The name of a folder, on a terminal that has no such letters."""
    status, said, errors = labkit("start", "1", "--to", "caf\u00e9", cwd=tmp_path, PYTHONIOENCODING="ascii:strict")
    assert (status, "caf\\xe9" in said, errors) == (0, True, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
@pytest.mark.parametrize("arguments", [["hint", "1.2"], ["diff", "2"], ["check", "1", "--dir", "."]])
def test_output_that_has_no_room_is_told_in_a_line(arguments: list[str], tmp_path: Path) -> None:
    """On stderr, with exit status 1."""
    ladder.write(ladder.solution(1), tmp_path / "made")
    with open("/dev/full", "w") as full:
        status, _, said = labkit(*arguments, cwd=tmp_path / "made", stdout=full)
    assert (status, said) == (1, "Cannot write any more: No space left on device\n")


# check


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        ([], "Which stage"),
        (["7"], "one of 1, 2, 3, 4, 5"),
        (["1", "--task", "1.9"], "one of 1.1"),
        (["1", "--task", "2.1", "--dir", "stages/1_text"], "comes after stage 1"),
        (["1", "--dir", "nowhere"], "no folder nowhere"),
        (["1", "--dir", "a" * 300], "no folder aaa"),
        *((["1", f"--patience={odd}"], "is not a number of seconds") for odd in ("nan", "inf", "-1", "0", "long")),
        (["1", "--network", "zz"], "choose from"),
        (["1", "--dir", "labs"], "no server.py and no client.py"),
    ],
)
def test_what_cannot_be_checked_is_told_in_a_line(arguments: list[str], mend: str) -> None:
    """With exit status 2, and what to do."""
    status, said = check(*arguments)
    assert (status, mend in said, "Traceback" in said) == (2, True, False), said


def test_a_solution_passes_a_check() -> None:
    """Task by task, with exit status 0."""
    status, said = check("1", "--dir", "stages/1_text", "--story", ARCHITECTURE)
    assert (status, "✓ 1." in said, "Everything passes" in said) == (0, True, True), said


def test_an_undone_task_falls_short_with_its_story(tmp_path: Path) -> None:
    """The steps, the task, a hint, the guide's section, the seed, and how to tell it again."""
    ladder.write(ladder.starter(1, frozenset({"1.1", "1.2", "1.4", "1.5", "1.6"})), tmp_path / "made")
    status, said = check("1", "--dir", str(tmp_path / "made"), "--story", ARCHITECTURE, patience=3)
    assert status == 1
    task = tasks()["1.3"]
    for part in ("✗", task.hints[0], task.anchor, "make hint TASK=1.3", f"--seed {SEED}", "Your server is at fault"):
        assert part in said, said
    again = re.search(r"python3 -m labkit (check .*)", said)
    assert again is not None, said
    assert "--story" in again[1], said


def test_a_failure_for_want_of_another_task_sends_there(tmp_path: Path) -> None:
    """And not back to what is done: what the server does with frames shows only when it passes them on."""
    ladder.write(ladder.starter(1, frozenset({"1.1", "1.2", "1.3"})), tmp_path / "made")
    _, said = check("1", "--dir", str(tmp_path / "made"), "--story", IN_ONE_PIECE, patience=2)
    assert f"task 1.4: {tasks()['1.4'].title} (room.py), not done yet\nhint: {tasks()['1.4'].hints[0]}" in said, said
    assert ("make hint TASK=1.4" in said, "make hint TASK=1.1" in said) == (True, False), said


def test_a_program_that_broke_is_to_be_mended_first(tmp_path: Path) -> None:
    """No hint leads away from its line."""
    folder = in_folder(1, tmp_path, room="clients = [\n")
    _, said = check("1", "--dir", str(folder), "--story", ARCHITECTURE, patience=2)
    assert "Your server broke at room.py line 1: SyntaxError: '[' was never closed. Mend that first." in said, said
    assert "hint" not in said.lower(), said


def test_a_task_alone_ticks_no_other(tmp_path: Path) -> None:
    """Its stories that need others as well are lines of its own."""
    ladder.write(ladder.starter(2, frozenset({"2.1"})), tmp_path / "made")
    _, said = check("2", "--dir", str(tmp_path / "made"), "--task", "2.1", "--network", "direct", patience=2)
    lines = re.findall(r"^  [✓✗] (.+?)  \(", said, re.MULTILINE)
    assert lines[0] == "2.1 The roster in the welcome", said
    assert lines[1] == f"{lines[0]}, with 2.2", said


FORKS = """
import os, sys, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
"""


@pytest.mark.parametrize(
    ("side", "source"),
    [
        ("server", "while True: pass"),
        ("server", "while True: print('spam ' * 20)"),
        ("server", ""),
        ("server", "Dear Sir, this is not Python"),
        ("server", FORKS),
        ("client", "import signal\nfor s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\nwhile True: pass"),
        ("client", "while True: print('Would you like to connect (yes/no)?')"),
        ("client", "\x7fELF"),
    ],
    ids=[
        "hangs",
        "floods",
        "says nothing",
        "is no Python",
        "forks",
        "never ends",
        "floods with questions",
        "is binary",
    ],
)
def test_any_program_ends_a_check_in_time(side: str, source: str, tmp_path: Path) -> None:
    """With a story that names the side, and no process left of it."""
    folder = in_folder(1, tmp_path, **{side: source})
    status, said = check(
        "1", "--dir", str(folder), "--story", ARCHITECTURE if side == "server" else CLIENTS, patience=2
    )
    assert (status, f"Your {side} is at fault" in said) == (1, True), said
    assert processes_of(folder) == [], "the check has left these running"


def test_ctrl_c_while_stories_are_collected_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest would take it for itself, and only say so in its status."""

    def interrupted(item: pytest.Item) -> Told:
        raise KeyboardInterrupt

    monkeypatch.setattr(stories, "told_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        collect(Options(1, ladder.STAGES[1], 1))


def test_tests_that_cannot_be_read_are_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the check itself; pytest's status is the same as for Ctrl-C."""
    (tmp_path / "test_broken.py").write_text("Dear Sir")
    monkeypatch.setattr(student_run, "_arguments", lambda options: [str(tmp_path)])
    with pytest.raises(CheckFailed, match="cannot be read"):
        collect(Options(1, ladder.STAGES[1], 1))


@pytest.mark.parametrize("locked", [False, True])
def test_a_scratch_folder_is_removed_however_deep_it_is(locked: bool) -> None:
    """A program may make a folder in a folder, thousands of times, and take all rights from it."""
    with scratch_folder("deep-") as folder:
        here = os.open(folder, os.O_RDONLY)
        for _ in range(3000):
            os.mkdir("a", dir_fd=here)
            here, above = os.open("a", os.O_RDONLY, dir_fd=here), here
            os.close(above)
        os.close(here)
        (folder / "a" / "link").symlink_to(ladder.ROOT)
        (folder / "a").chmod(0 if locked else 0o755)
    assert not folder.exists()
    assert ladder.ROOT.exists()


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """A pipe for what a check's reporter writes, and a clock by which each look at it takes a second."""
    monkeypatch.setattr(student_run, "LOOK_AGAIN", 0.001)
    monkeypatch.setattr(student_run, "time", SimpleNamespace(monotonic=itertools.count().__next__))
    ours, theirs = os.pipe()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def test_a_busy_machine_may_be_silent_for_longer(events: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that became busy only after the last news."""
    ours, theirs = events
    looks = itertools.count()

    def longest_story(patience: float) -> float:
        look = next(looks)
        if look == 50:
            os.write(theirs, b'{"begins": "a story"}\n')
        return 10 if look < 5 else 100

    monkeypatch.setattr(student_run, "longest_story", longest_story)
    assert next(student_run._read(ours, 1)) == {"begins": "a story"}


def test_a_check_that_is_stuck_ends(events: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the names of the stories that were being told."""
    ours, theirs = events
    monkeypatch.setattr(student_run, "longest_story", lambda patience: 10)
    os.write(theirs, b'{"begins": "tests::a_story"}\n')
    with pytest.raises(CheckFailed, match="for 21 seconds; not at its end: a_story"):
        list(student_run._read(ours, 1))


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that run something of a folder."""
    listed = subprocess.run(["ps", "-axo", "args"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]


def test_the_broken_half_is_named() -> None:
    """From which of the three pairs fail."""
    options = Options(1, ladder.STAGES[1], 1)
    assert blame([]) == ""
    both = [told for told in collect(options) if told.pair == "both-yours"][:1]
    halves = [replace(both[0], pair=pair) for pair in ("your-server", "your-client")]
    assert "client is at fault" in blame([_failed(both[0]), _failed(halves[1])])
    assert "Both" in blame([_failed(each) for each in (*both, *halves)])


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        ("--- Sravya (the reference's client): runs (process 7) ---", "it fails with the reference's client too"),
        ("  | --- Sravya (the reference's client): runs (process 7) ---", "Your server is at fault"),
        ("--- the server: runs (process 7) ---", "Your server is at fault"),
    ],
    ids=["it took part", "a program shows such a line", "bare frames"],
)
def test_the_reference_is_named_only_where_it_took_part(heading: str, said: str) -> None:
    """In a story of bare frames no program plays the other side."""
    told = replace(collect(Options(1, ladder.STAGES[1], 1))[0], pair="your-server")
    assert blame([replace(_failed(told), text=f"expected: x\n\n{heading}\n")]).endswith(said)


def _failed(told: Told) -> Result:
    return Result(told, "failed", "", 0)


@pytest.mark.parametrize("stage", [1, 2, 3, 4, 5])
def test_each_task_has_stories_worth_points(stage: int) -> None:
    """Without one nobody would notice that it is not done."""
    own = collect(Options(stage, ladder.STAGES[stage], 1, own=True))
    assert {told.task for told in own} == {task.number for task in of_stage(stage)}
    assert all(told.points > 0 for told in own)
    assert all(need in tasks() and need.split(".")[0] == str(stage) for told in own for need in told.needs)


def test_a_task_left_undone_is_noticed(tmp_path: Path) -> None:
    """A small part of `make check-kit`: nobody is told who has gone."""
    ladder.write(ladder.starter(2, frozenset({"2.1", "2.2", "2.3", "2.5"})), tmp_path / "made")
    options = Options(2, tmp_path / "made", 1, own=True, pairs=False, network="direct", patience=3, workers=1)
    wanted = [told for told in collect(options) if told.task == "2.4"][:1]
    assert [result.outcome for result in run(options, wanted)] == ["failed"]


# make

ODD_FOLDERS = ["sp ace", 'quo"te', "it's", "`exit 9`", "$HOME", "$$HOME", "-dash", "back\\slash"]


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """The Makefile, in a folder where each program says with which arguments it was run, and where."""
    program = '#!/bin/sh\nprintf "%s\\n" "in $(pwd -P)" "$@"\n'
    for path in ("requirements/find_python.sh", "requirements/test.txt", ".venv/bin/python", ".venv/test.stamp"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text('echo "$PWD/.venv/bin/python"' if path.endswith(".sh") else program)
        (tmp_path / path).chmod(0o755)
    shutil.copy(ladder.ROOT / "Makefile", tmp_path)
    return tmp_path


def make(lab: Path, *arguments: str) -> list[str]:
    """What a target says, line by line."""
    # Not as a make within `make test`, which would say which folder it enters.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", *arguments]
    done = subprocess.run(
        command, cwd=lab, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", ODD_FOLDERS)
@pytest.mark.parametrize("role", ["server", "client"])
def test_make_runs_a_program_of_any_folder(lab: Path, role: str, name: str) -> None:
    """Whatever its name means to a shell, or to make."""
    (lab / name).mkdir()
    (lab / name / f"{role}.py").touch()
    assert make(lab, f"run-{role}", f"DIR={name}")[0] == f"in {(lab / name).resolve()}"


@pytest.mark.parametrize("name", ODD_FOLDERS)
@pytest.mark.parametrize("target", ["check", "watch"])
def test_make_checks_any_folder(lab: Path, target: str, name: str) -> None:
    """It hands on the name as it was typed."""
    assert make(lab, target, "STAGE=1", f"DIR={name}")[1:] == ["-m", "labkit", target, "1", f"--dir={name}"]


# bots


def test_bots_chat_and_leave(tmp_path: Path) -> None:
    """They join a server of stage 3, one greets, a picture is sent, and on Ctrl-C all are gone."""
    programs: list[Program] = []
    try:
        port = str(free_port())
        server = Terminal([sys.executable, str(ladder.STAGES[3] / "server.py"), "127.0.0.1", port], tmp_path)
        programs.append(server)
        assert server.wait_for("[SERVER LISTENING]")
        command = [sys.executable, "-m", "labkit", "bots", "2", "127.0.0.1", port]
        joined = Terminal(command, tmp_path, {"PYTHONPATH": str(ladder.ROOT)})
        programs.append(joined)
        assert server.wait_for("[sravya] hello, is anybody there?")
        assert server.wait_for(lambda lines: any(line.startswith("Received sunset.png") for line in lines))
        assert server.wait_for(lambda lines: any(line.startswith("[sanjay] got sunset.png") for line in lines))
        joined.send_signal(signal.SIGINT)
        assert joined.exit_status() == 0
    finally:
        for program in programs:
            program.close()


def test_bots_show_a_servers_reason_harmlessly(capsys: pytest.CaptureFixture[str]) -> None:
    """A server is somebody else: its words must not act on the terminal."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(4096)
                sock.sendall(encode(Refused("full", "\x1b]0;owned\x07")))
                while sock.recv(4096):
                    pass

        Thread(target=refuse, daemon=True).start()
        assert bots.main(["1", "127.0.0.1", str(listener.getsockname()[1])]) == 1
    said = capsys.readouterr().err
    assert "owned" in said
    assert "\x1b" not in said
