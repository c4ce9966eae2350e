"""The driver of the end-to-end tests, tested: what it reads, what it bounds, what it says."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reference.protocol import Ping, Pong, Text, TextFrom, Welcome, encode
from tests.graded.bare import BareClient, unfinished
from tests.graded.implementation import HOST, find
from tests.graded.leftovers import nothing_left_behind
from tests.graded.lines import in_order, is_line, own_words, without_prompt
from tests.graded.machine import rest
from tests.graded.outcome import MOST_SHOWN, Outcome, run_to_end
from tests.graded.pipes import Pipes
from tests.graded.program import PATIENCE, Program
from tests.graded.report import StoryFailure, condition, py_spy, stacks
from tests.graded.screen import KEPT_ROWS, Screen
from tests.graded.story import Setting, Story
from tests.graded.terminal import COLUMNS, ROWS, Terminal


class Programs:
    """Starts Python programs and ends them when the test is over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Program] = []

    def terminal(self, source: str) -> Terminal:
        """Run Python source in a terminal."""
        program = Terminal([sys.executable, "-c", source], self.folder)
        self.started.append(program)
        return program

    def pipes(self, source: str) -> Pipes:
        """Run Python source with pipes."""
        program = Pipes([sys.executable, "-c", source], self.folder)
        self.started.append(program)
        return program


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """A place to start programs."""
    programs = Programs(tmp_path)
    yield programs
    for program in programs.started:
        program.close()


def ends_running(pid: int) -> bool:
    """Whether a process comes to its end: a killed one may still wait for a processor to die on.

    A zombie has ended: who has no parent left is reaped by init when it likes.
    """
    try:
        end = os.pidfd_open(pid)  # readable when the process has ended, pidfd_open(2)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([end], [], [], PATIENCE)[0])
    finally:
        os.close(end)


