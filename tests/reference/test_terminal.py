"""The terminal face: in an emulated terminal, as somebody sees it who sits there; and its parts by themselves."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import Mock

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from labkit.proxy import Faults, Proxy
from reference.client.connection import Client
from reference.client.events import Event, FileFailed, FileProgress, FileReceived, Said
from reference.client.wording import lines_of
from reference.terminal import plain
from reference.terminal.interactive import Interactive
from reference.terminal.progress import Progress
from reference.terminal.waiting import MAX_WAITING, Waiting
from tests.graded.terminal import KEYS, Terminal
from tests.reference.live import ROOT, Live, serving
from tests.reference.people import DEADLINE

PASTE_BEGIN, PASTE_END = "\x1b[200~", "\x1b[201~"


class Window(Terminal):
    """A client in a terminal."""

    def resize(self, rows: int, columns: int) -> None:
        """Pull at the window's corner."""
        with self.changed:
            self._screen.resize(rows, columns)
            self._seen = None
        self._child.setwinsize(rows, columns)

    @property
    def title(self) -> str:
        """The window's title, which a program may set."""
        return str(self._screen.title)

    def shows(self, condition: Callable[[list[str]], bool]) -> None:
        """Wait until the rows in sight are so."""
        assert self.wait_for(lambda _: condition(self.rows())), "\n".join(["not so:", *self.rows()])

    def rows(self) -> list[str]:
        """The rows in sight, without the blank ones."""
        return [row for row in self.screen() if row] or [""]


