"""The proxy breaks the network in the ways it says, and in no other."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import math
import os
import queue
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.proxy import BOTH, TO_CLIENT, TO_SERVER, Faults, Proxy, lane, segments
from labkit.proxy.lane import Lane
from labkit.proxy.segments import FrameBorders, Segments

DEADLINE = 30.0
ROOT = Path(__file__).resolve().parents[2]

Connect = Callable[[Proxy], tuple[socket.socket, socket.socket]]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A socket that listens, for the proxy to connect to."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        listener.settimeout(DEADLINE)
        yield listener


@pytest.fixture
def connect(server: socket.socket) -> Iterator[Connect]:
    """Connects through a proxy: gives the client's end and the server's."""
    with contextlib.ExitStack() as sockets:

        def connect(proxy: Proxy) -> tuple[socket.socket, socket.socket]:
            client = sockets.enter_context(socket.create_connection(proxy.address, DEADLINE))
            accepted = sockets.enter_context(server.accept()[0])
            accepted.settimeout(DEADLINE)
            return client, accepted

        yield connect


class Events:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self._queue: queue.Queue[tuple[int, str, str, bytes]] = queue.Queue()

    def __call__(self, connection: int, direction: str, event: str, data: bytes) -> None:
        """Keep it."""
        self._queue.put((connection, direction, event, data))

    def wait_for(self, direction: str, event: str) -> bytes:
        """Wait for the next such event; return its data."""
        while True:
            _, its_direction, its_event, data = self._queue.get(timeout=DEADLINE)
            if (its_direction, its_event) == (direction, event):
                return data

    def all(self) -> list[tuple[int, str, str, bytes]]:
        """Everything told since."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]


def receive_all(source: socket.socket) -> bytes:
    """What comes until the end of the stream or a reset."""
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while data := source.recv(64 * 1024):
            received += data
    return bytes(received)


def receive_exactly(source: socket.socket, size: int) -> bytes:
    """So many bytes, however they come."""
    received = bytearray()
    while len(received) < size:
        data = source.recv(size - len(received))
        assert data, f"the stream ended after {len(received)} of {size} bytes"
        received += data
    return bytes(received)


def is_reset(one: socket.socket) -> bool:
    """Whether the stream ends with a reset (and not orderly)."""
    try:
        while one.recv(64 * 1024):
            pass
    except ConnectionResetError:
        return True
    return False


def reset(one: socket.socket) -> None:
    """Close with a RST."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


def frames(rng: random.Random, total: int, largest: int) -> bytes:
    """A stream of frames of random sizes."""
    stream = bytearray()
    while len(stream) < total:
        body = rng.randbytes(rng.randint(1, largest))
        stream += len(body).to_bytes(4, "big") + body
    return bytes(stream)


def exchange(client: socket.socket, server: socket.socket, out: bytes, back: bytes) -> list[bytes]:
    """Send both ways at once, then FIN; return the hashes of what arrived: out, back."""
    arrived: dict[socket.socket, bytes] = {}

    def send(sink: socket.socket, data: bytes) -> None:
        sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)

    def receive(source: socket.socket) -> None:
        arrived[source] = receive_all(source)

    threads = [
        threading.Thread(target=send, args=(client, out)),
        threading.Thread(target=send, args=(server, back)),
        threading.Thread(target=receive, args=(client,)),
        threading.Thread(target=receive, args=(server,)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [hashlib.sha256(arrived[server]).digest(), hashlib.sha256(arrived[client]).digest()]


# --- nothing is changed, lost or reordered


@pytest.mark.parametrize(
    "faults",
    [
        Faults(),
        Faults(segment=1),
        Faults(segment=(1, 20)),
        Faults(segment=1460),
        Faults(segment=20_000),
        Faults(glue=0.02),
        Faults(delay=0.02),
        Faults(rate=10_000_000),
        Faults(segment=(1, 20), glue=0.01, delay=0.02, rate=20_000_000),
    ],
    ids=str,
)
def test_forwards_faithfully_in_both_directions_at_once(
    server: socket.socket, connect: Connect, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the fault, the bytes that arrive are the bytes that were sent."""
    monkeypatch.setattr(segments, "START", 1024)  # the first 64 KiB in single bytes take long
    rng = random.Random(1)
    out, back = frames(rng, 3_000_000, 256 * 1024), frames(rng, 2_000_000, 256 * 1024)
    with Proxy(server.getsockname(), to_server=faults, to_client=faults, seed=7) as proxy:
        hashes = exchange(*connect(proxy), out, back)
    assert hashes == [hashlib.sha256(out).digest(), hashlib.sha256(back).digest()]