def gone(pid: int) -> bool:
    """Whether there is no process of this number, not even a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


# What is read


def test_nothing_that_scrolls_away_is_lost(programs: Programs) -> None:
    """All lines are there in the end, not just those in sight."""
    program = programs.terminal("for n in range(200): print('line', n)")
    assert program.exit_status() == 0
    assert program.lines() == [f"line {n}" for n in range(200)]
    assert len(program.screen()) == ROWS


@pytest.mark.parametrize("length", [COLUMNS - 1, COLUMNS, COLUMNS + 1, 5 * COLUMNS])
def test_a_long_line_is_joined_back(programs: Programs, length: int) -> None:
    """One line printed is one line read, however many rows it takes; the next stays apart."""
    program = programs.terminal(f"print('x' * {length}); print('next')")
    assert program.exit_status() == 0
    assert program.lines() == ["x" * length, "next"]


@pytest.mark.parametrize("text", ["naïve", "👩‍💻 x", "❤️ x", "नमस्ते x", "日本 x", "హలో x", "🇮🇳 x"])
def test_any_script_is_read_as_printed(programs: Programs, text: str) -> None:
    """Wide characters, joiners and marks without a cell of their own are kept, and what follows."""
    program = programs.terminal(f"print({text!r})")
    assert program.exit_status() == 0
    assert program.wait_for(text)


def test_what_is_redrawn_is_read_as_it_looks(programs: Programs) -> None:
    """A prompt erased and drawn anew below a message is there once, as on a real screen."""
    program = programs.terminal(r"print('> half-ty\r\x1b[J[sravya] hello\n> half-ty', end='')")
    assert program.exit_status() == 0
    assert program.lines() == ["[sravya] hello", "> half-ty"]


def test_a_cleared_screen_hides_nothing(programs: Programs) -> None:
    """What stood on the screen when a program cleared it is still among the lines."""
    program = programs.terminal(r"print('before\x1b[2J\x1b[Hafter')")
    assert program.exit_status() == 0
    assert program.lines() == ["before", "after"]


def test_a_row_redrawn_shorter_no_longer_goes_on() -> None:
    """The mark of a long line goes with its end."""
    screen = Screen(COLUMNS, ROWS)
    screen.draw("x" * (COLUMNS + 1))
    screen.cursor_position(1, 1)
    screen.erase_in_display(0)
    screen.draw("short")
    screen.cursor_position(2, 1)
    screen.draw("next")
    assert screen.all_lines() == ["short", "next"]


def test_what_a_program_asks_the_terminal_is_answered(programs: Programs) -> None:
    """A program that asks where the cursor is gets the answer on its input."""
    program = programs.terminal(
        "import sys, termios, tty; tty.setraw(0, termios.TCSANOW); print('\\x1b[6n', end='', "
        "flush=True); print(repr(sys.stdin.read(6)))"
    )
    assert program.wait_for("'\\x1b[1;1R'")


@pytest.mark.parametrize(
    ("expected", "shown", "same"),
    [
        ("[a] hello", "[a] hello", True),
        ("[a] hello", "[a] hello   ", True),
        ("[a] hello", "> [a] hello", True),
        ("[a] hello", ">>> [a] hello", True),
        ("[a] hello", "> > [a] hello", True),
        ("[a] hello", "You: [a] hello", True),
        ("[a] hello", "[a] hello!", False),
        ("[a] hello", "[b] [a] hello", False),
        ("[a] hello", "    [a] hello", False),
        ("[a] hello", "[b] x: [a] hello", False),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}", True),
    ],
)
def test_a_line_counts_as_a_whole(expected: str, shown: str, same: bool) -> None:
    """A prompt before it is no part of a line; anything else is."""
    assert is_line(expected, shown) is same


@pytest.mark.parametrize("prompt", ["> ", ">>> ", "You: ", "> > ", ""])
def test_what_stands_behind_a_prompt_is_found(prompt: str) -> None:
    """As it was printed; a prompt alone has nothing behind it."""
    assert without_prompt(f"{prompt}[a] hello") == "[a] hello"
    assert without_prompt(prompt) == ""


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (["[a] hello"], ""),
        (["> [a] hello"], ""),
        (["you> [a] hello", "you> "], ""),
        (["you> you> [a] hello", "you> "], ""),
        (["Received: [a] hello"], "Received: "),
        (["Received: [a] hello", "Received: [a] bye"], "Received: "),
    ],
)
def test_a_word_before_a_line_is_a_prompt_only_where_it_waits(shown: list[str], words: str) -> None:
    """A prompt of letters stands in the last line too; signs alone are always one."""
    assert own_words("[a] hello", shown) == words


def test_lines_are_found_in_their_order_only() -> None:
    """Others may stand in between, but two lines the wrong way round are not in order."""
    assert in_order(("a", "c"), ["a", "b", "c"])
    assert not in_order(("c", "a"), ["a", "b", "c"])
    assert not in_order(("a", "a"), ["a", "b"])


# What is done


def test_a_typed_line_and_a_key_reach_the_program(programs: Programs) -> None:
    """A line ends with Enter, and Ctrl-D ends the input."""
    program = programs.terminal("import sys\nfor line in sys.stdin: print('got', line.strip())")
    program.type("grüße")
    assert program.wait_for("got grüße")
    program.press("Ctrl-D")
    assert program.exit_status() == 0


def test_ctrl_c_interrupts(programs: Programs) -> None:
    """The program gets the signal that the terminal makes of it."""
    program = programs.terminal("print('ready', flush=True); import signal; signal.pause()")
    assert program.wait_for("ready")
    program.press("Ctrl-C")
    assert program.exit_status() not in (0, None)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="nothing tells here whether a thread stands still")
def test_a_program_is_at_rest_when_it_reads(programs: Programs) -> None:
    """Not before: a signal that comes just before it reads would not be noticed."""
    program = programs.terminal(
        "import time\n"
        "print('busy')\n"
        "end = time.process_time() + 0.5\n"
        "while time.process_time() < end: pass\n"
        "input('done? ')"
    )
    assert program.wait_for("busy")
    rest(program.own_pid, PATIENCE)
    ticks = Path(f"/proc/{program.own_pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    assert sum(map(int, ticks)) >= 0.5 * os.sysconf("SC_CLK_TCK")


def test_the_last_words_of_an_interrupted_program_are_read(programs: Programs) -> None:
    """Those it says as it ends, too: the kernel throws away what the leader of a session has just shown."""
    source = (
        "import os, signal\n"
        "assert os.getpid() != os.getsid(0)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})\n"
        "print('ready', flush=True)\n"
        "signal.sigwait({signal.SIGINT})\n"
        "print('bye', flush=True); os._exit(3)"
    )
    for _ in range(20):
        program = programs.terminal(source)
        assert program.wait_for("ready")
        program.press("Ctrl-C")
        assert program.exit_status() == 3
        assert program.lines()[-1].endswith("bye")  # behind what the terminal shows of the key


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGSEGV])
def test_a_signal_that_ends_a_program_is_its_status(programs: Programs, number: signal.Signals) -> None:
    """As for the shell that started it."""
    program = programs.terminal("import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); print('up'); input()")
    assert program.wait_for("up")
    program.send_signal(number)
    assert program.exit_status() == -number


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="has no signals without a name")
def test_a_signal_without_a_name_is_told_by_its_number(programs: Programs) -> None:
    """Python knows no names for the real-time signals but the first and the last."""
    number = signal.SIGRTMIN + 6
    program = programs.terminal(f"import os; os.kill(os.getpid(), {number})")
    assert program.exit_status() == -number
    assert condition(program) == f"was ended by signal {number}"


def test_a_program_ends_in_a_terminal_that_is_stopped(programs: Programs) -> None:
    """Ctrl-S holds up what is shown, and not the end."""
    program = programs.terminal("print('up'); input()")
    assert program.wait_for("up")
    program.press("Ctrl-S")
    program.send_signal(signal.SIGTERM)
    assert program.exit_status() == -signal.SIGTERM


def test_a_line_too_long_for_a_terminal_is_a_mistake_of_the_test(programs: Programs) -> None:
    """A terminal would cut it without a word, so the driver does not even try."""
    with pytest.raises(ValueError, match="bytes"):
        programs.terminal("input()").type("x" * 1001)


def test_a_stopped_program_does_nothing_until_it_goes_on(programs: Programs) -> None:
    """What is typed meanwhile is there when it wakes."""
    program = programs.terminal("print('ready', flush=True); print('got', input())")
    assert program.wait_for("ready")
    program.stop()
    program.type("hello")
    assert not program.wait_for("got hello", deadline=0.2)
    program.cont()
    assert program.wait_for("got hello")


def test_paused_output_holds_a_program_up(programs: Programs) -> None:
    """Nobody takes what it prints, so it cannot go on; then it can, and nothing is lost."""
    program = programs.terminal("input()\nfor n in range(20_000): print(n)")
    program.pause_output()
    program.type("go")
    assert program.exit_status(deadline=0.5) is None
    program.resume_output()
    assert program.exit_status() == 0
    assert program.lines()[-1] == "19999"


def test_pipes_carry_lines_both_ways(programs: Programs) -> None:
    """A program without a terminal is read line by line."""
    program = programs.pipes("while True: print('got', input(), flush=True)")
    program.type("hello")
    assert program.wait_for("got hello")
    program.kill()
    assert program.exit_status() == -9


# What is bounded and left


def test_a_flood_is_bounded(programs: Programs) -> None:
    """A program that prints without end takes no more memory than the rows that are kept."""
    program = programs.terminal("while True: print('flood')")
    assert program.wait_for(lambda lines: len(lines) >= KEPT_ROWS)
    assert len(program.lines()) <= KEPT_ROWS + ROWS
    program.kill()
    assert program.exit_status() == -9


@pytest.mark.parametrize("kind", ["terminal", "pipes"])
def test_nothing_is_left_of_a_program(programs: Programs, kind: str) -> None:
    """Neither the program nor what it started is left when it is closed, however it ignores us."""
    program = getattr(programs, kind)(
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '1000']); print('child', child.pid, flush=True)\n"
        "signal.pause()"
    )
    assert program.wait_for(lambda lines: any(line.startswith("child ") for line in lines))
    child = int(program.lines()[0].split()[1])
    program.close()
    assert gone(program.pid)
    assert ends_running(child)


# What is run to its end


def outcome_of(source: str, folder: Path, patience: float = PATIENCE) -> Outcome | None:
    """Run Python source to its end, and end what it leaves behind."""
    with nothing_left_behind():
        return run_to_end([sys.executable, "-c", source], folder, {}, patience)


def test_what_is_run_to_its_end_has_an_outcome(tmp_path: Path) -> None:
    """What it printed, each stream by itself, and its exit status."""
    outcome = outcome_of("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)", tmp_path)
    assert outcome == Outcome("out\n", "err\n", 3)


def test_what_is_run_to_its_end_reaches_nobody_of_ours(tmp_path: Path) -> None:
    """Neither its process group nor its parent is the driver's: it may kill or stop either."""
    outcome = outcome_of("import os; print(os.getpgrp(), os.getppid(), flush=True); os.kill(0, 9)", tmp_path)
    assert outcome is not None
    assert outcome.status == -signal.SIGKILL
    assert not {os.getpgrp(), os.getpid()} & set(map(int, outcome.stdout.split()))


