"""The outbox: what it promises to whoever sends (the four points on top of outbox.py), and the writer thread."""

from __future__ import annotations

import math
import select
import selectors
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from threading import Event, Lock, Thread

import pytest

from reference import outbox as outbox_module
from reference.outbox import MAX_BACKLOG, MAX_LATER, Outbox, Overflow, Writer
from reference.streams import Stream
from tests.reference.people import DEADLINE


class Network(Stream):
    """A connection whose network takes so many bytes and no more, until it is given more room."""

    def __init__(self, room: float = math.inf) -> None:
        self._lock = Lock()
        self.room = room
        self.taken = bytearray()
        self.ended = False
        self.error: OSError | None = None

    def send_now(self, data: bytes | memoryview) -> int:
        """Take what there is room for."""
        with self._lock:
            if self.error is not None:
                raise self.error
            size = min(len(data), int(min(self.room, 2**40)))
            if not size:
                raise BlockingIOError
            self.taken += data[:size]
            self.room -= size
            return size

    def end(self) -> None:
        """Note that the connection was ended."""
        self.ended = True

    def fileno(self) -> int:
        """No selector can watch this one."""
        return -1


class NoWriter(Writer):
    """A writer thread that only notes what it should do."""

    def __init__(self) -> None:
        self.watched: list[Outbox] = []

    def watch(self, outbox: Outbox) -> None:
        """Note it."""
        self.watched.append(outbox)


class Frames:
    """Makes file frames, and notes which were made."""

    def __init__(self) -> None:
        self.made: list[bytes] = []

    def __call__(self, frame: bytes) -> Callable[[], bytes]:
        """What makes this one."""

        def make() -> bytes:
            self.made.append(frame)
            return frame

        return make


@pytest.fixture
def network() -> Network:
    """Takes everything."""
    return Network()


@pytest.fixture
def writer() -> NoWriter:
    """Writes nothing by itself."""
    return NoWriter()


@pytest.fixture
def outbox(network: Network, writer: NoWriter) -> Outbox:
    """On that network."""
    return Outbox(network, writer)


@pytest.fixture
def running() -> Iterator[Writer]:
    """A writer thread at work."""
    writer = Writer()
    writer.start()
    yield writer
    writer.stop(0)


@pytest.fixture
def switching() -> Iterator[None]:
    """Have Python change threads as often as it can, so that races are lost that are rarely lost."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


# --- Nothing blocks, nothing tears ---------------------------------------------------------------------------------


def test_text_leaves_at_once(outbox: Outbox, network: Network, writer: NoWriter):
    """A network that takes it gets it from the thread that brought it."""
    outbox.send(b"hello")
    assert network.taken == b"hello"
    assert outbox.empty
    assert not writer.watched


def test_what_the_network_does_not_take_waits(outbox: Outbox, network: Network, writer: NoWriter):
    """The rest is the writer's, and goes in order and whole."""
    network.room = 3
    outbox.send(b"hello ")
    outbox.send(b"world")
    assert network.taken == b"hel"
    assert outbox in writer.watched
    assert not outbox.empty
    network.room = math.inf
    assert outbox.flush()
    assert network.taken == b"hello world"


def test_text_passes_waiting_files_but_tears_no_frame(outbox: Outbox, network: Network):
    """A file frame once begun is finished; then come the texts, and then the next file frame."""
    frames = Frames()
    network.room = 2
    for frame in (b"FILE1.", b"FILE2.", b"FILE3."):
        outbox.send_later(frames(frame))
    outbox.flush()
    outbox.send(b"text")
    network.room = math.inf
    while not outbox.flush():
        pass
    assert network.taken == b"FILE1.textFILE2.FILE3."


def test_file_frames_are_made_when_their_turn_comes(outbox: Outbox, network: Network):
    """What waits costs no memory but the question."""
    frames = Frames()
    network.room = 2
    outbox.send_later(frames(b"FILE1."))
    outbox.send_later(frames(b"FILE2."))
    assert frames.made == []
    outbox.flush()
    assert frames.made == [b"FILE1."]


def test_who_asks_for_a_file_is_not_kept(outbox: Outbox, network: Network, writer: NoWriter):
    """The writer alone carries files: of sixteen threads that did, each would keep a text waiting."""
    outbox.send_later(Frames()(b"FILE1."))
    assert network.taken == b""
    assert writer.watched == [outbox]


def test_who_brings_a_text_carries_no_file(outbox: Outbox, network: Network, writer: NoWriter):
    """A thread that sends a text to somebody is not kept by the film which that one is fetching."""
    frames = Frames()
    network.room = 2
    outbox.send_later(frames(b"FILE1."))
    outbox.send_later(frames(b"FILE2."))
    outbox.flush()
    writer.watched.clear()
    network.room = math.inf
    outbox.send(b"text")
    assert network.taken == b"FILE1.text"
    assert frames.made == [b"FILE1."]
    assert writer.watched == [outbox], "somebody must go on with FILE2"