@pytest.mark.parametrize(
    "stream", [bytes(500_000), b"GET / HTTP/1.1\r\n" * 30_000, b"\0\0\0\7hal"], ids=lambda s: s[:5]
)
def test_forwards_faithfully_what_is_not_framed(
    server: socket.socket, connect: Connect, stream: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream without length prefixes, or one that ends within a frame, arrives all the same."""
    monkeypatch.setattr(segments, "START", 1024)
    faults = Faults(segment=1)
    with Proxy(server.getsockname(), to_server=faults, to_client=faults) as proxy:
        hashes = exchange(*connect(proxy), stream, stream)
    assert hashes == [hashlib.sha256(stream).digest()] * 2


def test_fifty_connections_at_once_do_not_mix(server: socket.socket, connect: Connect) -> None:
    """Each of fifty open connections gets its own bytes."""
    with Proxy(server.getsockname(), to_server=Faults(segment=(1, 2000))) as proxy:
        pairs = [connect(proxy) for _ in range(50)]
        for number, (client, _) in enumerate(pairs):
            client.sendall(bytes([number]) * 10_000)
        for number, (_, accepted) in enumerate(pairs):
            assert receive_exactly(accepted, 10_000) == bytes([number]) * 10_000


# --- segments and glue


def test_single_bytes_arrive_one_by_one(server: socket.socket, connect: Connect) -> None:
    """A receiver gets most of a short stream in as many recvs as it has bytes.

    On a busy machine it may come too late for some, so the best of a few attempts counts.
    """
    stream = frames(random.Random(2), 1000, 100)
    with Proxy(server.getsockname(), to_server=Faults(segment=1)) as proxy:
        client, accepted = connect(proxy)
        attempts = 0
        recvs = 0
        while recvs < len(stream) * 0.75 and attempts < 10:
            client.sendall(stream)
            recvs = len(receive_ends(accepted, len(stream))) - 1
            attempts += 1
    assert recvs >= len(stream) * 0.75


def test_frame_borders_are_cut_in_a_long_stream_too(
    server: socket.socket, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first 64 KiB, the bytes around each border still come one by one."""
    monkeypatch.setattr(segments, "START", 0)
    frame = (50_000).to_bytes(4, "big") + bytes(50_000)
    with Proxy(server.getsockname(), to_server=Faults(segment=1)) as proxy:
        client, accepted = connect(proxy)
        client.sendall(frame * 20)
        ends = receive_ends(accepted, len(frame) * 20)
    for steps in (range(-8, 0), range(1, 9)):
        near = {number * len(frame) + step for number in range(1, 20) for step in steps}
        assert len(near & ends) > len(near) / 3


def receive_ends(source: socket.socket, size: int) -> set[int]:
    """Receive so many bytes; return the stream offsets at which a recv ended."""
    ends = {0}
    while max(ends) < size:
        ends.add(max(ends) + len(source.recv(64 * 1024)))
    return ends


def test_borders_are_found_however_the_stream_is_fed() -> None:
    """The next border is known as soon as the length is, and is the same fed whole or in bytes."""
    stream = b"\0\0\0\3abc" + b"\0\0\0\1x" + b"\0\0\1\0"
    for step in (1, 2, 3, 5, len(stream)):
        borders = FrameBorders()
        for start in range(0, len(stream), step):
            borders.feed(stream[start : start + step])
        assert (borders.last, borders.next) == (12, 16 + 256)


@pytest.mark.parametrize("stream", [bytes(100), b"GET / HTTP/1.1", b"\xff\xff\xff\xff"], ids=repr)
def test_what_is_not_framed_has_no_borders(stream: bytes) -> None:
    """A length that no frame can have ends the search for good."""
    borders = FrameBorders()
    borders.feed(stream)
    assert borders.next == math.inf


def draw_cuts(seed: str, size: int | tuple[int, int], stream: bytes) -> list[int]:
    """Where a stream would be cut."""
    drawn = Segments(size, random.Random(seed))
    cuts = [0]
    while cuts[-1] < len(stream):
        cuts.append(drawn.next_cut(cuts[-1]))
        drawn.passed(stream[cuts[-2] : cuts[-1]])
    return cuts


def test_the_same_seed_cuts_in_the_same_places() -> None:
    """Cuts follow from seed and stream, and stay within the range."""
    stream = frames(random.Random(3), 60_000, 3000)
    cuts = draw_cuts("a", (1, 20), stream)
    assert cuts == draw_cuts("a", (1, 20), stream)
    assert cuts != draw_cuts("b", (1, 20), stream)
    assert {b - a for a, b in itertools.pairwise(cuts)} == set(range(1, 21))


# --- time (on a clock of the test's own where the claim is exact)


@contextlib.contextmanager
def a_lane(faults: Faults) -> Iterator[tuple[Lane, socket.socket, socket.socket]]:
    """A lane without a connection around it: gives the sender's and the receiver's end too."""
    with contextlib.ExitStack() as stack:
        sender, source, sink, receiver = (
            stack.enter_context(one) for one in (*socket.socketpair(), *socket.socketpair())
        )
        for one in (source, sink, receiver):
            one.setblocking(False)
        tell = lambda *_: None  # noqa: E731
        yield Lane(TO_SERVER, source, sink, faults, random.Random(0), tell), sender, receiver


def arrived(receiver: socket.socket) -> bytes:
    """What can be received without waiting."""
    try:
        return receiver.recv(64 * 1024)
    except BlockingIOError:
        return b""


def test_glue_sends_as_one_what_came_in_time() -> None:
    """What comes within the time leaves together when it is over; what comes later, later."""
    with a_lane(Faults(glue=1.0)) as (lane, sender, receiver):
        for now, data in [(10.0, b"a"), (10.3, b"b"), (11.0, b"c"), (11.1, b"d")]:
            sender.send(data)
            lane.receive(now)
        lane.forward(10.9)
        assert arrived(receiver) == b""
        lane.forward(11.0)
        assert arrived(receiver) == b"abc"
        assert lane.next_time() == pytest.approx(12.1)


def test_delay_is_pipelined() -> None:
    """Everything leaves after the same time, and meanwhile more is taken in."""
    with a_lane(Faults(delay=10.0)) as (lane, sender, receiver):
        for second in range(5):
            sender.send(b"%d" % second)
            assert lane.has_room
            lane.receive(100.0 + second)
        for second in range(5):
            lane.forward(109.9 + second)
            assert arrived(receiver) == b""
            lane.forward(110.0 + second)
            assert arrived(receiver) == b"%d" % second


def test_the_end_of_a_stream_is_delayed_too() -> None:
    """A FIN takes as long as the bytes before it."""
    with a_lane(Faults(delay=10.0)) as (lane, sender, _):
        sender.shutdown(socket.SHUT_WR)
        lane.receive(100.0)
        assert lane.next_time() == 110.0


def test_delay_takes_at_least_its_time(server: socket.socket, connect: Connect) -> None:
    """Through a real connection a delayed byte is not early."""
    with Proxy(server.getsockname(), to_server=Faults(delay=0.1)) as proxy:
        client, accepted = connect(proxy)
        start = time.monotonic()
        client.sendall(b"x")
        accepted.recv(1)
        assert time.monotonic() - start >= 0.1


def test_rate_is_not_exceeded(server: socket.socket, connect: Connect) -> None:
    """So many bytes at such a rate take their time, give or take what leaves at once."""
    rate, size = 200_000, 80_000
    with Proxy(server.getsockname(), to_client=Faults(rate=rate)) as proxy:
        client, accepted = connect(proxy)
        start = time.monotonic()
        accepted.sendall(bytes(size))
        receive_exactly(client, size)
        assert time.monotonic() - start >= size / rate - 2 * lane.RATE_SLICE


# --- stalls and backpressure


def test_a_stalled_direction_waits_and_the_other_goes_on(server: socket.socket, connect: Connect) -> None:
    """While one direction is stalled the other delivers; after resume everything has arrived."""
    events = Events()
    with Proxy(server.getsockname(), observer=events) as proxy:
        client, accepted = connect(proxy)
        proxy.stall(TO_CLIENT)
        accepted.sendall(b"held")
        events.wait_for(TO_CLIENT, "segment")
        client.sendall(b"goes on")
        # Had the proxy not stalled, it would have passed on the one before it read the other.
        assert receive_exactly(accepted, 7) == b"goes on"
        assert not select.select([client], [], [], 0)[0]
        proxy.resume(BOTH)
        assert receive_exactly(client, 4) == b"held"


def test_a_receiver_that_does_not_read_stops_the_sender(server: socket.socket, connect: Connect) -> None:
    """The proxy does not take in more than its window for a receiver that takes nothing."""
    with Proxy(server.getsockname(), to_server=Faults(segment=1460)) as proxy:
        client, _ = connect(proxy)
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.sendall(bytes(64_000_000))


def test_one_that_does_not_read_holds_up_nobody_else(server: socket.socket, connect: Connect) -> None:
    """A connection whose receiver is stuck leaves the others alone."""
    with Proxy(server.getsockname()) as proxy:
        stuck, _ = connect(proxy)
        stuck.settimeout(0.2)
        with pytest.raises(TimeoutError):
            stuck.sendall(bytes(64_000_000))
        client, accepted = connect(proxy)
        client.sendall(b"hello")
        assert receive_exactly(accepted, 5) == b"hello"


# --- ends


def test_a_half_close_is_passed_on_as_one(server: socket.socket, connect: Connect) -> None:
    """After the client's FIN the server can still answer."""
    with Proxy(server.getsockname()) as proxy:
        client, accepted = connect(proxy)
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        assert receive_all(accepted) == b"question"
        accepted.sendall(b"answer")
        accepted.shutdown(socket.SHUT_WR)
        assert receive_all(client) == b"answer"


@pytest.mark.parametrize("first", ["client", "server"])
def test_a_reset_is_passed_on_as_one(server: socket.socket, connect: Connect, first: str) -> None:
    """What was sent before a peer's reset arrives, then the reset."""
    with Proxy(server.getsockname()) as proxy:
        one, other = connect(proxy) if first == "client" else reversed(connect(proxy))
        one.sendall(b"last words")
        assert receive_exactly(other, 10) == b"last words"
        reset(one)
        assert is_reset(other)


def test_a_reset_is_noticed_by_one_who_only_sends(server: socket.socket, connect: Connect) -> None:
    """A sender stuck behind a peer that has reset gets the reset, and does not hang."""
    with Proxy(server.getsockname()) as proxy:
        client, accepted = connect(proxy)
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.sendall(bytes(64_000_000))
        client.settimeout(DEADLINE)
        reset(accepted)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            client.sendall(bytes(64_000_000))


def test_a_reset_overtakes_what_nobody_takes(server: socket.socket, connect: Connect) -> None:
    """Who does not read but sends learns of the peer's reset all the same."""
    with Proxy(server.getsockname()) as proxy:
        client, accepted = connect(proxy)
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.sendall(bytes(64_000_000))
        reset(client)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            accepted.sendall(bytes(64_000_000))


def test_cut_resets_what_is_open_and_accepts_anew(server: socket.socket, connect: Connect) -> None:
    """Both ends of every open connection get ECONNRESET; the next connection works."""
    with Proxy(server.getsockname()) as proxy:
        pairs = [connect(proxy) for _ in range(3)]
        proxy.cut()
        assert all(is_reset(end) for pair in pairs for end in pair)
        client, accepted = connect(proxy)
        client.sendall(b"again")
        assert receive_exactly(accepted, 5) == b"again"


def test_cut_does_not_miss_who_has_just_connected(server: socket.socket) -> None:
    """A connection is cut from the moment its client has it."""
    with Proxy(server.getsockname()) as proxy:
        for _ in range(20):
            with socket.create_connection(proxy.address, DEADLINE) as client:
                proxy.cut()
                assert is_reset(client)


def test_cut_ends_a_stalled_connection(server: socket.socket, connect: Connect) -> None:
    """A stall does not protect from a cut."""
    with Proxy(server.getsockname()) as proxy:
        client, accepted = connect(proxy)
        proxy.stall(BOTH)
        client.sendall(b"lost")
        proxy.cut()
        assert is_reset(client)
        assert receive_all(accepted) == b""


def received_until_reset(seed: int, faults: Faults, connections: int) -> list[int]:
    """How many bytes pass on each of some connections until it is reset."""
    counts = []
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        Proxy(server.getsockname(), to_client=faults, seed=seed) as proxy,
    ):
        for _ in range(connections):
            with (
                socket.create_connection(proxy.address, DEADLINE) as client,
                server.accept()[0] as accepted,
            ):
                accepted.sendall(bytes(40_000))
                counts.append(len(receive_all(client)))
                assert is_reset(accepted)
    return counts