def test_what_never_ends_has_no_outcome(tmp_path: Path) -> None:
    """Even if it has stopped whoever waits for it."""
    source = "import os, signal; os.kill(os.getppid(), signal.SIGSTOP); print('stopped')"
    assert outcome_of(source, tmp_path, patience=1) is None


def test_a_process_left_behind_delays_no_outcome(tmp_path: Path) -> None:
    """It has the program's output open, in a session of its own."""
    source = "import os, time\nif os.fork() == 0: os.setsid(); time.sleep(600)\nprint('gone')"
    outcome = outcome_of(source, tmp_path)
    assert outcome is not None
    assert (outcome.stdout, outcome.status) == ("gone\n", 0)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_an_outcome_is_bounded(stream: str, tmp_path: Path) -> None:
    """Of a program that prints without end the beginning is kept, and it gets no further than the limit."""
    outcome = outcome_of(f"import os, sys\nwhile True: os.write(sys.{stream}.fileno(), bytes(65536))", tmp_path)
    assert outcome is not None
    assert len(getattr(outcome, stream)) == MOST_SHOWN


# What a failure says


SERVER = """
import sys
print(sys.argv[1]); print("[ACTIVATING SERVER]"); print("[SERVER LISTENING]", flush=True)
def stuck_here():
    sys.stdin.read()
stuck_here()
"""
CLIENT = """
input("Would you like to connect (yes/no)? ")
input("Enter your Name : ")
raise SystemExit(3)
"""


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """A story about a server that never answers and a client that gives up."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "server.py").write_text(SERVER)
    (folder / "client.py").write_text(CLIENT)
    (tmp_path / "people").mkdir()
    setting = Setting(
        find(str(folder), "server"),
        find(str(folder), "client"),
        seed=4711,
        patience=1.0,
        again="pytest this --seed 4711",
    )
    story = Story(setting, tmp_path / "people")
    yield story
    story.close()


def test_a_failure_tells_the_story(story: Story) -> None:
    """The steps so far, what was expected, every screen, every end, the seed and the command."""
    story.server()
    with pytest.raises(StoryFailure) as failure:
        story.join("sravya")
    text = str(failure.value)
    assert "  1 ✓ the server starts" in text
    assert "  2 ✗ sravya joins" in text
    assert "expected: sravya is in the chat" in text
    assert "but:      sravya ended with exit status 3" in text
    assert "  | [SERVER LISTENING]" in text
    assert "  | Enter your Name : sravya" in text
    assert "--- the server: runs (process " in text
    assert "--- sravya: ended with exit status 3 ---" in text
    assert "seed: 4711" in text
    assert "pytest this --seed 4711" in text


def test_a_hang_shows_where_each_thread_stands(story: Story) -> None:
    """When a deadline passes, the line a program waits at is named."""
    if py_spy() is None:
        pytest.skip("needs py-spy")
    server = story.server()
    with pytest.raises(StoryFailure, match="where each thread of the server stands") as failure:
        server.sees("something it never says")
    assert "stuck_here" in str(failure.value)


STUCK = """Process 7: python server.py
Python v3.11.7