class Friend:
    """Somebody else in the room, in this process."""

    def __init__(self, address: tuple[str, int], name: str, folder: Path) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()
        self.client = Client(*address, self._keep, folder)
        self.client.connect()
        self.client.join(name)

    def heard(self, wanted: Callable[[Event], bool]) -> Event:
        """Wait for an event."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(map(wanted, self.events)), DEADLINE), self.events
            return next(filter(wanted, self.events))

    def heard_text(self, text: str) -> None:
        """Wait for a text."""
        self.heard(lambda event: isinstance(event, Said) and event.text == text)

    def _keep(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()


class Room:
    """A server, one friend, and those who come by terminal."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self.server: Live = stack.enter_context(serving())
        self.friend = Friend(self.server.address, "sanjay", folder / "friend")
        stack.callback(self.friend.client.leave)

    def enter(self, address: tuple[str, int] | None = None, env: dict[str, str] | None = None) -> Window:
        """Sravya comes, in a terminal."""
        host, port = address or self.server.address
        command = [sys.executable, "-m", "reference.client", host, str(port)]
        command += ["--yes", "--mode", "terminal", "--name", "sravya"]
        window = Window(command, self.folder, {"PYTHONPATH": str(ROOT), **(env or {})})
        self._stack.callback(window.close)
        assert window.wait_for("Client 2 : sravya"), window.lines()
        return window

    def through(self, **faults: float) -> tuple[str, int]:
        """The address of a bad network before the server."""
        both = Faults(**faults)  # type: ignore[arg-type]
        proxy = self._stack.enter_context(Proxy(target=self.server.address, to_server=both, to_client=both))
        return proxy.address


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Nobody but sanjay is there."""
    with ExitStack() as stack:
        yield Room(tmp_path, stack)


def is_typing(text: str) -> Callable[[list[str]], bool]:
    """Whether the row at the bottom is the input line, with this in it."""
    return lambda rows: rows[-1] == f"> {text}".rstrip()


# --- typing


def test_what_is_typed_during_a_flood_stays_whole(room: Room) -> None:
    """Two hundred lines arrive while somebody types: none is lost, and nothing gets into the half-typed line."""
    sravya = room.enter()
    for number in range(200):
        room.friend.client.say(f"line {number}")
        if number % 10 == 0:
            sravya.write("typing"[number // 10 % 6])
    sravya.shows(is_typing("typing" * 3 + "ty"))
    assert sravya.wait_for("[sanjay] line 199")
    assert [line for line in sravya.lines() if "] line" in line] == [f"[sanjay] line {each}" for each in range(200)]


def test_a_text_over_the_limit_is_kept_for_editing(room: Room) -> None:
    """It is refused before sending; shortened, it goes."""
    sravya = room.enter()
    sravya.write(f"{PASTE_BEGIN}{'x' * 4097}{PASTE_END}")
    sravya.press("Enter")
    assert sravya.wait_for("Not sent: the text has 4097 bytes, 4096 at most (Ctrl-U clears it)")
    sravya.press("Backspace")
    sravya.press("Enter")
    room.friend.heard_text("x" * 4096)
    assert [event for event in room.friend.events if isinstance(event, Said)] == [Said("sravya", "x" * 4096)]


def test_a_huge_paste_is_refused_and_cleared(room: Room) -> None:
    """10,000 lines take their rows of the screen and no more, and Ctrl-U takes them away."""
    sravya = room.enter()
    sravya.write(PASTE_BEGIN + "\n".join(f"line {number}" for number in range(10_000)) + PASTE_END)
    sravya.shows(lambda rows: rows[-1] == "  line 9999")
    assert sum("line" in row for row in sravya.rows()) == 10
    sravya.press("Enter")
    sravya.shows(lambda rows: any(row.startswith("Not sent: ") for row in rows))
    sravya.press("Ctrl-U")
    sravya.type("something short")
    room.friend.heard_text("something short")


def test_a_paste_of_several_lines_goes_in_as_one_text(room: Room) -> None:
    """When Enter is pressed, not before; the line end behind it does not count."""
    sravya = room.enter()
    sravya.write(f"{PASTE_BEGIN}first\r\n[sanjay] second\rthird\n{PASTE_END}")
    sravya.shows(lambda rows: rows[-3:] == ["> first", "  [sanjay] second", "  third"])
    assert not any(isinstance(event, Said) for event in room.friend.events)
    sravya.press("Enter")
    room.friend.heard_text("first\n[sanjay] second\nthird")
    sravya.shows(lambda rows: rows[-4:] == ["> first", "    [sanjay] second", "    third", ">"])


def test_tab_shows_the_choices_above_the_line(room: Room) -> None:
    """And leaves the line as it was."""
    for name in ("holiday-1.jpg", "holiday-2.jpg"):
        (room.folder / name).touch()
    sravya = room.enter()
    sravya.write("!send hol")
    sravya.press("Tab")
    sravya.shows(is_typing("!send holiday-"))
    sravya.press("Tab")
    sravya.shows(lambda rows: rows[-2:] == ["holiday-1.jpg  holiday-2.jpg", "> !send holiday-"])


def test_tab_completes_in_the_midst_of_a_line(room: Room) -> None:
    """What stands behind the cursor stays there."""
    sravya = room.enter()
    sravya.write("!se x")
    for key in ("Left", "Left", "Tab"):
        sravya.press(key)
    sravya.shows(is_typing("!send  x"))


def test_the_arrow_keys_go_through_what_was_typed(room: Room) -> None:
    """Up to the older, down to the newer, and to the half-typed line at last."""
    sravya = room.enter()
    for text in ("one", "two"):
        sravya.type(text)
        room.friend.heard_text(text)
    sravya.write("half")
    for key, text in [("Up", "two"), ("Up", "one"), ("Down", "two"), ("Down", "half")]:
        sravya.press(key)
        sravya.shows(is_typing(text))


def test_wide_characters_do_not_shift_the_line(room: Room) -> None:
    """The cursor is where it seems to be: an insertion goes in there."""
    sravya = room.enter()
    sravya.write("日本語 😀 grüße")
    for _ in range(len("😀 grüße")):
        sravya.press("Left")
    sravya.write("と")
    sravya.shows(is_typing("日本語 と😀 grüße"))
    sravya.press("Enter")
    room.friend.heard_text("日本語 と😀 grüße")


@pytest.mark.parametrize("columns", [40, 60, 132])
def test_the_line_survives_a_resize(room: Room, columns: int) -> None:
    """It is whole, once, and below what came before and after."""
    sravya = room.enter()
    sravya.write("half of a line")
    sravya.shows(is_typing("half of a line"))
    sravya.resize(18, columns)
    room.friend.client.say("you look different")
    sravya.shows(lambda rows: rows[-2:] == ["[sanjay] you look different", "> half of a line"])
    assert sum("half" in row for row in sravya.rows()) == 1


def test_a_long_line_wraps_in_a_narrow_terminal(room: Room) -> None:
    """All of it is in sight while it is typed."""
    sravya = room.enter()
    sravya.resize(20, 40)
    words = " ".join(f"word{number}" for number in range(15))
    sravya.write(words)
    sravya.shows(lambda rows: rows[-1].endswith("word14"))
    typed = [row for row in sravya.rows() if "word" in row]
    assert len(typed) == 3
    assert "".join(row[2:].ljust(38) for row in typed).rstrip() == words


# --- files


def test_progress_is_shown_while_a_file_is_on_its_way(room: Room) -> None:
    """Below the input line, on both sides of a slow network, and gone when the file is there."""
    address = room.through(rate=100_000)
    sravya = room.enter(address)
    (room.folder / "slow.bin").write_bytes(bytes(150_000))
    sravya.type("!send slow.bin")
    sravya.write("still typing")
    sravya.shows(lambda rows: rows[-2:-1] == ["> still typing"] and rows[-1].startswith("Sending "))
    row = sravya.rows()[-1]
    assert sravya.wait_for("File Successfully sent")
    assert row == "" or ("% [" in row and "of 150 KB, " in row and row.endswith("/s slow.bin")) or "typing" in row
    sravya.shows(is_typing("still typing"))
    received = room.friend.heard(lambda event: isinstance(event, FileReceived))
    assert isinstance(received, FileReceived)
    room.friend.client.send_file(received.path)
    sravya.shows(lambda rows: rows[-2:-1] == ["> still typing"] and rows[-1].startswith("Receiving "))
    assert sravya.wait_for(lambda lines: any(line.startswith("Successfully received: ") for line in lines))
    sravya.shows(is_typing("still typing"))


def test_progress_that_comes_after_a_files_end_leaves_no_row() -> None:
    """One thread tells of a piece while another calls the file off; fetched again, it has a row again."""
    client = Mock(under_way=Mock(return_value=[(1, "film.mp4")]))
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        face = Interactive(client)
        face.show(FileProgress(1, "film.mp4", 5, 10))
        client.under_way.return_value = []
        face.show(FileFailed(1, "film.mp4", "you called it off"))
        face.show(FileProgress(1, "film.mp4", 6, 10))
        assert face._progress_rows() == ""
        client.under_way.return_value = [(1, "film.mp4")]
        face.show(FileProgress(1, "film.mp4", 2, 10))
        assert "film.mp4" in str(face._progress_rows())


def test_a_reason_of_somebody_else_is_shown_in_a_line_or_two() -> None:
    """However long it is."""
    (line,) = lines_of(FileFailed(1, "film.mp4", "x" * 20_000))
    assert line == f"film.mp4 was called off: {'x' * 200} …"


def test_a_row_of_progress_says_how_far_and_how_fast() -> None:
    """Percent, size, and the rate of the last seconds."""
    now = 0.0
    progress = Progress("film.mp4", 50_000_000, sending=True, clock=lambda: now)
    for _ in range(10):
        now += 1.0
        progress.at(int(now * 2_500_000))
    assert progress.row(80) == "Sending  50% [##########----------] of 50.0 MB, 2.5 MB/s film.mp4"
    assert progress.row(40) == "Sending  50% of 50.0 MB, 2.5 MB/s film.mp4"
    now += 10.0  # nothing comes any more
    assert "/s" in progress.row(80)
    assert "2.5 MB/s" not in progress.row(80)


# --- hostile text

HOSTILE = [
    "\x1b[2J\x1b[Hcleared",
    "\x1b]0;owned\x07title",
    "\x1b]2;owned\x1b\\title",
    "\x1b[31mred\x1b[5mblink",
    "\x9b2Jeight-bit",
    "\rover\x08\x08\x08written",
    "\x0e shifted \x1b(0 lines",
    "\x1b[6n\x1b[c\x05 answer me",
    "\u202egnp.exe",
    "\x1bc reset",
    "\x1b[?1049h\x1b[?25l\x1b[?2026h hidden",
]


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_hostile_text_is_shown_and_not_obeyed(room: Room, term: str) -> None:
    """Escape codes, titles, questions, overrides: every one becomes a harmless line, in either face."""
    sravya = room.enter(env={"TERM": term})
    title = sravya.title
    room.friend.client.say("before")
    for text in HOSTILE:
        room.friend.client.say(text)
    room.friend.client.say("after")
    assert sravya.wait_for("[sanjay] after")
    shown = [line for line in sravya.lines() if "before" in line or "after" in line]
    assert shown == ["[sanjay] before", "[sanjay] after"]
    between = sravya.lines()[sravya.lines().index("[sanjay] before") + 1 : sravya.lines().index("[sanjay] after")]
    assert len(between) >= len(HOSTILE)
    assert [line for line in between if not line.startswith(("[sanjay]", "    "))] == []
    assert sravya.title == title
    assert "\u202e" not in "".join(between)
    sravya.type("still here")
    room.friend.heard_text("still here")


# --- the end


def test_the_servers_end_is_told_at_once(room: Room) -> None:
    """Also in the midst of a line, which stays in sight."""
    sravya = room.enter()
    sravya.write("half of a li")
    sravya.shows(is_typing("half of a li"))
    room.server.stop()
    assert sravya.exit_status() == 0
    assert sravya.lines()[-2:] == ["> half of a li", "The server has closed the chat"]


def test_a_lost_connection_is_told_and_made_anew(room: Room) -> None:
    """What is half-typed stays, and what is sent meanwhile is heard afterwards."""
    with Proxy(target=room.server.address) as proxy:
        sravya = room.enter(proxy.address)
        sravya.write("half of a li")
        proxy.hold()
        proxy.cut()
        assert sravya.wait_for(lambda lines: lines[-2].startswith("Connection lost") and lines[-1] == "> half of a li")
        sravya.write("ne\r")
        assert sravya.wait_for("(not connected: 1 message still to be sent)")
        proxy.release()
        room.server.shown.wait_for("[sravya] half of a line")
        assert sravya.wait_for("Reconnected")


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves(room: Room, number: signal.Signals, term: str) -> None:
    """As `!q` does, in either face."""
    sravya = room.enter(env={"TERM": term})
    sravya.send_signal(number)
    assert sravya.exit_status() == 0
    assert sravya.lines()[-1] == "Disconnected"
    room.server.shown.wait_for("[sravya] !DISCONNECT")


def test_a_signal_leaves_a_terminal_that_stands_still(room: Room) -> None:
    """Ctrl-S, or one that hangs: the thread that draws is stuck in it."""
    sravya = room.enter()
    sravya.pause_output()
    for number in range(300):
        room.friend.client.say(f"line {number} " + "x" * 2000)
    room.server.shown.wait_for(lambda line: line.startswith("[sanjay] line 299 "))
    sravya.send_signal(signal.SIGTERM)
    room.server.shown.wait_for("[sravya] !DISCONNECT")
    sravya.resume_output()
    assert sravya.exit_status() == 0


class Console(io.StringIO):
    """A terminal that can do no more than lines."""

    def isatty(self) -> bool:
        """It is one."""
        return True


class Interrupted(threading.Event):
    """Ctrl-C comes as soon as somebody waits."""

    def wait(self, timeout: float | None = None) -> bool:
        """Not for long."""
        raise KeyboardInterrupt


def test_a_plain_terminal_that_stands_still_can_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that shows is stuck in it, with the lock that keeps lines apart."""
    monkeypatch.setattr(plain, "NEW_LINE_SECONDS", 0.0)
    monkeypatch.setattr(sys, "stdin", Console())
    monkeypatch.setattr(sys, "stdout", Console())
    client = Mock()
    face = plain.Plain(client)
    face._over = Interrupted()
    leaving = threading.Thread(target=face.run, daemon=True)
    with face._lock:
        leaving.start()
        leaving.join(DEADLINE)
        client.leave.assert_called_once()


