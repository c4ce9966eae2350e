"""What typed lines mean, and what Tab makes of half of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference.client.connection import NoFiles
from reference.protocol import MAX_TEXT
from reference.terminal.commands import COMMANDS, Leave, obey, said
from reference.terminal.completion import complete


class Recorder:
    """Stands in for a client: keeps what it was told to do."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.files: list[Path] = []
        self.fetched: list[int] = []
        self.roster: tuple[str, ...] = ("sravya", "sanjay")
        self.takes_files = True
        self.files_under_way = [(3, "film.mp4")]
        self.cancelled: list[int] = []

    def say(self, text: str) -> None:
        """Keep it."""
        self.texts.append(text)

    def send_file(self, path: Path) -> None:
        """Keep it, if there is such a file."""
        if not self.takes_files:
            raise NoFiles("This server does not take files")
        path.stat()
        self.files.append(path)

    def get(self, number: int) -> bool:
        """Keep it; there is a file 7."""
        self.fetched.append(number)
        return number == 7

    def under_way(self) -> list[tuple[int, str]]:
        """What can be cancelled."""
        return self.files_under_way

    def cancel(self, number: int) -> bool:
        """Keep it, if that file is on its way."""
        self.cancelled.append(number)
        return any(number == each for each, _ in self.files_under_way)


def told(client: Recorder, line: str) -> list[str]:
    """What the person is told when they type this."""
    lines: list[str] = []
    obey(client, line, lines.append)  # type: ignore[arg-type]
    return lines