Thread 7 (active+gil): "MainThread"
    count (server.py:3)
Thread 8 (idle): "Thread-1 (serve)"
    _recv (sitecustomize.py:36)
    receive (wire.py:51)
"""


def test_what_a_thread_does_is_said_in_plain_words() -> None:
    """Without the command, the terms of the tool, and the driver's own frames."""
    assert stacks(STUCK).splitlines() == [
        'Thread 7 (busy, in a loop perhaps): "MainThread"',
        "    count (server.py:3)",
        'Thread 8 (idle): "Thread-1 (serve)"',
        "    receive (wire.py:51)",
    ]


def test_a_program_that_waits_for_its_threads_to_end_is_said_to() -> None:
    """Nothing in its stack is the student's own."""
    dump = 'Thread 7 (idle): "MainThread"\n    _shutdown (threading.py:1590)\n'
    assert "waits for threads that are not daemon" in stacks(dump)
    assert "daemon" not in stacks(STUCK)


def test_the_references_threads_are_no_place_to_look_at(story: Story, tmp_path: Path) -> None:
    """Where the student's server hangs, the clients beside it are ours."""
    if py_spy() is None:
        pytest.skip("needs py-spy")
    (tmp_path / "mixed").mkdir()
    mixed = Story(replace(story.setting, client=find("reference", "client")), tmp_path / "mixed")
    try:
        server, _ = mixed.server(), mixed.opens_client()
        with pytest.raises(StoryFailure) as failure:
            server.sees("something it never says")
        found = re.findall("where each thread of (.+) stands", str(failure.value))
        assert found == ["the server"]
    finally:
        mixed.close()


