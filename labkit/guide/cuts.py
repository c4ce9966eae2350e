"""The experiment of the page on exactly once: texts over a line that is cut again and again, said in three ways."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from labkit.proxy.faults import Faults
from labkit.proxy.proxy import Proxy
from reference import protocol as wire
from reference.client.connection import Client
from tests.graded.implementation import HOST, free_port
from tests.graded.pipes import Pipes
from tests.kit.tapped import PATHS

TEXTS = 1_000
CUT_AFTER = (4_000, 12_000)
"""Bytes from the speaker after which its connection breaks: 100 to 300 texts."""

AGAIN = 50
"""Texts that the careful one says again after a cut."""

PACE = 0.001
QUIET = 5.0
"""So long nothing comes before we take it that nothing more will."""


def cuts(folder: Path) -> str:
    """Say so many texts in each way, and count what somebody else hears."""
    low, high = CUT_AFTER
    lines = [
        f"{TEXTS:,} texts are said over a line that breaks after each {low:,} to {high:,} bytes.",
        "",
        f"{'':<38}{'lost':>7}{'twice':>8}{'in order':>11}",
    ]
    ways: list[tuple[str, _Way]] = [
        ("connect again and go on", lambda at, *_: _say_plainly(at, 0)),
        (f"connect again, and say the last {AGAIN} again", lambda at, *_: _say_plainly(at, AGAIN)),
        ("the reference: numbered, acknowledged", _say_numbered),
    ]
    for number, (title, say) in enumerate(ways):
        home = folder / str(number)
        home.mkdir()
        lost, twice, in_order = _counted(say, home)
        lines.append(f"{title:<38}{lost:>7}{twice:>8}{'yes' if in_order else 'no':>11}")
    return "\n".join(lines) + "\n"


def _counted(say: _Way, folder: Path) -> tuple[str, str, bool]:
    port = free_port()
    with ExitStack() as programs:
        command = [sys.executable, "-m", "benchmarks.open_server", HOST, str(port)]
        server = Pipes(command, folder, {**PATHS, "PYTHONUNBUFFERED": "1"})
        programs.callback(server.close)
        server.wait_for(lambda lines: any("[SERVER LISTENING]" in line for line in lines))
        listener = _Listener(port)
        programs.callback(listener.close)
        proxy = programs.enter_context(Proxy((HOST, port), to_server=Faults(reset_after=CUT_AFTER)))
        say(proxy.address, folder, listener)
        heard = listener.numbers()
    lost, twice = TEXTS - len(set(heard)), len(heard) - len(set(heard))
    return _shown(lost), _shown(twice), heard == sorted(heard)


def _shown(count: int) -> str:
    """None is none; how many they are else is chance, this time so many."""
    return f"~{count}" if count else "0"


def _say_plainly(address: tuple[str, int], again: int) -> None:
    """What one would write first: on an error connect anew, and perhaps say the last texts again."""
    number, sock = 0, None
    while number < TEXTS:
        try:
            if sock is None:
                sock = socket.create_connection(address, timeout=30)
                sock.sendall(wire.encode(wire.Hello(f"speaker {number}", ())))
                sock.recv(5, socket.MSG_WAITALL)  # the welcome has come
            sock.sendall(wire.encode(wire.Text(_text(number))))
            number += 1
            time.sleep(PACE)
        except OSError:
            number, sock = max(0, number - again), None
    if sock is not None:
        sock.close()


def _say_numbered(address: tuple[str, int], folder: Path, listener: _Listener) -> None:
    """As the reference's client does it."""
    client = Client(*address, lambda _: None, folder)
    client.connect()
    client.join("speaker")
    for number in range(TEXTS):
        client.say(_text(number))
        time.sleep(PACE)
    listener.wait_for(TEXTS)
    client.leave()


def _text(number: int) -> str:
    return f"text number {number:05}"


class _Listener:
    """Somebody whose line is good, and who counts what they hear."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection((HOST, port), timeout=30)
        self._sock.sendall(wire.encode(wire.Hello("listener", ())))
        self._decoder = wire.Decoder(wire.FROM_SERVER)
        self._heard: list[int] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def numbers(self) -> list[int]:
        """All that was heard, once nothing more comes."""
        count = -1
        while count != len(self._heard):
            count = len(self._heard)
            time.sleep(QUIET)
        return list(self._heard)

    def wait_for(self, count: int) -> None:
        """Until so many were heard; not for ever."""
        deadline = time.monotonic() + 60
        while len(self._heard) < count and time.monotonic() < deadline:
            time.sleep(0.05)

    def close(self) -> None:
        """Leave."""
        self._sock.close()

    def _listen(self) -> None:
        try:
            while data := self._sock.recv(65536):
                self._decoder.feed(data)
                while (frame := self._decoder.next_frame()) is not None:
                    if isinstance(frame, wire.TextFrom):
                        self._heard.append(int(frame.text.rpartition(" ")[2]))
        except OSError:
            pass  # the experiment is over


_Way = Callable[[tuple[str, int], Path, _Listener], None]
"""One way to say all texts: to this address, with a folder of one's own, while this listener listens."""
