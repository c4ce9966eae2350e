"""The tap shows every frame as it passes, explains what is broken, and never harms the chat or the terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.proxy import BOTH, TO_CLIENT, TO_SERVER
from labkit.vectors.cases import load
from labkit.wiretap.follower import Follower, Whole
from labkit.wiretap.paint import clip, columns, paint
from labkit.wiretap.printer import MAX_LINES, Printer
from labkit.wiretap.screen import Screen
from labkit.wiretap.tap import Tap
from reference.printable import has_control
from reference.protocol import FROM_CLIENT, FROM_SERVER, Data, Get, Hello, Offer, Text, TextFrom, Welcome, encode
from tests.kit.tapped import DEADLINE, HOST, PATHS, Peer, chat_through_tap

ID = bytes(range(16))
ENDS = b"127.0.0.1:51234 127.0.0.1:5051"


class Shown:
    """A tap without a network: what the proxy would tell goes in, lines come out."""

    def __init__(self, width: int = 120, **options: bool) -> None:
        self.lines: list[str] = []
        self.tap = Tap([Screen(self.lines.append, lambda: width, **options)])
        self.tap.observe(0, BOTH, "open", ENDS)

    def passed(self, *segments: bytes, direction: str = TO_SERVER) -> Shown:
        """These segments pass."""
        for segment in segments:
            self.tap.observe(0, direction, "passed", segment)
        return self

    def closed(self) -> Shown:
        """The connection ends."""
        self.tap.observe(0, BOTH, "reset", b"cut")
        self.tap.observe(0, BOTH, "close", b"")
        return self

    @property
    def text(self) -> str:
        """All lines, without the columns that every line has."""
        return "\n".join(self.lines)


def frame(letter: str, body: bytes, length: int | None = None) -> bytes:
    """A frame; with a length of one's own if wanted."""
    return (1 + len(body) if length is None else length).to_bytes(4, "big") + letter.encode() + body


# --- the follower


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_every_byte_is_accounted_for_however_the_stream_is_cut(size: int) -> None:
    """The parts of all segments, put together, are the frames, each with its own bytes."""
    frames = [encode(Hello("sravya")), encode(Text("hi")), encode(Data(ID, 0, b"x" * 50)), encode(Text("bye"))]
    stream = b"".join(frames)
    follower = Follower(FROM_CLIENT)
    parts = [part for at in range(0, len(stream), size) for part in follower.feed(stream[at : at + size])]
    assert sum(part.size for part in parts) == len(stream)
    assert [part.result.raw for part in parts if isinstance(part.result, Whole)] == frames


def test_the_follower_finds_in_every_vector_what_the_decoder_finds() -> None:
    """Frames and errors are the protocol's, fed byte by byte."""
    for vector in load():
        follower = Follower(FROM_CLIENT if vector.side == "client" else FROM_SERVER)
        step = 1 if len(vector.data) < 10_000 else 997
        pieces = [vector.data[at : at + step] for at in range(0, len(vector.data), step)]
        results = [part.result for piece in pieces for part in follower.feed(piece) if part.result]
        whole = [result for result in results if isinstance(result, Whole) and result.frame]
        assert len(whole) == len(vector.frames), vector.name
        errors = [result.error.code for result in results if not isinstance(result, Whole)]
        assert errors == ([vector.error] if vector.error else []), vector.name


# --- lines


def test_a_line_has_who_which_way_type_size_and_what_it_says() -> None:
    """Everything about a frame is on its line."""
    shown = Shown().passed(encode(Hello("sravya", ("roster", "files"))))
    shown.passed(encode(Welcome(("roster",), ("sravya",))), direction=TO_CLIENT).passed(encode(Text("hello")))
    assert re.search(r"^ +\d\.\d{3} 1 +──▶ hello +52  name sravya  features roster files$", shown.lines[1])
    assert re.search(r"^ +\d\.\d{3} 1  sravya +◀── welcome +48  roster sravya  features roster$", shown.lines[2])
    assert re.search(r"^ +\d\.\d{3} 1  sravya +──▶ text +21  “hello”$", shown.lines[3])