@pytest.mark.parametrize(
    ("begun", "said"),
    [
        (b"", []),
        (b"\0\0", ["2 of the 4 bytes of a length"]),
        (b"\0\0\0\x27T1234567", ["12 of 43 bytes of a frame"]),
    ],
)
def test_how_much_of_a_frame_has_come_is_said(begun: bytes, said: list[str]) -> None:
    """As when `send` has sent a part of it."""
    assert unfinished(begun) == said


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b'["H", {}]', "1528973346 bytes.+32768 .the protocol's limit for this kind of frame; MAX_FRAME is for"),
        (b"\0\0\0\x27T1234567", "seconds went by; the last to come: 12 of 43 bytes of a frame"),
        (b"", "seconds went by; nothing came before"),
        (encode(Welcome()), "seconds went by; the last to come: welcome\n"),
    ],
)
def test_what_came_instead_of_a_frame_is_said(sent: bytes, said: str, story: Story) -> None:
    """And whose limit it is that a length is beyond."""
    with socket.create_server((HOST, 0)) as listener, socket.create_connection(listener.getsockname()) as theirs:
        ours, _ = listener.accept()
        theirs.sendall(sent)
        with ours, pytest.raises(StoryFailure, match=said):
            BareClient(story, "ann", ours).gets(TextFrom)


