"""A connected socket: a read that waits but not for ever, a write that never waits, and ends that are noticed."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from threading import Thread

import pytest

from reference.streams import Stream
from tests.reference.people import DEADLINE

Pair = tuple[Stream, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A stream, and the bare socket at its other end."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as far:
        far.settimeout(DEADLINE)
        stream = Stream(listener.accept()[0], patience=0.05)
        yield stream, far
        stream.close()


def test_silence_is_not_the_end(pair: Pair):
    """Nothing for as long as the patience is None; the end of the stream is no bytes."""
    stream, far = pair
    assert stream.receive() is None
    far.sendall(b"hello")
    assert stream.receive() == b"hello"
    far.close()
    assert stream.receive() == b""


def test_send_never_waits(pair: Pair):
    """A network that is full says so at once, and goes on when the other side reads."""
    stream, far = pair
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += stream.send_now(bytes(65536))
    while sent:
        sent -= len(far.recv(min(sent, 65536)))
    assert stream.send_now(b"more") == 4


def test_end_wakes_who_reads():
    """A thread that waits in receive sees the end that another thread makes: close() alone would not wake it."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        stream = Stream(listener.accept()[0], patience=DEADLINE)
        received: list[bytes | None] = []
        reader = Thread(target=lambda: received.append(stream.receive()), daemon=True)
        reader.start()
        stream.end()
        reader.join(DEADLINE)
        assert received == [b""]
        stream.close()


def test_polite_end_lets_the_last_words_arrive(pair: Pair):
    """Unread bytes turn a close into a reset, which may destroy what was sent last: so they are read away."""
    stream, far = pair
    far.sendall(bytes(500_000))
    stream.send_now(b"why")
    far.shutdown(socket.SHUT_WR)
    stream.end_politely(DEADLINE)
    stream.close()
    assert far.recv(100) == b"why"
    assert far.recv(100) == b""


def test_polite_end_does_not_wait_for_ever(pair: Pair):
    """However much the other side goes on sending, and though it never ends."""
    stream, far = pair
    far.sendall(b"and another thing")
    began = time.monotonic()
    stream.end_politely(0.1)
    assert time.monotonic() - began < DEADLINE / 2


def test_closed_stream_refuses_to_send(pair: Pair):
    """A descriptor that was given back is not written to, and ending it twice does no harm."""
    stream, _ = pair
    stream.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        stream.send_now(b"hello")
    stream.end()


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="this system does not let us choose")
def test_dead_network_is_noticed_within_a_minute(pair: Pair):
    """Also where the other side knows no ping: TCP itself asks, long before its two hours."""
    stream, _ = pair
    with socket.fromfd(stream.fileno(), socket.AF_INET, socket.SOCK_STREAM) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, interval, count = (
            sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
            for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
        )
        assert idle + interval * count <= 60
