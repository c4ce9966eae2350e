"""Where a failed story sends its reader: to what broke, or to what is not done yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit import ladder
from tests.graded.advice import Break, broken, task_at, undone

INDENTED = """
[SERVER LISTENING]
Traceback (most recent call last):
  File "/somewhere/server.py", line 7, in <module>
    import room
  File "/somewhere/room.py", line 31
    for client in receivers:
    ^
IndentationError: expected an indented block after function definition on line 29
""".splitlines()

OUTSIDE = """
Exception in thread Thread-1 (serve):
Traceback (most recent call last):
  File "/usr/lib/python3.11/threading.py", line 982, in run
    self._target(*self._args, **self._kwargs)
TypeError: server.serve() argument after * must be an iterable, not Client
""".splitlines()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The starter of stage 1, with 1.1 to 1.3 done."""
    ladder.write(ladder.starter(1, frozenset({"1.1", "1.2", "1.3"})), tmp_path / "work")
    return tmp_path / "work"


def change(path: Path, old: str, new: str) -> None:
    """Write something else into a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_traceback_is_found_with_the_deepest_line_of_ones_own(work: Path) -> None:
    """Not a line of Python's library, nor that of the first file."""
    assert broken(INDENTED, work) == Break(INDENTED[-1], "room.py", 31)


def test_a_traceback_with_no_line_of_ones_own_says_its_error(work: Path) -> None:
    """As when a thread's arguments are no list."""
    assert broken(OUTSIDE, work) == Break(OUTSIDE[-1])


def test_the_first_traceback_counts(work: Path) -> None:
    """The others come of it."""
    assert broken([*OUTSIDE, *INDENTED], work) == Break(OUTSIDE[-1])


@pytest.mark.parametrize("error", ["ValueError", "wire.WireError", "room.NameRefused: taken"])
def test_what_others_print_meanwhile_is_no_error(error: str, work: Path) -> None:
    """A name stands by itself in a line, too."""
    place = '  File "x.py", line 3, in f'
    assert broken([place, "Xqj", "[Xqj] hello", error], work) == Break(error)


@pytest.mark.parametrize(
    "lines",
    [["[SERVER LISTENING]", "ValueError: not a traceback"], ['  File "x.py", line 3, in f', "KeyboardInterrupt"]],
)
def test_a_program_that_did_not_break_has_no_break(lines: list[str], work: Path) -> None:
    """A word like an error's, or a story's own Ctrl-C."""
    assert broken(lines, work) is None


def test_a_task_is_undone_as_long_as_it_is_as_the_starter_has_it(work: Path) -> None:
    """Though the others are done."""
    assert undone(1, work, ["1.1", "1.3", "1.4", "1.5"]) == ["1.4", "1.5"]


def test_a_mark_left_above_what_was_written_is_not_undone(work: Path) -> None:
    """Many keep it."""
    mark = "    # TASK 1.5: Take it out of the list, or the room fills with dead connections\n"
    change(work / "room.py", mark, mark + "    clients.remove(client)\n")
    assert undone(1, work, ["1.5"]) == []


def test_a_line_that_broke_leads_to_the_task_of_its_function(work: Path) -> None:
    """By the mark that the starter has there, though it is gone from the student's file."""
    lines = ladder.solution(1)["room.py"].splitlines()
    (work / "room.py").write_text("\n".join(lines))
    in_remove = lines.index("        clients.remove(client)") + 1
    assert task_at(1, work, Break("ValueError", "room.py", in_remove)) == "1.5"


def test_a_line_that_broke_in_no_tasks_function_leads_to_none(work: Path) -> None:
    """Nor one that is not the student's."""
    lines = (work / "server.py").read_text().splitlines()
    in_join = lines.index("def join(client):") + 3
    assert [task_at(1, work, Break("ValueError", *place)) for place in (("server.py", in_join), ("", 0))] == ["", ""]