def test_closing_the_terminal_leaves(room: Room) -> None:
    """The window is gone, and the others know at once."""
    sravya = room.enter()
    sravya.send_signal(signal.SIGHUP)
    assert sravya.exit_status() == 0
    room.server.shown.wait_for("[sravya] !DISCONNECT")


@pytest.mark.parametrize("typed", ["", "half of a li"])
def test_ctrl_c_leaves(room: Room, typed: str) -> None:
    """With something half-typed, too."""
    sravya = room.enter()
    sravya.write(typed)
    sravya.shows(is_typing(typed))
    sravya.press("Ctrl-C")
    assert sravya.exit_status() == 0
    assert sravya.lines()[-1] == "Disconnected"
    room.server.shown.wait_for("[sravya] !DISCONNECT")


def test_ctrl_c_begins_a_new_line_in_a_plain_terminal(room: Room) -> None:
    """There the terminal itself shows ^C, and `Disconnected` is still a line of its own."""
    sravya = room.enter(env={"TERM": "dumb"})
    sravya.press("Ctrl-C")
    assert sravya.exit_status() == 0
    assert sravya.lines()[-1] == "Disconnected"


def test_ctrl_d_deletes_where_there_is_text_and_leaves_where_there_is_none(room: Room) -> None:
    """As in every line editor."""
    sravya = room.enter()
    sravya.write("abc")
    sravya.press("Home")
    sravya.press("Ctrl-D")
    sravya.shows(is_typing("bc"))
    sravya.press("End")
    sravya.press("Ctrl-D")
    sravya.press("Enter")
    room.friend.heard_text("bc")
    sravya.press("Ctrl-D")
    assert sravya.exit_status() == 0
    assert sravya.lines()[-1] == "Disconnected"


