"""Small experiments for the guide: the naive way and the reference's, each until the difference shows.

They count, or wait for delays that dwarf the machine's own; so a busy machine gives the same answer.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from labkit import ladder
from labkit.guide.cuts import cuts
from labkit.proxy.faults import Faults
from labkit.proxy.proxy import Proxy
from reference.files import safe_name
from reference.printable import one_line
from reference.protocol import FROM_SERVER, Decoder, Hello, Text, TextFrom, encode
from tests.graded.implementation import HOST, find, free_port
from tests.graded.pipes import Pipes
from tests.kit.tapped import PATHS

TEXTS, TEXT_SIZE = 20_000, 1_000
STUCK_SECONDS = 5.0
"""So long nothing arrives before a room counts as frozen: a text takes milliseconds."""

DELAY = 0.02
FILE_SIZE = 512 * 1024

HOSTILE = ["../../.bashrc", "/etc/cron.d/x", "..\\..\\evil.exe", "C:\\Windows\\x.dll", "CON", ".ssh"]
HOSTILE += ["a\x1b[2Jb", "gpj\u202eexe.bat", "...", "x" * 300]


def freeze(folder: Path) -> str:
    """One of three does not read. How much of what is said reaches the third?"""
    lines = [f"{TEXTS:,} texts of {TEXT_SIZE:,} bytes are said, and one of the three does not read.", ""]
    for title, command in (("stage 1", None), ("the reference", "benchmarks.open_server")):
        with _server(folder, command) as port:
            heard = _talk_past_a_stuck_reader(port)
        all_of_it = "all of it" if heard == TEXTS else "then the room stands still"
        lines.append(f"{title:<14} {_rounded(heard):>8} texts reach the other: {all_of_it}")
    return "\n".join(lines) + "\n"


def slow_line(folder: Path) -> str:
    """A file over a line that takes its time: one question at a time, and several."""
    line = f"the line takes {DELAY * 1000:.0f} ms each way"
    lines = [f"A file of {FILE_SIZE // 1024} KiB, from one person to another; {line}.", ""]
    for title, stage in (("stage 3: one question at a time", 3), ("the reference: several", None)):
        seconds = _send_over_a_slow_line(folder / str(stage), stage)
        lines.append(f"{title:<34} {seconds:4.1f} s, as long as {seconds / (2 * DELAY):3.0f} round trips")
    return "\n".join(lines) + "\n"


def names(_: Path) -> str:
    """Where a hostile name lands, if it is believed, and what the reference makes of it."""
    lines = [f"{'the name':<24} {'believed, it is written to':<34} the reference writes", ""]
    for name in HOSTILE:
        shown = one_line(name)
        believed = one_line(os.path.normpath(os.path.join("/home/you/downloads/you", name.replace("\\", "/"))))
        lines.append(f"{_clip(shown, 23):<24} {_clip(believed, 33):<34} {_clip(one_line(safe_name(name)), 30)}")
    return "\n".join(lines) + "\n"


EXPERIMENTS = {"freeze": freeze, "slow-line": slow_line, "names": names, "cuts": cuts}


@contextmanager
def _server(folder: Path, module: str | None) -> Iterator[int]:
    """A server on a free port: stage 1's, or this module."""
    port = free_port()
    if module is None:
        ladder.write(ladder.solution(1), folder / "stage-1")
        command = [*find(str(folder / "stage-1"), "server").command]
    else:
        command = [sys.executable, "-m", module]
    server = Pipes([*command, HOST, str(port)], folder, {**PATHS, "PYTHONUNBUFFERED": "1"})
    try:
        server.wait_for(lambda lines: any("[SERVER LISTENING]" in line for line in lines))
        yield port
    finally:
        server.close()


def _talk_past_a_stuck_reader(port: int) -> int:
    """Say all texts; returns how many the one who reads has heard when no more come."""
    with ExitStack() as sockets:
        _, listener, speaker = [sockets.enter_context(_joined(port, name)) for name in ("stuck", "listener", "speaker")]
        threading.Thread(target=_say_all, args=[speaker], daemon=True).start()
        heard, decoder = 0, Decoder(FROM_SERVER)
        listener.settimeout(STUCK_SECONDS)
        try:
            while heard < TEXTS and (data := listener.recv(65536)):
                decoder.feed(data)
                while (frame := decoder.next_frame()) is not None:
                    heard += isinstance(frame, TextFrom)
        except TimeoutError:
            pass
        return heard


def _joined(port: int, name: str) -> socket.socket:
    sock = socket.create_connection((HOST, port), timeout=30)
    sock.sendall(encode(Hello(name, ())))
    sock.recv(5, socket.MSG_WAITALL | socket.MSG_PEEK)  # the welcome has come
    return sock


def _say_all(speaker: socket.socket) -> None:
    frame = encode(Text("x" * TEXT_SIZE))
    try:
        speaker.settimeout(None)
        for _ in range(TEXTS):
            speaker.sendall(frame)
    except OSError:
        pass  # the experiment is over


def _send_over_a_slow_line(folder: Path, stage: int | None) -> float:
    """How long it takes until the receiver has it whole."""
    folder.mkdir()
    name = "reference"
    if stage is not None:
        name = str(folder / ladder.STAGES[stage].name)
        ladder.write(ladder.solution(stage), Path(name))
    port, slow = free_port(), Faults(delay=DELAY)
    with ExitStack() as programs:
        server = Pipes([*find(name, "server").command, HOST, str(port)], folder, {**PATHS, "PYTHONUNBUFFERED": "1"})
        programs.callback(server.close)
        server.wait_for(lambda lines: any("[SERVER LISTENING]" in line for line in lines))
        proxy = programs.enter_context(Proxy((HOST, port), to_server=slow, to_client=slow))
        people = []
        for who in ("sravya", "sanjay"):
            home = folder / who
            home.mkdir()
            (home / "film.bin").write_bytes(bytes(FILE_SIZE))
            client = Pipes([*find(name, "client").command, *map(str, proxy.address)], home, PATHS)
            programs.callback(client.close)
            for answer in ["yes", *([] if stage else ["1"]), who]:
                client.type(answer)
            _wait_until_in(client, who)
            people.append(client)
        begun = time.monotonic()
        people[0].type("!send film.bin")
        people[1].wait_for(lambda lines: any("Successfully received" in line for line in lines))
        return time.monotonic() - begun


def _wait_until_in(client: Pipes, name: str) -> None:
    client.wait_for(lambda lines: any(line.endswith(f" : {name}") for line in lines))


def _rounded(count: int) -> str:
    """How many fit the system's buffers differs a little each time."""
    return f"{count:,}" if count == TEXTS else f"~{round(count, -3):,}"


def _clip(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(EXPERIMENTS[sys.argv[1]](Path(scratch)))