def test_writer_sends_one_file_frame_at_a_time(outbox: Outbox, network: Network):
    """One fast receiver does not keep the writer thread from the others."""
    frames = Frames()
    for number in range(4):
        outbox.send_later(frames(b"%d" % number))
    taken = []
    while not outbox.empty:
        outbox.flush()
        taken.append(bytes(network.taken))
    assert taken == [b"0", b"01", b"012", b"0123"]


def test_nothing_to_send_after_all(outbox: Outbox, network: Network):
    """A question may have lost its answer by the time its turn comes."""
    outbox.send_later(lambda: b"")
    outbox.send(b"text")
    outbox.flush()
    assert network.taken == b"text"
    assert outbox.empty


def test_the_last_words_are_sent_though_another_thread_was_writing(outbox: Outbox, network: Network):
    """What was left to that thread goes before the outbox takes nothing more; and the other side may still read."""
    with outbox._writing:
        outbox.send(b"refused: ...")
    outbox.finish()
    outbox.send(b"more")
    assert network.taken == b"refused: ..."
    assert not network.ended


def test_end_sends_the_last_words(outbox: Outbox, network: Network):
    """A text is not lost because another thread, which carries it, stands still in that moment; files are."""
    making, go_on = Event(), Event()

    def make() -> bytes:
        making.set()
        assert go_on.wait(DEADLINE)
        return b"FILE1."

    outbox.send_later(make)
    slow = Thread(target=outbox.flush)
    slow.start()
    assert making.wait(DEADLINE)
    outbox.send(b"bye")
    ending = Thread(target=outbox.end)
    ending.start()
    go_on.set()
    for thread in (slow, ending):
        thread.join(DEADLINE)
    assert network.taken == b"FILE1.bye"
    assert network.ended


# --- Bounds --------------------------------------------------------------------------------------------------------


def test_reader_who_never_reads_is_dropped(outbox: Outbox, network: Network):
    """The backlog is bounded; beyond, the connection is ended and nothing is kept for it."""
    network.room = 0
    frames = bytes(64 * 1024)
    sent = 0
    while not network.ended:
        outbox.send(frames)
        sent += len(frames)
        assert sent <= MAX_BACKLOG + 3 * len(frames)
    assert outbox.empty
    outbox.send(b"more")
    outbox.send_later(lambda: b"more")
    assert outbox.empty


def test_who_is_up_to_date_is_not_dropped(outbox: Outbox, network: Network):
    """A batch larger than the bound is no fault of a reader for whom nothing waits."""
    network.room = MAX_BACKLOG / 2
    outbox.send(bytes(2 * MAX_BACKLOG))
    assert not network.ended
    network.room = math.inf
    assert outbox.flush()
    assert len(network.taken) == 2 * MAX_BACKLOG


def test_too_many_questions_are_refused(outbox: Outbox, network: Network):
    """Questions are bounded as well: who asks on without reading is told so."""
    network.room = 0
    for _ in range(MAX_LATER):
        outbox.send_later(lambda: b"chunk")
    with pytest.raises(Overflow):
        outbox.send_later(lambda: b"chunk")


@pytest.mark.parametrize("error", [ConnectionResetError(), OSError(105, "No buffer space available")])
def test_broken_network_ends_the_connection(outbox: Outbox, network: Network, error: OSError):
    """Whatever the system says: the thread that reads must see the end, or half a frame would be the last word."""
    network.error = error
    outbox.send(b"hello")
    assert network.ended
    assert outbox.empty


# --- The writer thread ---------------------------------------------------------------------------------------------


class Pair:
    """A connection over a real socket with small buffers: the far end reads what the outbox sent."""

    def __init__(self, writer: Writer) -> None:
        self.near, self.far = socket.socketpair()
        for sock in (self.near, self.far):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.far.settimeout(DEADLINE)
        self.stream = LocalStream(self.near)
        self.outbox = Outbox(self.stream, writer)

    def fill(self) -> int:
        """Send until something waits, and return how many bytes that were."""
        size = 0
        while self.outbox.empty:
            self.outbox.send(bytes(1000))
            size += 1000
        return size

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        data = bytearray()
        while len(data) < size:
            more = self.far.recv(min(65536, size - len(data)))
            assert more, "the connection ended"
            data += more
        return bytes(data)

    def close(self) -> None:
        """Close both ends."""
        self.outbox.close()
        self.stream.close()
        self.far.close()


