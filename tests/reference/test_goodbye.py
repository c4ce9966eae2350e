"""The client's goodbye: what was said before is heard, and what is not heard is told."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import pytest

from labkit.proxy import Proxy
from reference.client import connection
from reference.client.connection import Client
from reference.client.events import Ended, Event
from reference.client.wording import lines_of
from reference.protocol import FEATURES, FROM_CLIENT, Bye, Decoder, Frame, Hello, Numbers, Offer, Welcome, encode
from tests.reference.live import ClientProgram, Program, ServerProgram
from tests.reference.people import DEADLINE


def test_all_said_before_the_goodbye_is_heard_and_nothing_told(tmp_path: Path) -> None:
    """Though the server has acknowledged none of it when `!q` is typed."""
    with ServerProgram() as server, ClientProgram(server.address, "ann", tmp_path) as ann:
        ann.joined().type("\n".join([*map(str, range(100)), "!q"]))
        assert ann.status() == 0
        assert ann.shown.lines[-1] == "Disconnected"
        server.shown.wait_for("[ann] 99")


@pytest.mark.parametrize("way", ["!q", "Ctrl-C"])
def test_texts_that_wait_for_a_connection_are_told_at_the_end(way: str, tmp_path: Path) -> None:
    """And the exit status says it to scripts. A Ctrl-C ends the wait of one whose input has ended."""
    with ServerProgram() as server, ClientProgram(server.address, "ann", tmp_path) as ann:
        ann.joined()
        server.kill(signal.SIGKILL)
        ann.shown.wait_for(lambda line: line.startswith("Connection lost"))
        ann.type("one\ntwo")
        ann.shown.wait_for("(not connected: 2 messages still to be sent)")
        if way == "!q":
            ann.type(way)
        else:
            assert ann.process.stdin is not None
            ann.process.stdin.close()
            ann.kill(signal.SIGINT)
        assert ann.status() == 1
        assert ann.shown.lines[-2:] == ["Disconnected", "2 messages were not sent"]


def test_what_a_pipe_says_is_heard_though_the_connection_breaks_at_its_end(tmp_path: Path) -> None:
    """Texts and files wait for the next connection, which is a moment away."""
    (tmp_path / "film.mp4").write_bytes(bytes(1000))
    with ServerProgram() as server, Proxy(server.address) as proxy:
        with ClientProgram(proxy.address, "ann", tmp_path) as ann:
            ann.joined()
            proxy.hold()
            ann.type("hello\n!send film.mp4")
            ann.shown.wait_for(lambda line: line.startswith("Sending film.mp4"))
            proxy.cut()
            ann.shown.wait_for(lambda line: line.startswith("Connection lost"))
            assert ann.process.stdin is not None
            ann.process.stdin.close()
            proxy.release()
            assert ann.status() == 0
            assert "File Successfully sent" in ann.shown.lines
        server.shown.wait_for("[ann] hello")


def test_a_file_sent_by_a_pipe_arrives_before_the_goodbye(tmp_path: Path) -> None:
    """The end of the input does not call it off."""
    (tmp_path / "film.mp4").write_bytes(os.urandom(20_000_000))
    with ServerProgram() as server, ClientProgram(server.address, "ann", tmp_path) as ann:
        ann.joined().type("!send film.mp4")
        assert ann.process.stdin is not None
        ann.process.stdin.close()
        assert ann.status() == 0
        assert ann.shown.lines[-2:] == ["File Successfully sent", "Disconnected"]


def test_a_pipe_that_says_more_than_may_wait_is_heard_whole(tmp_path: Path) -> None:
    """It is read no faster than the server hears, and nothing of it is dropped."""
    code = "from reference.client import __main__ as program, connection\nconnection.MAX_UNHEARD = 0\nprogram.main()"
    lines = [str(number) for number in range(100)]
    with ServerProgram() as server:
        host, port = server.address
        options = ("--yes", "--mode", "terminal", "--name", "ann")
        with Program("-c", code, host, str(port), *options, cwd=tmp_path) as ann:
            ann.type("\n".join([*lines, "!q"]))
            ann.status()
        server.shown.wait_for("[ann] !DISCONNECT")
        said = [line for line in server.shown.lines if line.startswith("[ann] ")]
    assert said == [f"[ann] {line}" for line in [*lines, "!DISCONNECT"]]


@pytest.mark.parametrize(("count", "line"), [(1, "1 message was not sent"), (2, "2 messages were not sent")])
def test_the_line_counts_what_was_not_sent(count: int, line: str) -> None:
    """Below the reason of the end."""
    assert lines_of(Ended("Cannot come back as ann: this name is taken", unsent_texts=count))[1:] == [line]


# --- a server that acknowledges nothing


class Deaf:
    """A server that lets one client in, and answers nothing but the end, and what ``answer`` is."""

    def __init__(self, answer: Callable[[Frame], bytes] = lambda frame: b"") -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """When its client has gone."""
        self._thread.join(DEADLINE)
        self._listener.close()

    def _serve(self) -> None:
        sock, _ = self._listener.accept()
        decoder = Decoder(FROM_CLIENT)
        with sock:
            while data := sock.recv(4096):
                decoder.feed(data)
                while (frame := decoder.next_frame()) is not None:
                    if isinstance(frame, Hello):
                        sock.sendall(encode(Welcome(FEATURES, (frame.name,))) + encode(Numbers(bytes(16), 1)))
                    sock.sendall(self._answer(frame))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that do not wait long before they leave."""
    monkeypatch.setattr(connection, "LEAVE_SECONDS", 0.1)


def join(server: Deaf, folder: Path) -> tuple[Client, list[Event]]:
    """Ann, and all that happens to her."""
    events: list[Event] = []
    client = Client(*server.address, events.append, folder)
    client.connect()
    client.join("ann")
    return client, events


@pytest.mark.usefixtures("impatient")
def test_what_is_not_acknowledged_is_told_when_somebody_leaves(tmp_path: Path) -> None:
    """As on a half-open link: the network took it, and nobody heard it."""
    server = Deaf()
    client, events = join(server, tmp_path)
    client.say("hello?")
    client.leave()
    server.close()
    assert events[-1] == Ended(unsent_texts=1)
    assert not Ended(unsent_texts=1).well


@pytest.mark.usefixtures("impatient")
def test_the_end_is_told_once_though_the_listener_waits_for_a_connect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a network that swallows everything; also when the connect fails a moment later."""
    trying, failing = Flag(), Flag()

    def connect(client: Client) -> None:
        trying.set()
        failing.wait(DEADLINE)
        raise OSError("nobody answers")

    server = Deaf()
    client, events = join(server, tmp_path)
    monkeypatch.setattr(Client, "connect", connect)
    client._stream.end()
    client.say("hello?")
    assert trying.wait(DEADLINE)
    client.leave()
    assert events[-1] == Ended(unsent_texts=1)
    failing.set()
    assert client._listener is not None
    client._listener.join(DEADLINE)
    server.close()
    assert [each for each in events if isinstance(each, Ended)] == [Ended(unsent_texts=1)]


def test_a_file_that_cannot_be_finished_is_waited_for_no_longer_than_the_connection_lasts(tmp_path: Path) -> None:
    """The server closes the chat in the midst of it: then it did not end well."""
    (tmp_path / "film.mp4").write_bytes(bytes(1000))
    server = Deaf(lambda frame: encode(Bye()) if isinstance(frame, Offer) else b"")
    client, events = join(server, tmp_path)
    client.send_file(tmp_path / "film.mp4")
    client.finish()
    client.leave()
    server.close()
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert (ended.unsent_files, ended.well) == (1, False)