def test_a_file_is_shown_with_its_name_and_how_much_has_come() -> None:
    """After the offer, ids are names."""
    shown = Shown().passed(encode(Offer(ID, "image.jpg", 200)))
    shown.passed(encode(Get(ID, 0, 100)), direction=TO_CLIENT).passed(encode(Data(ID, 0, bytes(100))))
    assert shown.lines[-2].endswith("image.jpg  100  from 0")
    assert shown.lines[-1].endswith("image.jpg  ██░░░ 50%  from 0")


def test_hex_tells_length_type_and_body_apart() -> None:
    """Each has rows of its own, with what it means."""
    shown = Shown(hexadecimal=True).passed(encode(Text("hello")))
    assert [line.strip() for line in shown.lines[-3:]] == [
        f"length {'00 00 00 11':<47}  = 17: type and body",
        f'type   {"54":<47}  = "T"',
        'body   7b 22 74 65 78 74 22 3a 22 68 65 6c 6c 6f 22 7d  {"text":"hello"}',
    ]


def test_segments_show_a_frame_in_three_pieces_and_three_frames_in_one() -> None:
    """What each recv brought, in words."""
    text = encode(Text("hello"))
    shown = Shown(segments=True).passed(text[:2], text[2:9], text[9:], text * 3)
    said = [line.split("│ ")[1] for line in shown.lines if "│" in line]
    assert said == [
        "2 bytes = bytes 1 to 2 (length)",
        "7 bytes = bytes 3 to 9 of 21 (goes on)",
        "12 bytes = bytes 10 to 21 of 21 (text)",
        "63 bytes = text + text + text",
    ]
    assert "in 3 pieces  “hello”" in shown.text


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", ["bad-length", "1,195,725,856", "the letters 'GET '"]),
        ((17).to_bytes(4, "little") + b'T{"text":"hello"}', ["Turned round it would be 17", "'>I'"]),
        (frame("T", b"", 0), ["the length counts the type and the body"]),
        (frame("T", b'{"text":"hi"}', 13) + frame("B", b"{}"), ["With 1 byte more", "leave out the type byte"]),
        (frame("T", '{"text":"Grüße"}'.encode(), 17), ["With 2 bytes more", "counts bytes"]),
        (frame("T", b'{"text":"hi"}', 18) + frame("B", b"{}"), ["With four bytes less", "its own four bytes"]),
        (frame("T", '{"text":"ü"}'.encode("latin-1")), ["bad-utf8", "not UTF-8 at byte 9", "str.encode()"]),
        (frame("T", b'{"txt":"hi"}'), ["bad-field", "text: 'text' is missing"]),
        (frame("W", b"{}"), ["out-of-turn", "may not send welcome"]),
        (frame("B", b""), ["bad-json", "the body {}"]),
        (frame("T", b'{"text":"hi"}', 200), ["ends within a frame: 18 of 204 bytes"]),
        (b"\0\0", ["ends within a frame: 2 of at least 5 bytes"]),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else value[-1],
)
def test_a_broken_frame_is_explained(sent: bytes, words: list[str]) -> None:
    """The tap says where it breaks and what it most likely comes from."""
    said = re.sub(r"\s+", " ", Shown().passed(sent).closed().text)
    for word in words:
        assert word in said


def test_a_frame_without_its_end_is_told_of_once() -> None:
    """First the sender's FIN, then a reset: the half frame is explained at the first."""
    shown = Shown().passed(frame("T", b'{"text":"hi"}', 200))
    shown.tap.observe(0, TO_SERVER, "ended", b"")
    assert shown.closed().text.count("ends within a frame") == 1


def test_what_comes_behind_a_broken_frame_is_counted_not_guessed() -> None:
    """After a break nothing is decoded in that direction; the other goes on."""
    shown = Shown().passed(frame("T", b"no"), encode(Text("hello")))
    shown.passed(encode(Welcome((), ("sravya",))), direction=TO_CLIENT).closed()
    assert "hello" not in shown.text
    assert "welcome" in shown.text
    assert "21 bytes came behind the broken frame" in shown.text