def test_reset_after_so_many_bytes() -> None:
    """Exactly so many bytes arrive before the reset."""
    assert received_until_reset(0, Faults(reset_after=12_345), 2) == [12_345, 12_345]


@pytest.mark.parametrize(
    "faults",
    [Faults(reset_after=(1, 30_000)), Faults(segment=(500, 1500), reset_chance=0.2)],
    ids=["reset_after", "reset_chance"],
)
def test_resets_repeat_by_seed(faults: Faults) -> None:
    """The same seed resets each connection after the same bytes; each draws its own."""
    first = received_until_reset(1, faults, 4)
    assert first == received_until_reset(1, faults, 4)
    assert first != received_until_reset(2, faults, 4)
    assert len(set(first)) > 1


def test_half_close_after_so_many_bytes(server: socket.socket, connect: Connect) -> None:
    """One direction ends after so many bytes; its sender is not held up, the other goes on."""
    with Proxy(server.getsockname(), to_server=Faults(half_close_after=1000)) as proxy:
        client, accepted = connect(proxy)
        client.sendall(bytes(30_000_000))
        assert len(receive_all(accepted)) == 1000
        accepted.sendall(b"I still talk")
        assert receive_exactly(client, 12) == b"I still talk"


# --- the proxy itself


def test_hold_refuses_and_release_accepts_at_the_same_address(server: socket.socket, connect: Connect) -> None:
    """A pulled cable and back: open connections go on, new ones are refused for the time."""
    with Proxy(server.getsockname()) as proxy:
        client, accepted = connect(proxy)
        proxy.hold()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(proxy.address, DEADLINE)
        client.sendall(b"still here")
        assert receive_exactly(accepted, 10) == b"still here"
        proxy.release()
        connect(proxy)