class LocalStream(Stream):
    """A Stream on a socket that is not TCP."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._lock = Lock()


@pytest.fixture
def pair(running: Writer) -> Iterator[Pair]:
    """A connection served by a running writer thread."""
    pair = Pair(running)
    yield pair
    pair.close()


def test_writer_goes_on_when_the_reader_does(pair: Pair):
    """Who comes back to reading gets everything that waited."""
    size = pair.fill()
    pair.outbox.send(b"the end")
    assert pair.read(size + 7)[-7:] == b"the end"


@pytest.mark.usefixtures("switching")
def test_many_threads_send_whole_frames_in_order(pair: Pair):
    """Texts of eight threads and file frames of another: none torn, none lost, each thread's in order."""
    each = 300
    head = struct.Struct(">BHH")  # who, number, size of what follows

    def frame(who: int, number: int) -> bytes:
        size = (number * 37 + who) % 700
        return head.pack(who, number, size) + bytes([who]) * size

    def talk(who: int) -> None:
        for number in range(each):
            pair.outbox.send(frame(who, number))

    def send_files() -> None:
        for number in range(each):
            pair.outbox.send_later(partial(frame, 8, number))

    threads = [Thread(target=talk, args=[who], daemon=True) for who in range(8)]
    threads.append(Thread(target=send_files, daemon=True))
    for thread in threads:
        thread.start()
    numbers = [0] * 9
    for _ in range(9 * each):
        who, number, size = head.unpack(pair.read(head.size))
        assert number == numbers[who]
        assert pair.read(size) == bytes([who]) * size
        numbers[who] += 1
    for thread in threads:
        thread.join(DEADLINE)


@pytest.mark.usefixtures("switching")
def test_no_wakeup_is_lost(pair: Pair):
    """A frame left to another thread in the very moment it stops is carried all the same, with nobody sending more."""

    def send(times: int) -> None:
        for _ in range(times):
            pair.outbox.send(b"x" * 100)

    for _ in range(150):
        threads = [Thread(target=send, args=[5], daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        pair.read(3 * 5 * 100)  # would wait for ever
        for thread in threads:
            thread.join(DEADLINE)


def test_stalled_reader_is_dropped_in_the_end(pair: Pair, monkeypatch: pytest.MonkeyPatch):
    """Who takes nothing for too long while something waits is ended."""
    monkeypatch.setattr(outbox_module, "STALL_SECONDS", 0.2)
    pair.fill()
    select.select([pair.near], [], [], DEADLINE)
    assert pair.near.recv(1) == b"", "the thread that reads the connection sees the end"


def test_room_that_keeps_the_writer_busy_does_not_starve_slow_readers(pair: Pair, running: Writer):
    """Functions that ask to be called again, as a busy room's flush does, leave the readers their turn."""
    size = pair.fill()
    over = Event()

    def again() -> None:
        if not over.is_set():
            running.call(again)

    running.call(again)
    try:
        pair.read(size)
    finally:
        over.set()


def test_number_used_again_is_another_connection(running: Writer):
    """A closed connection's descriptor number goes to a new one: the writer serves that one, and not the old."""
    for _ in range(5):
        old = Pair(running)
        number = old.near.fileno()
        old.fill()
        old.close()
        new = Pair(running)
        size = new.fill()
        assert number in (new.near.fileno(), new.far.fileno()), "the test is pointless: the number was not used again"
        new.read(size)
        new.close()


def test_stop_sends_what_waits(running: Writer):
    """The last words reach a reader who reads on."""
    writer = Writer()
    writer.start()
    pair = Pair(writer)
    size = pair.fill()
    reader = Thread(target=pair.read, args=[size])
    reader.start()
    writer.stop(DEADLINE)
    reader.join(DEADLINE)
    assert not reader.is_alive()
    pair.close()


def test_stop_calls_what_was_to_be_called():
    """A room's flush that was handed over is done before the end."""
    writer = Writer()
    called = Event()
    writer.call(called.set)
    writer.start()
    writer.stop(DEADLINE)
    assert called.is_set()


def test_stop_does_not_wait_for_one_who_never_reads():
    """The end comes within the seconds given."""
    writer = Writer()
    writer.start()
    pair = Pair(writer)
    pair.fill()
    writer.stop(0.1)
    assert "writer" not in [each.name for each in threading.enumerate()]
    pair.close()


def test_stop_does_not_wait_for_a_call_that_is_stuck(monkeypatch: pytest.MonkeyPatch):
    """As one that shows something in a pipe that is full."""
    monkeypatch.setattr(outbox_module, "_GRACE", 0.0)
    writer, begun, released = Writer(), Event(), Event()

    def stuck() -> None:
        begun.set()
        released.wait(DEADLINE)

    writer.call(stuck)
    writer.start()
    assert begun.wait(DEADLINE)
    writer.stop(0.0)
    assert not released.is_set()
    assert "writer" in [each.name for each in threading.enumerate()]
    released.set()


def test_writer_outlives_a_connection_that_is_closed_while_it_waits(monkeypatch: pytest.MonkeyPatch):
    """Where only select() is there, as on Windows, it takes no closed connection: the others are still served."""
    monkeypatch.setattr(selectors, "DefaultSelector", selectors.SelectSelector)
    writer = Writer()
    writer.start()
    closed, pair, done = Pair(writer), Pair(writer), Event()
    closed.fill()

    def close() -> None:
        closed.stream.close()
        done.set()

    writer.call(close)
    assert done.wait(DEADLINE)
    size = pair.fill()
    pair.read(size)
    writer.stop(0)
    closed.close()
    pair.close()