# --- the terminal


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Whatever passes, in whatever script, with all options."""
    for vector in load():
        shown = Shown(width, hexadecimal=True, segments=True)
        shown.passed(vector.data, direction=TO_SERVER if vector.side == "client" else TO_CLIENT).closed()
        assert all(columns(line) <= width for line in shown.lines), vector.name


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.text(max_size=40), st.sampled_from([TO_SERVER, TO_CLIENT]))
def test_hostile_bytes_never_reach_the_terminal(garbage: bytes, text: str, direction: str) -> None:
    """No control character of theirs is in a line, neither from garbage nor from a good frame."""
    good = frame("T", b'{"from":"\\u001b[2J","text":' + json.dumps(text).encode() + b"}")
    for sent in (garbage, good, frame("A", garbage), frame("\x1b", garbage)):
        shown = Shown(hexadecimal=True, segments=True).passed(sent, direction=direction).closed()
        assert not any(has_control(line) for line in shown.lines)


def test_colours_are_all_that_escapes() -> None:
    """In colour, a line without its colours is the line without colour."""
    hostile = encode(Text("\x1b[31mred\x07\u202e"))
    plain, coloured = Shown(hexadecimal=True).passed(hostile), Shown(hexadecimal=True, colour=True).passed(hostile)
    without_time = [[line[9:] for line in re.sub(r"\x1b\[[\d;]*m", "", text).splitlines()] for text in (
        plain.text, coloured.text
    )]  # fmt: skip
    assert without_time[0] == without_time[1]
    assert "\x1b[" in coloured.text


def test_wide_and_combining_characters_are_measured() -> None:
    """A terminal gives two columns to 你 and none to a combining accent."""
    assert [columns(text) for text in ("abc", "你好", "e\u0301", "👩\u200d👧")] == [3, 4, 1, 4]
    assert clip("你好吗", 5) == "你好…"
    assert paint([("你好吗", ""), ("more", "")], 5, colour=False) == "你好…"


# --- the real thing


def test_a_session_of_two_clients_ten_lines_and_a_file(tmp_path: Path) -> None:
    """Everything that two people do is on the screen, in order, and the end sums it up."""
    (tmp_path / "image.jpg").write_bytes(bytes(range(256)) * 600)
    with chat_through_tap(tmp_path) as chat:
        sravya, sanjay = chat.join("sravya"), chat.join("sanjay")
        for number in range(5):
            sravya.type(f"ping {number}")
            assert sanjay.wait_for(f"[sravya] ping {number}")
            sanjay.type(f"pong {number}")
            assert sravya.wait_for(f"[sanjay] pong {number}")
        sravya.type("!send image.jpg")
        assert sravya.wait_for("File Successfully sent")
        assert sanjay.wait_for(lambda lines: any(line.startswith("Successfully received") for line in lines))
        sanjay.type("!q")
        assert sravya.wait_for("sanjay exited the chat")
        sravya.type("!q")
        chat.tap_shows(r"1  sravya +──▶ bye")
        for client in (sravya, sanjay):
            assert client.exit_status() == 0
        shown = chat.end_tap()
    story = [
        r"1 +──▶ hello .* name sravya",
        r"1  sravya +◀── welcome .* roster sravya ",
        r"2 +──▶ hello .* name sanjay",
        r"2  sanjay +◀── welcome .* roster sravya, sanjay ",
        *[
            line
            for number in range(5)
            for line in (
                rf"1  sravya +──▶ text .* “ping {number}”",
                rf"2  sanjay +◀── text .* from sravya  “ping {number}”",
                rf"2  sanjay +──▶ text .* “pong {number}”",
                rf"1  sravya +◀── text .* from sanjay  “pong {number}”",
            )
        ],
        r"1  sravya +──▶ offer .* image.jpg  size 153,600",
        r"1  sravya +◀── get .* image.jpg ",
        r"1  sravya +──▶ data .* image.jpg .* from 0",
        r"1  sravya +──▶ end .* image.jpg  sha256 ",
        r"1  sravya +◀── left .* name sanjay",
        r"1  sravya +──▶ bye",
        r"\[WIRETAP ENDED\] connections: 2, frames: \d+$",
    ]
    rest = iter(shown)
    for step in story:
        assert any(re.search(step, line) for line in rest), f"{step} is not there, or not in order:\n" + "\n".join(
            shown
        )
    for pattern in (
        r"2  sanjay +◀── data .* 100%",
        r"2  sanjay +◀── end ",
        r"1  sravya +◀── stored ",
        "2  sanjay .*FIN",
    ):
        assert any(re.search(pattern, line) for line in shown), pattern


def test_split_and_segments_show_single_bytes(tmp_path: Path) -> None:
    """Through --split 1 a frame comes byte by byte, and is whole in the end."""
    with chat_through_tap(tmp_path, "--split", "1", "--segments") as chat:
        peer = Peer(chat.connect(), "sravya")
        peer.say("hello")
        chat.tap_shows("in 21 pieces  “hello”")
        for words in (
            "1 byte = byte 1 \\(length\\)",
            "1 byte = byte 5 of 21 \\(type\\)",
            "1 byte = byte 9 of 21 \\(body\\)",
        ):
            chat.tap_shows(words)


def test_a_cut_is_shown_where_it_cuts(tmp_path: Path) -> None:
    """--reset-after ends the connection in the middle of a frame: the tap shows which, and how far it came."""
    hello = encode(Hello("sravya"))
    with chat_through_tap(tmp_path, "--reset-after", str(len(hello) + 10), "--direction", "to-server") as chat:
        peer = Peer(chat.connect(), "sravya")
        peer.say("this will not arrive")
        chat.tap_shows(rf"reset \(RST\): by the tap, {len(hello) + 10} bytes had passed")
        chat.tap_shows(r"the stream ends within a frame: 10 of 36 bytes")


def test_a_terminal_that_stands_still_stops_nobody(tmp_path: Path) -> None:
    """With the tap's output blocked, far more than a pipe holds goes on arriving; afterwards the tap shows it."""
    with chat_through_tap(tmp_path) as chat:
        ann, bob = Peer(chat.connect(), "ann"), Peer(chat.connect(), "bob")
        chat.tap.pause_output()
        for batch in range(30):
            ann.say(*(f"{batch} {number} {'x' * 50}" for number in range(50)))
            for number in range(50):
                assert bob.next() == TextFrom("ann", f"{batch} {number} {'x' * 50}")
        chat.tap.resume_output()
        chat.tap_shows("from ann  “29 49 x")