@pytest.fixture
def client() -> Recorder:
    """One that has done nothing yet."""
    return Recorder()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the person is, with files whose names are harder and harder."""
    for name in (
        "plain.txt",
        "two words.txt",
        "it's.txt",
        'a "quote".txt',
        "back\\slash.txt",
        ".hidden",
        "отчёт №1.pdf",
    ):
        Path(tmp_path, name).touch()
    Path(tmp_path, "photos").mkdir()
    Path(tmp_path, "photos", "beach.jpg").touch()
    Path(tmp_path, "my music").mkdir()
    Path(tmp_path, "my music", "song 1.mp3").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


# --- lines


@pytest.mark.parametrize("line", ["hello", "  indented", "what? !q", "sravya: !send x", "a\n!q", ". !q", "?!"])
def test_a_line_without_a_command_is_said_as_it_is(client: Recorder, line: str) -> None:
    """Also one that has a command inside."""
    assert told(client, line) == []
    assert client.texts == [line]


@pytest.mark.parametrize(("line", "text"), [("!!q", "!q"), ("!!send x", "!send x"), ("!!!", "!!"), ("!!", "!")])
def test_two_marks_say_one(client: Recorder, line: str, text: str) -> None:
    """So that every text can be said."""
    assert told(client, line) == []
    assert client.texts == [text]


@pytest.mark.parametrize("line", ["!cancel", "!cancel 3"])
def test_cancel_calls_a_file_off(client: Recorder, line: str) -> None:
    """The only one there is needs no number."""
    assert told(client, line) == []
    assert client.cancelled == [3]


def test_cancel_asks_which_of_several(client: Recorder) -> None:
    """By number and name, made harmless."""
    client.files_under_way = [(3, "film.mp4"), (4, "\x1b[2J")]
    assert told(client, "!cancel") == ["Which file? !cancel <number> of: 3 film.mp4, 4 \u241b[2J"]
    client.files_under_way = []
    assert told(client, "!cancel 9") == ["No file is on its way"]


@pytest.mark.parametrize("line", ["", " ", "\t", "\n\n"])
def test_a_blank_line_is_nothing(client: Recorder, line: str) -> None:
    """Enter by mistake tells nobody anything."""
    assert told(client, line) == []
    assert client.texts == []


@pytest.mark.parametrize("line", ["!q", " !q", "!q "])
def test_q_leaves(client: Recorder, line: str) -> None:
    """However it stands on its line."""
    with pytest.raises(Leave):
        told(client, line)


@pytest.mark.parametrize("line", ["!sned x", "!", "!quit", "!q now", "!Q", "!\x1b[31m", "!who\nhello"])
def test_an_unknown_command_is_answered_with_the_list(client: Recorder, line: str) -> None:
    """And nobody else hears of it."""
    lines = told(client, line)
    assert len(lines) == 1 + len(COMMANDS)
    assert not any("\x1b" in each for each in lines)
    assert client.texts == []


def test_help_lists_every_command(client: Recorder) -> None:
    """One line each."""
    assert [line.split()[0] for line in told(client, "!help")] == list(COMMANDS)


def test_who_shows_the_roster(client: Recorder) -> None:
    """As on joining."""
    assert told(client, "!who") == ["Total No of Clients: 2", "Client 1 : sravya", "Client 2 : sanjay"]


def test_who_says_when_the_server_keeps_no_roster(client: Recorder) -> None:
    """A server of the first stage has none."""
    client.roster = ()
    assert told(client, "!who") == ["This server keeps no roster"]


@pytest.mark.parametrize(("line", "lines"), [("!get 7", 0), ("!get 8", 1), ("!get", 1), ("!get x", 1), ("!get -1", 1)])
def test_get_fetches_a_file_that_waits(client: Recorder, line: str, lines: int) -> None:
    """Anything else gets a line that says how."""
    assert len(told(client, line)) == lines


@pytest.mark.parametrize("line", ["hello", "!!q"])
def test_what_is_said_is_known_before_it_is_said(line: str, client: Recorder) -> None:
    """So that a text over the limit can be kept for editing."""
    told(client, line)
    assert client.texts == [said(line)]


def test_a_byte_that_is_no_text_is_replaced(client: Recorder) -> None:
    """A terminal may send bytes that are not UTF-8, which Python carries as lone surrogates."""
    told(client, "caf\udce9")
    assert client.texts == ["caf?"]


def test_a_file_command_is_no_text(client: Recorder) -> None:
    """However long it is: its limit is not that of texts."""
    assert said("!send " + "x" * MAX_TEXT) == ""


# --- paths


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("plain.txt", "plain.txt"),
        ("  plain.txt  ", "plain.txt"),
        ("'two words.txt'", "two words.txt"),
        ('"two words.txt"', "two words.txt"),
        (r"two\ words.txt", "two words.txt"),
        ("two words.txt", "two words.txt"),
        ('"it\'s.txt"', "it's.txt"),
        (r"it\'s.txt", "it's.txt"),
        ("it's.txt", "it's.txt"),
        ("'a \"quote\".txt'", 'a "quote".txt'),
        (r"'back\slash.txt'", r"back\slash.txt"),
        ("отчёт №1.pdf", "отчёт №1.pdf"),
        ("photos/beach.jpg", "photos/beach.jpg"),
        ("./photos/../plain.txt", "plain.txt"),
        ("~/plain.txt", "plain.txt"),
        ("'~/two words.txt'", "two words.txt"),
    ],
)
def test_a_path_is_typed_as_in_a_shell(client: Recorder, folder: Path, typed: str, name: str) -> None:
    """With quotes, backslashes and ~; and a single one with spaces or quotes also without any."""
    assert told(client, f"!send {typed}") == []
    assert [path.resolve() for path in client.files] == [(folder / name).resolve()]


def test_several_paths_are_several_files(client: Recorder, folder: Path) -> None:
    """As when files are dragged into a terminal."""
    assert told(client, "!send plain.txt 'two words.txt'") == []
    assert client.files == [Path("plain.txt"), Path("two words.txt")]


@pytest.mark.parametrize("typed", ["missing", "'unclosed", "~nobody-of-this-name/x", "nul\0byte", "x" * 5000])
def test_what_is_not_there_gets_a_reason(client: Recorder, folder: Path, typed: str) -> None:
    """One line, and no traceback."""
    lines = told(client, f"!send {typed}")
    assert len(lines) == 1
    assert lines[0].startswith("Cannot send")
    assert "\0" not in lines[0]
    assert len(lines[0]) < 6000


@pytest.mark.parametrize("line", ["!send", "!send ", "!send    "])
def test_send_of_nothing_says_how(client: Recorder, line: str) -> None:
    """One line of usage."""
    assert told(client, line) == ["Send what? !send <path>"]


def test_a_server_without_files_is_named(client: Recorder, folder: Path) -> None:
    """With the words of the transcripts."""
    client.takes_files = False
    assert told(client, "!send plain.txt") == ["This server does not take files"]


# --- Tab


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("!se", "!send "),
        ("!q", "!q"),
        ("!w", "!who"),
        ("!send pl", "!send plain.txt"),
        ("!send pho", "!send photos/"),
        ("!send photos/", "!send photos/beach.jpg"),
        ("!send two", "!send 'two words.txt'"),
        ("!send 'two w", "!send 'two words.txt'"),
        ('!send "two w', "!send 'two words.txt'"),
        (r"!send two\ w", "!send 'two words.txt'"),
        ("!send two w", "!send 'two words.txt'"),
        ("!send my", "!send 'my music/"),
        ("!send 'my music/", "!send 'my music/song 1.mp3'"),
        ("!send 'my music/so", "!send 'my music/song 1.mp3'"),
        ("!send .h", "!send .hidden"),
        ("!send ~/pl", "!send ~/plain.txt"),
        ("!send ~/my\\ music/", "!send '~/my music/song 1.mp3'"),
        ("!send plain.txt pho", "!send plain.txt photos/"),
        ("!send от", "!send 'отчёт №1.pdf'"),
    ],
)
def test_tab_completes(folder: Path, typed: str, completed: str) -> None:
    """Commands, and paths after !send: as far as it is certain, in quotes where a shell needs them."""
    assert complete(typed) == (completed, [])


@pytest.mark.parametrize(
    "typed", ["hello", "hello !se", "", "!x", "!send nothing-like-it", "!who pl", "!send no/such/"]
)
def test_tab_leaves_alone_what_it_cannot_complete(folder: Path, typed: str) -> None:
    """Texts above all."""
    assert complete(typed) == (typed, [])


def test_tab_shows_what_there_is_to_choose_from(folder: Path) -> None:
    """Once more letters are needed, and without what is hidden."""
    assert complete("!send p") == ("!send p", ["photos/", "plain.txt"])
    assert ".hidden" not in complete("!send ").choices


@pytest.mark.parametrize(
    ("begun", "name"), [("two", "two words.txt"), ("it", "it's.txt"), ("a", 'a "quote".txt'), ("ba", "back\\slash.txt")]
)
def test_what_tab_completes_is_what_send_sends(client: Recorder, folder: Path, begun: str, name: str) -> None:
    """Whatever has to be quoted in it."""
    line = complete(f"!send {begun}").line
    assert told(client, line) == []
    assert client.files == [Path(name)]