def test_a_target_that_is_not_there_resets_the_client() -> None:
    """The client is reset (in its connect, or in what it does next), the observer told why."""
    events = Events()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with Proxy(nobody.getsockname(), observer=events) as proxy:
            with (
                pytest.raises(ConnectionResetError),
                socket.create_connection(proxy.address, DEADLINE) as client,
            ):
                client.recv(1)
            assert events.wait_for(BOTH, "reset") == b"target: Connection refused"


def test_the_observer_sees_what_came_and_what_the_faults_made_of_it(server: socket.socket, connect: Connect) -> None:
    """Open between which ends, what was sent, how it was passed on, the end of each direction, close."""
    events = Events()
    with Proxy(server.getsockname(), to_server=Faults(segment=1), observer=events) as proxy:
        client, accepted = connect(proxy)
        ends = "{}:{} {}:{}".format(*client.getsockname(), *proxy.address).encode()
        client.sendall(b"hey")
        receive_exactly(accepted, 3)
        client.shutdown(socket.SHUT_WR)
        receive_all(accepted)
        accepted.close()
        receive_all(client)
    assert events.all() == [
        (0, BOTH, "open", ends),
        (0, TO_SERVER, "segment", b"hey"),
        *[(0, TO_SERVER, "passed", byte) for byte in (b"h", b"e", b"y")],
        (0, TO_SERVER, "fin", b""),
        (0, TO_SERVER, "ended", b""),
        (0, TO_CLIENT, "fin", b""),
        (0, TO_CLIENT, "ended", b""),
        (0, BOTH, "close", b""),
    ]