def test_a_story_that_is_told_too_slowly_fails(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer came within patience: where the programs stand then says what takes the time."""
    monkeypatch.setattr("tests.graded.story.longest_story", lambda patience: 0.0)
    with pytest.raises(StoryFailure, match="1 ✗ it holds") as failure:
        story.agrees("it holds", True)
    assert "seconds went by" in str(failure.value)


def test_no_program_outlives_its_story(story: Story) -> None:
    """Whatever runs at the end is ended."""
    server = story.server()
    person = story.opens_client()
    story.close()
    assert gone(server.program.pid)
    assert gone(person.program.pid)


def test_a_story_goes_on_when_its_folder_is_removed(story: Story) -> None:
    """By a program, which may do it: who comes next has a folder of their own all the same."""
    server = story.server()
    shutil.rmtree(server.folder.parent)
    assert story.opens_client().folder.is_dir()


def test_the_same_seed_tells_the_same_story(story: Story, tmp_path: Path) -> None:
    """Names, texts and contents come from the seed alone."""
    again = Story(story.setting, tmp_path)
    for drawn in ("name", "text", "file_name"):
        assert getattr(story.drawn, drawn)() == getattr(again.drawn, drawn)()
    assert story.drawn.content(100) == again.drawn.content(100)


def test_drawn_texts_fit_a_terminal(story: Story) -> None:
    """No text drawn is a command, too long to be typed, or changed by stripping."""
    for _ in range(500):
        text = story.drawn.text()
        assert len(text.encode()) < 1_000
        assert text == text.strip()
        assert not text.startswith("!")


def test_waiting_in_vain_ends_at_once(story: Story) -> None:
    """With what has come in place of what was waited for, long before patience is over."""
    story = Story(replace(story.setting, patience=PATIENCE), story._folder / "patient")
    server = story.server()
    with pytest.raises(StoryFailure, match="but:      it is listening already"):
        server.sees_where("a line", lambda _: False, lambda: "it is listening already")
    story.close()


@pytest.mark.parametrize(
    ("tasks", "hint", "said"),
    [
        (("3.2", "3.1"), "", "3.2: Offer a file, and answer who asks for a piece (client.py, files.py)\nhint: "),
        (("3.2", "3.1", "3.5"), "", "this story is about it, and listed at 3.5, which it needs too\nhint: "),
        (("1.3",), "end with status 2", "\nhint: end with status 2\nguide: labs/stage-1.md\n"),
    ],
    ids=["its own", "listed at another", "a hint of its own"],
)
def test_a_failure_says_which_task_it_is_about(
    tasks: tuple[str, ...], hint: str, said: str, story: Story, tmp_path: Path
) -> None:
    """And where a check lists it, if that is elsewhere; a story's own hint takes the place of the task's."""
    story = Story(replace(story.setting, tasks=tasks, hint=hint), tmp_path / "another")
    with pytest.raises(StoryFailure) as failure:
        story.agrees("all is well", False)
    assert said in str(failure.value)
    assert ("task " in str(failure.value)) is not bool(hint)


def test_no_pong_falls_into_a_half_sent_frame(story: Story) -> None:
    """It comes when the frame is whole, and before what is sent next."""
    text, ping, pong = encode(Text("hello")), encode(Ping()), encode(Pong())
    with socket.create_server((HOST, 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    with ours, theirs:
        client = BareClient(story, "sravya", ours)
        client.sends_bytes("half a text", text[:9])
        theirs.sendall(ping + ping)
        client.gets(Ping)
        client.gets(Ping)
        client.sends_bytes("the other half", text[9:])
        client.sends(Text("again"))
        theirs.sendall(ping)
        client.gets(Ping)
        ours.shutdown(socket.SHUT_WR)
        expected = text + pong + pong + encode(Text("again")) + pong
        assert b"".join(iter(lambda: theirs.recv(4096), b"")) == expected
