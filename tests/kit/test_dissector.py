"""Wireshark's fields are the protocol's, frame by frame, in every capture that the project can make."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.proxy import BOTH, TO_CLIENT, TO_SERVER
from labkit.vectors.cases import Vector, load
from labkit.wiretap.pcapng import Capture
from labkit.wiretap.tap import Tap
from reference.protocol import FROM_CLIENT, FROM_SERVER, Text, encode
from tests.kit.captures import DEADLINE, DISSECTOR, TSHARK, by_protocol, by_tshark, payloads, show, tshark
from tests.kit.tapped import HOST, Peer, chat_through_tap

pytestmark = pytest.mark.skipif(TSHARK is None, reason="no tshark here: `make test` installs it as root on Debian")

SERVER_PORT = 5050

Cut = Callable[[bytes], list[bytes]]


def whole(data: bytes) -> list[bytes]:
    """All in one segment."""
    return [data]


def in_two(data: bytes) -> list[bytes]:
    """Two segments; the first border is within a frame."""
    middle = len(data) // 2
    return [data[:middle], data[middle:]]


def in_single_bytes(data: bytes) -> list[bytes]:
    """A segment for each byte (of a long one, just at both ends)."""
    if len(data) <= 600:
        return [data[at : at + 1] for at in range(len(data))]
    return [*in_single_bytes(data[:300]), data[300:-300], *in_single_bytes(data[-300:])]


@pytest.mark.parametrize("cut", [whole, in_two, in_single_bytes])
def test_every_vector_has_the_fields_and_the_error_that_the_protocol_says(tmp_path: Path, cut: Cut) -> None:
    """All vectors in one capture, each a connection of its own: frames, errors, and what is skipped."""
    path = tmp_path / "vectors.pcapng"
    vectors = load()
    tap = Tap([Capture(path, pytest.fail)])
    for number, vector in enumerate(vectors):
        play(tap, number, vector, cut)
    tap.finish()
    shown = by_tshark(path)
    for number, vector in enumerate(vectors):
        client = 20_000 + number
        ports = (client, SERVER_PORT) if vector.side == "client" else (SERVER_PORT, client)
        accepts = FROM_CLIENT if vector.side == "client" else FROM_SERVER
        assert shown.get(ports, []) == by_protocol(vector.data, accepts), vector.name


def play(tap: Tap, number: int, vector: Vector, cut: Cut) -> None:
    """Have a vector pass the tap, as the proxy would tell of it."""
    direction = TO_SERVER if vector.side == "client" else TO_CLIENT
    tap.observe(number, BOTH, "open", f"{HOST}:{20_000 + number} {HOST}:{SERVER_PORT}".encode())
    for segment in filter(None, cut(vector.data)):
        tap.observe(number, direction, "passed", segment)
    for ending in (TO_SERVER, TO_CLIENT):
        tap.observe(number, ending, "ended", b"")
    tap.observe(number, BOTH, "close", b"")


def assert_equal_to_protocol(path: Path, server_port: int) -> None:
    """Compare a whole capture."""
    shown = by_tshark(path, "-d", f"tcp.port=={server_port},gmc")
    for (source, sink), stream in payloads(path).items():
        expected = by_protocol(stream, FROM_SERVER if source == server_port else FROM_CLIENT)
        assert shown.get((source, sink), []) == expected, f"from {source} to {sink}"


@pytest.mark.parametrize("network", [[], ["--split", "1-40"], ["--glue", "30ms"]], ids=" ".join)
def test_a_session_with_a_file(tmp_path: Path, network: list[str]) -> None:
    """Two people chat and send a file through the tap: each frame of the capture is what the protocol says."""
    (tmp_path / "image.jpg").write_bytes(bytes(range(256)) * 200)
    with chat_through_tap(tmp_path, "--save", "session.pcapng", *network) as chat:
        sravya, sanjay = chat.join("sravya"), chat.join("sanjay")
        sravya.type("Grüße, नमस्ते 😀")
        assert sanjay.wait_for("[sravya] Grüße, नमस्ते 😀")
        sravya.type("!send image.jpg")
        assert sravya.wait_for("File Successfully sent")
        assert sanjay.wait_for(lambda lines: any(line.startswith("Successfully received") for line in lines))
        for client in (sanjay, sravya):
            client.type("!q")
            assert client.exit_status() == 0
        chat.end_tap()
        assert_equal_to_protocol(tmp_path / "session.pcapng", chat.tap_port)
    carried = payloads(tmp_path / "session.pcapng")
    assert sum(map(len, carried.values())) > 2 * 256 * 200, "the file is in the capture, to the server and from it"


def test_three_frames_in_one_segment_and_garbage(tmp_path: Path) -> None:
    """Frames glued together come apart; garbage is flagged, and what comes behind it is not guessed at."""
    with chat_through_tap(tmp_path, "--save", "session.pcapng") as chat:
        Peer(chat.connect(), "sravya").say("one", "two", "three")
        chat.tap_shows("“three”")
        garbage = chat.connect()
        garbage.sendall(b"GET / HTTP/1.1\r\n\r\n")
        chat.tap_shows("BROKEN")
        read_to_the_end(garbage)
        chat.end_tap()
        assert_equal_to_protocol(tmp_path / "session.pcapng", chat.tap_port)
        ours = ["-r", str(tmp_path / "session.pcapng"), "-d", f"tcp.port=={chat.tap_port},gmc", "-T", "fields"]
        assert tshark(*ours, "-Y", "gmc.text", "-e", "gmc.text").split() == ["one,two,three"]
        assert tshark(*ours, "-Y", "gmc.malformed", "-e", "gmc.error").split() == ["bad-length"]
        assert tshark(*ours, "-Y", 'gmc.type == "refused"', "-e", "gmc.code").split() == ["bad-length"]


def read_to_the_end(connection: socket.socket) -> None:
    """Read until the server hangs up."""
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(65536):
            pass


def test_on_another_port_a_connection_is_known_by_its_first_frame(tmp_path: Path) -> None:
    """Nobody has to say where the server listens."""
    with chat_through_tap(tmp_path, "--save", "session.pcapng") as chat:
        Peer(chat.connect(), "sravya").say("hello")
        chat.tap_shows("“hello”")
        chat.end_tap()
    types = tshark("-r", str(tmp_path / "session.pcapng"), "-Y", "gmc", "-T", "fields", "-e", "gmc.type").split()
    assert types == ["hello", "welcome", "text"]


def test_the_checksums_and_sequence_numbers_of_a_capture_are_right(tmp_path: Path) -> None:
    """Wireshark finds nothing to complain about in TCP or IP."""
    with chat_through_tap(tmp_path, "--save", "session.pcapng") as chat:
        peer = Peer(chat.connect(), "sravya")
        peer.say("hello")
        chat.tap_shows("“hello”")
        peer.connection.close()
        chat.tap_shows("closed|reset")
        chat.end_tap()
    strict = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    wrong = 'tcp.checksum.status == "Bad" || ip.checksum.status == "Bad" || tcp.analysis.flags'
    assert tshark("-r", str(tmp_path / "session.pcapng"), *strict, "-Y", wrong) == ""


def test_hostile_text_does_not_reach_tsharks_terminal(tmp_path: Path) -> None:
    """The one-line summaries have no control characters of others."""
    path = tmp_path / "hostile.pcapng"
    tap = Tap([Capture(path, pytest.fail)])
    hostile = Text("\x1b[2J\x07\x7f\x9b31m\u202egpj.exe\u2028x")
    play(tap, 0, Vector("hostile", "client", encode(hostile), [], None, False), whole)
    tap.finish()
    printed = tshark("-r", str(path), "-Y", "gmc")
    assert "text" in printed
    assert not set(printed) & set("\x1b\x07\x7f\x9b\u202e\u2028")


def test_a_live_capture_decodes(tmp_path: Path) -> None:
    """What tshark itself captures on the loopback interface, where it may, has the frames that were said."""
    path = tmp_path / "live.pcapng"
    with chat_through_tap(tmp_path) as chat, LiveCapture(chat.tap_port, path) as capture:
        probe = Peer(chat.connect(), "probe")
        capture.wait_for("probing", lambda: probe.say("probing"))
        peer = Peer(chat.connect(), "sravya")
        client_port = peer.connection.getsockname()[1]
        peer.say("one", "two")
        capture.wait_for("two")
    shown = by_tshark(path, "-d", f"tcp.port=={chat.tap_port},gmc")
    said = [{"type": "hello", "name": "sravya"}, show(Text("one")), show(Text("two"))]
    assert shown[client_port, chat.tap_port] == said


class LiveCapture:
    """tshark on the loopback interface, until the end of the block. Skips the test where it has no rights."""

    def __init__(self, port: int, path: Path) -> None:
        assert TSHARK
        ours = ["-X", f"lua_script:{DISSECTOR}", "-d", f"tcp.port=={port},gmc"]
        command = [TSHARK, "-i", "lo", "-f", f"tcp port {port}", "-w", str(path), "-P", "-l", *ours]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._changed = threading.Condition()  # guards _lines
        self._lines: list[str] = []
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def __enter__(self) -> LiveCapture:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(DEADLINE)
        self._reading.join(DEADLINE)
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe
            pipe.close()

    def wait_for(self, text: str, provoke: Callable[[], None] = lambda: None) -> None:
        """Wait until a packet with this in its summary has been captured; meanwhile do, again and again, what makes
        one: tshark does not say reliably when it has begun to listen.
        """
        give_up = time.monotonic() + DEADLINE
        with self._changed:
            while not any(text in line for line in self._lines):
                if self._process.poll() is not None and self._process.stderr:
                    pytest.skip(f"tshark may not capture on lo here: {self._process.stderr.read().strip()}")
                assert time.monotonic() < give_up, f"no packet with {text}"
                provoke()
                self._changed.wait(0.2)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