def test_a_connection_that_has_ended_is_closed_at_once(server: socket.socket, connect: Connect) -> None:
    """When both directions have ended, nothing of the connection stays, though the proxy goes on."""
    events = Events()
    with Proxy(server.getsockname(), observer=events) as proxy:
        client, accepted = connect(proxy)
        client.shutdown(socket.SHUT_WR)
        accepted.shutdown(socket.SHUT_WR)
        events.wait_for(BOTH, "close")


def test_nothing_is_left_after_close(server: socket.socket, connect: Connect) -> None:
    """No thread and no open file stays, though connections were open, stalled and stuck."""
    files = set(os.listdir("/proc/self/fd"))
    with contextlib.ExitStack() as clients:
        with Proxy(server.getsockname(), to_server=Faults(delay=60)) as proxy:
            for _ in range(10):
                client = clients.enter_context(socket.create_connection(proxy.address, DEADLINE))
                client.sendall(b"never arrives")
            proxy.stall(TO_CLIENT)
        assert not [one for one in threading.enumerate() if one.name.startswith("proxy-")]
    assert set(os.listdir("/proc/self/fd")) <= files
    proxy.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"segment": 0},
        {"segment": (5, 2)},
        {"delay": -1},
        {"rate": 0},
        {"reset_chance": 2},
        {"half_close_after": 0},
    ],
    ids=str,
)
def test_faults_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    """A value out of range is an error at once, and it names the fault."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Faults(**wrong)


# --- by hand


def command(*arguments: str) -> subprocess.Popen[str]:
    """Start the command line."""
    return subprocess.Popen(
        [sys.executable, "-m", "labkit.proxy", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--to", "nowhere"],
        ["--to", "127.0.0.1:99999"],
        ["--to", "127.0.0.1:1", "--segment", "0"],
        ["--to", "127.0.0.1:1", "--delay", "soon"],
        ["--to", "127.0.0.1:1", "--unknown"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_get_one_line_and_status_2(arguments: list[str]) -> None:
    """One line on stderr, nothing on stdout."""
    process = command(*arguments)
    output, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, output, errors.count("\n")) == (2, "", 1)


def test_an_address_in_use_gets_one_line_and_status_1(server: socket.socket) -> None:
    """The line names the address and the reason."""
    taken = "{}:{}".format(*server.getsockname())
    process = command("--listen", taken, "--to", "127.0.0.1:1")
    output, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, output, errors.count("\n")) == (1, "", 1)
    assert taken in errors
    assert "Address already in use" in errors


def test_the_command_forwards_until_ctrl_c(server: socket.socket) -> None:
    """It says where it listens, forwards, and ends with status 0."""
    faults = ["--segment", "1-20", "--glue", "1ms", "--delay", "1ms", "--rate", "1MiB"]
    with command("--to", "{}:{}".format(*server.getsockname()), *faults) as process:
        assert process.stdout
        place = process.stdout.readline().split()[2]
        host, _, port = place.rpartition(":")
        with (
            socket.create_connection((host, int(port)), DEADLINE) as client,
            server.accept()[0] as accepted,
        ):
            client.sendall(b"by hand")
            assert receive_exactly(accepted, 7) == b"by hand"
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE) == 0