def test_lines_for_which_there_is_no_room_are_counted() -> None:
    """Nobody waits for a terminal that takes nothing, and memory stays bounded."""
    reader, writer = os.pipe()
    with open(reader, "rb") as terminal, open(writer, "wb", buffering=0) as output:
        printer = Printer(gone=lambda: None, output=output)
        for number in range(2 * MAX_LINES):
            printer.show(f"{number} {'x' * 50}")
        printed: list[bytes] = []
        counted = threading.Event()

        def read() -> None:
            for line in iter(terminal.readline, b"the end\n"):
                printed.append(line)
                if b"lines not shown" in line:
                    counted.set()

        reading = threading.Thread(target=read)
        reading.start()
        ends_at = time.monotonic() + DEADLINE
        while not counted.wait(timeout=0.01) and time.monotonic() < ends_at:
            printer.show("more")  # what was left out is told with the next line for which there is room
        printer.show("the end")
        reading.join(DEADLINE)
        assert not reading.is_alive()
        printer.close(DEADLINE)
    left_out = [line for line in printed if b"lines not shown: the terminal was too slow" in line]
    assert left_out
    assert len(printed) < 3 * MAX_LINES


def test_a_naive_program_passes_on_loopback_and_fails_through_the_tap(tmp_path: Path) -> None:
    """One recv(1024) is not one message: the lesson in one test."""
    naive = Path(__file__).with_name("naive.py")
    with chat_through_tap(tmp_path, "--split", "1") as chat:
        direct = chat.start(str(naive), HOST, str(chat.server_port))
        assert direct.exit_status() == 0
        assert direct.wait_for("In the room: naive")
        # On a busy machine a program may get to read only once all the pieces are there: hence some tries.
        tries = [chat.start(str(naive), HOST, str(chat.tap_port)) for _ in range(5)]
        tapped = next(program for program in tries if program.exit_status() == 1)
        assert tapped.wait_for(lambda lines: any("JSONDecodeError" in line for line in lines)), tapped.lines()


