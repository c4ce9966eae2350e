"""The server's terminal: a slow reader that must never hold up the chat."""

from __future__ import annotations

import io
from collections.abc import Iterator
from threading import Event
from typing import BinaryIO, cast

import pytest

from reference import console as console_module
from reference.console import Console
from tests.reference.people import DEADLINE


class Screen(io.RawIOBase):
    """A terminal that can be stopped, takes a few bytes at a time, or is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.at_once = 1 << 20
        self.error: OSError | None = None
        self.busy = 0  # how often it is too full to take anything (a terminal made non-blocking)
        self.reached = Event()
        self.going = Event()
        self.going.set()

    def write(self, data: bytes) -> int | None:  # type: ignore[override]
        """Take what it takes, once it is not stopped."""
        self.reached.set()
        assert self.going.wait(DEADLINE)
        if self.error is not None:
            raise self.error
        if self.busy:
            self.busy -= 1
            return None
        taken = bytes(data[: self.at_once])
        self.text += taken.decode()
        return len(taken)


def open_console(screen: Screen) -> Console:
    """A console that shows there."""
    return Console(cast(BinaryIO, screen))


@pytest.fixture
def screen() -> Iterator[Screen]:
    """A terminal; let go at the end, so that no thread stays."""
    screen = Screen()
    yield screen
    screen.going.set()


def test_lines_are_shown_in_order(screen: Screen):
    """What is told is shown, and closing waits for it."""
    console = open_console(screen)
    for number in range(100):
        console.show([f"line {number}"])
    console.close(DEADLINE)
    assert screen.text == "".join(f"line {number}\n" for number in range(100))


def test_what_clients_sent_is_harmless(screen: Screen):
    """An escape sequence is shown, not obeyed, and a further line cannot pass for somebody else's."""
    console = open_console(screen)
    console.show(["[eve] \x1b[2Jhello\n[ann] I agree"])
    console.close(DEADLINE)
    assert screen.text == "[eve] ␛[2Jhello\n    [ann] I agree\n"


def test_terminal_that_takes_little_gets_everything(screen: Screen):
    """A raw write may take less than it is given, or nothing for a moment."""
    screen.at_once, screen.busy = 3, 2
    console = open_console(screen)
    console.show(["hello", "wörld"[:1]])
    console.close(DEADLINE)
    assert screen.text == "hello\nw\n"


def test_stopped_terminal_delays_nobody_and_takes_bounded_memory(screen: Screen):
    """Ctrl-S: whoever shows something goes on at once, what waits is bounded, and what was dropped is counted."""
    screen.going.clear()
    console = open_console(screen)
    console.show(["first"])
    assert screen.reached.wait(DEADLINE)
    line = "x" * 10_000
    total = 3 * console_module.MAX_WAITING // 10_000
    for _ in range(total):
        console.show([line])
    screen.going.set()
    console.close(DEADLINE)
    first, *shown, last = screen.text.splitlines()
    assert first == "first"
    assert set(shown) == {line}
    assert len(shown) * 10_000 <= console_module.MAX_WAITING + 20_000
    assert last == f"({total - len(shown)} lines not shown: the terminal was too slow)"


def test_close_does_not_wait_for_a_stopped_terminal(screen: Screen):
    """The server ends within seconds though somebody pressed Ctrl-S."""
    screen.going.clear()
    console = open_console(screen)
    console.show(["never shown"])
    assert screen.reached.wait(DEADLINE)
    console.close(0.05)
    assert screen.text == ""


def test_lost_terminal_does_not_end_the_showing(screen: Screen):
    """A closed pipe or a hung-up line: the chat goes on, and so does the screen when it is back."""
    screen.error = BrokenPipeError()
    console = open_console(screen)
    console.show(["lost"])
    assert screen.reached.wait(DEADLINE)
    screen.reached.clear()
    console.show(["lost too"])
    assert screen.reached.wait(DEADLINE)
    console.close(DEADLINE)
    assert screen.text == ""
