"""What breaks around a running server, each with real processes: the others chat on, and nothing is left over."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.proxy import Faults, Proxy
from reference.protocol import Abort, Hello, Left, Offer, OfferFrom, Text, TextFrom, encode
from tests.reference.live import ClientProgram, ServerProgram
from tests.reference.people import DEADLINE
from tests.reference.raw import Raw

ID = bytes(range(16))


@pytest.fixture
def server() -> Iterator[ServerProgram]:
    """A running server, which holds places for a second."""
    with ServerProgram("--hold", "1") as server:
        yield server


def chats_on(server: ServerProgram) -> None:
    """Two newcomers hear each other."""
    with Raw(server.address) as one, Raw(server.address) as other:
        one.join("one")
        other.join("other")
        one.send(Text("still there?"))
        other.until(TextFrom("one", "still there?"))


# --- A client that is killed ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def program_that_sent(address: tuple[str, int], data: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that has sent these bytes, and then waits to be killed."""
    code = (
        "import socket, sys, time\n"
        f"connection = socket.create_connection({address!r})\n"
        "connection.sendall(sys.stdin.buffer.read())\n"
        "print('sent', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(data)
        process.stdin.close()
        assert process.stdout.readline() == b"sent\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    "data",
    [b"", encode(Hello("eve"))[:7], encode(Hello("eve")) + encode(Text("hello"))[:9]],
    ids=["before hello", "in the midst of hello", "in the midst of a text"],
)
def test_a_client_killed_in_the_midst_of_a_frame(server: ServerProgram, data: bytes):
    """Half a frame is nobody's: it is dropped, and the name is free."""
    with Raw(server.address) as ann:
        ann.join("ann")
        with program_that_sent(server.address, data) as eve:
            if len(data) > 20:
                server.shown.wait_for("eve")
            eve.kill()
        if len(data) > 20:
            ann.until(Left("eve"))
        with Raw(server.address) as again:
            again.join("eve")
    chats_on(server)


def test_a_client_killed_in_the_midst_of_a_file(server: ServerProgram, tmp_path: Path):
    """When its place is held no more the receivers are told, and no partial file stays, there or in the spool."""
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(20_000_000))
    with (
        Proxy(server.address, to_server=Faults(rate=1_000_000)) as slow,
        ClientProgram(slow.address, "ann", tmp_path) as ann,
        ClientProgram(server.address, "bob", tmp_path) as bob,
    ):
        ann.joined()
        bob.joined()
        ann.type(f"!send {film}")
        bob.shown.wait_for("Receiving film.mp4 (20000000 bytes)")
        ann.kill(signal.SIGKILL)
        bob.shown.wait_for("film.mp4 was called off: ann has left")
        bob.shown.wait_for("ann exited the chat")
        assert [path for path in bob.downloads.rglob("*") if path.is_file()] == []
    chats_on(server)


# --- A server that stops, and what it stands on --------------------------------------------------------------------


def test_a_server_that_stops_for_a_while(server: ServerProgram, tmp_path: Path):
    """Stopped (SIGSTOP) while people type, it passes on all of it when it goes on."""
    with ClientProgram(server.address, "ann", tmp_path) as ann, ClientProgram(server.address, "bob", tmp_path) as bob:
        ann.joined()
        bob.joined()
        server.kill(signal.SIGSTOP)
        for number in range(100):
            ann.type(f"text {number}")
        time.sleep(1.0)  # what is tested: nothing happens meanwhile
        server.kill(signal.SIGCONT)
        bob.shown.wait_for("[ann] text 99")
        assert [line for line in bob.shown.lines if line.startswith("[")] == [f"[ann] text {n}" for n in range(100)]


def test_a_spool_folder_that_is_deleted(tmp_path: Path):
    """A file that was begun goes on, because its bytes have no name; another is not taken; the chat goes on."""
    spool = tmp_path / "spool"
    spool.mkdir()
    with ServerProgram("--spool", str(spool)) as server, Raw(server.address) as ann, Raw(server.address) as bob:
        ann.join("ann")
        bob.join("bob")
        shutil.rmtree(spool)
        ann.send(Offer(ID, "film.mp4", 100))
        assert ann.until(Abort)[-1] == Abort(ID, "the server cannot store it")
        ann.send(Text("well then"))
        assert not any(isinstance(frame, OfferFrom) for frame in bob.until(TextFrom("ann", "well then")))


JUMPS = """
import itertools, time
count = itertools.count()
time.time = lambda: (-1) ** next(count) * 1e9  # the clock jumps by decades at each look
"""


def test_a_clock_that_jumps(tmp_path: Path):
    """Nothing depends on the time of day: places are held, files arrive, and people come back."""
    content = os.urandom(300_000)
    with (
        ServerProgram("--hold", "5", code=JUMPS) as server,
        Proxy(server.address) as proxy,
        ClientProgram(proxy.address, "ann", tmp_path) as ann,
        Raw(server.address) as bob,
    ):
        bob.join("bob")
        ann.joined()
        bob.upload(ID, "a.bin", content)
        ann.shown.wait_for(lambda line: line.startswith("Successfully received"))
        proxy.cut()
        ann.shown.wait_for("Reconnected")
        ann.type("back")
        assert Left("ann") not in bob.until(TextFrom("ann", "back"))


# --- Many, and slow ------------------------------------------------------------------------------------------------


def test_a_client_that_reads_one_byte_a_second(server: ServerProgram):
    """It costs bounded memory, and nobody waits for it."""
    done = threading.Event()
    with (
        Raw(server.address) as ann,
        Raw(server.address) as bob,
        Raw(server.address, receive_buffer=4096) as slow,
    ):
        for raw, name in ((ann, "ann"), (bob, "bob"), (slow, "slow")):
            raw.join(name)

        def read_slowly() -> None:
            with contextlib.suppress(OSError):
                while not done.wait(1.0) and slow.sock.recv(1):
                    pass

        reading = threading.Thread(target=read_slowly, daemon=True)
        reading.start()
        before = server.memory()
        for number in range(3_000):
            ann.send(Text(f"{number} ".ljust(4_000, ".")))
            if number % 100 == 99:
                bob.until(TextFrom("ann", f"{number} ".ljust(4_000, ".")))
        assert server.memory() - before < 16 * 2**20
        done.set()
        reading.join(DEADLINE)
    chats_on(server)


def test_ten_thousand_connections_opened_and_dropped(server: ServerProgram):
    """No thread and no descriptor is left over."""
    process = Path(f"/proc/{server.process.pid}")

    def held() -> tuple[int, int]:
        return len(os.listdir(process / "task")), len(os.listdir(process / "fd"))

    def wait_until_holding(wanted: tuple[int, int]) -> None:
        deadline = time.monotonic() + 2 * DEADLINE  # to end ten thousand threads takes a busy machine some time
        while held() > wanted and time.monotonic() < deadline:
            time.sleep(0.1)
        assert held() <= wanted

    threads, descriptors = held()
    chats_on(server)
    wait_until_holding((threads, descriptors + 1))  # the first client makes Python open one for itself
    before = held()
    for _ in range(10_000):
        sock = socket.socket()
        sock.connect(server.address)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close resets: no port stays in use
        sock.close()
    wait_until_holding(before)
    chats_on(server)