# --- terminals that can do less


def test_a_dumb_terminal_gets_plain_lines(room: Room) -> None:
    """No escape sequence at all: what arrives stands where it comes."""
    sravya = room.enter(env={"TERM": "dumb"})
    room.friend.client.say("hello")
    assert sravya.wait_for("[sanjay] hello")
    sravya.type("hi")
    room.friend.heard_text("hi")
    assert not any("\x1b" in line or line.startswith(">") for line in sravya.lines())


def test_without_prompt_toolkit_there_are_plain_lines(room: Room) -> None:
    """The chat needs the standard library alone."""
    absent = room.folder / "absent"
    absent.mkdir()
    (absent / "prompt_toolkit.py").write_text("raise ImportError('not installed')\n")
    sravya = room.enter(env={"PYTHONPATH": os.pathsep.join([str(absent), str(ROOT)])})
    room.friend.client.say("hello")
    assert sravya.wait_for("[sanjay] hello")
    sravya.type("!q")
    assert sravya.exit_status() == 0
    assert sravya.lines()[-1] == "Disconnected"


def test_what_waits_for_a_terminal_that_stands_still_is_bounded() -> None:
    """Beyond the bound, lines are dropped and counted."""
    waiting = Waiting()
    fits = MAX_WAITING // 1001
    for _ in range(fits + 5):
        waiting.add([("", "x" * 1000)])
    lines = "".join(text for _, text in waiting.take()).splitlines()
    assert lines == ["x" * 1000] * fits + ["(5 lines not shown: the terminal was too slow)"]
    waiting.add([("", "and on")])
    assert waiting.take() == [("", "and on"), ("", "\n")]


def test_the_chat_goes_on_after_the_terminal_stood_still(room: Room) -> None:
    """Ctrl-S, or a terminal that hangs: nothing is said twice, and what is typed then is sent."""
    sravya = room.enter()
    sravya.pause_output()
    for number in range(300):
        room.friend.client.say(f"line {number} " + "x" * 200)
    room.friend.client.say("the last")
    sravya.type("meanwhile")
    sravya.resume_output()
    assert sravya.wait_for("[sanjay] the last")
    room.friend.heard_text("meanwhile")
    numbers = [line.split()[2] for line in sravya.lines() if line.startswith("[sanjay] line")]
    assert numbers == [str(number) for number in range(300)]
    assert KEYS["Enter"] not in "".join(sravya.lines())