# --- files


def test_mermaid_draws_the_session(tmp_path: Path) -> None:
    """A diagram of who sent what, with harmless labels."""
    with chat_through_tap(tmp_path, "--mermaid", "session.md") as chat:
        ann, bob = Peer(chat.connect(), "ann"), Peer(chat.connect(), "bob")
        ann.say("one; #two\n%% three")
        bob.next()
        chat.end_tap()
    drawn = (tmp_path / "session.md").read_text(encoding="utf-8").splitlines()
    assert drawn[:5] == [
        "```mermaid",
        "sequenceDiagram",
        "    participant c1 as ann",
        "    participant server as server",
        "    participant c2 as bob",
    ]
    assert "    c1->>server: text  “one#59; #35;two␊#37;#37; three”" in drawn
    assert "    server->>c2: text  from ann  “one#59; #35;two␊#37;#37; three”" in drawn
    assert drawn[-1] == "```"


def test_a_full_disk_stops_the_saving_and_not_the_chat(tmp_path: Path) -> None:
    """One line says so."""
    with chat_through_tap(tmp_path, "--save", "/dev/full") as chat:
        chat.tap_shows("/dev/full: No space left on device: no longer saved")
        peer = Peer(chat.connect(), "ann")
        peer.say("goes on")
        chat.tap_shows("“goes on”")


# --- the command line


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m labkit` to its end."""
    command = [sys.executable, "-m", "labkit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, env=PATHS, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        *(["nosuch"], ["wiretap", "--nosuch"], ["wiretap", "--cut", "110%"], ["wiretap", "--split", "0"]),
        *(["wiretap", "--to", "x"], ["wiretap", "--stall", "3s"]),
        *(
            ["vectors"],
            ["vectors", "--cmd", ""],
            ["vectors", "--cmd", "'"],
            ["vectors", "--cmd", "x", "--only", "x y z"],
        ),
    ],
    ids=" ".join,
)
def test_wrong_arguments_get_one_line_and_status_2(arguments: list[str]) -> None:
    """One line on stderr, nothing on stdout."""
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_an_address_in_use_and_a_file_that_cannot_be_written_get_one_line_and_status_1(tmp_path: Path) -> None:
    """The line names what and why."""
    with socket.create_server((HOST, 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("wiretap", "--listen", port, "--to", port)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"{HOST}:{port}" in done.stderr
    assert "Address already in use" in done.stderr
    done = run("wiretap", "--listen", "0", "--save", str(tmp_path / "no" / "where.pcapng"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No such file or directory" in done.stderr


def test_the_tools_are_listed() -> None:
    """`python -m labkit` says what there is."""
    done = run("--help")
    assert done.returncode == 0
    assert "wiretap" in done.stdout
    assert "vectors" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_tap_in_order(tmp_path: Path, number: signal.Signals) -> None:
    """A last line, exit status 0, however it is asked."""
    with chat_through_tap(tmp_path) as chat:
        chat.tap.send_signal(number)
        assert chat.tap.exit_status() == 0
        assert chat.tap.lines()[-1] == "[WIRETAP ENDED] connections: 0, frames: 0"
