"""One connection through the proxy: two sockets, two lanes, one thread."""

import contextlib
import errno
import math
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any

from labkit.proxy.faults import BOTH, TO_CLIENT, TO_SERVER, Faults
from labkit.proxy.lane import Cut, Lane

# Told what happens: connection (from 0, in order of acceptance), direction, event, data.
#   "open", "close"  direction "both"; open's data names the two ends: b"127.0.0.1:51234 127.0.0.1:5051"
#   "segment"        what one recv brought, before any fault
#   "fin", "reset"   the sender of that direction has ended it
#   "passed"         what is sent now, after all faults: what the receiver gets
#   "ended"          the receiver is told now that nothing follows, after all faults
#   "reset"          with direction "both": the proxy's own doing; data is the reason, in words
# It is called in the connection's thread, so by several threads at once, and it holds up that
# connection while it runs.
Observer = Callable[[int, str, str, bytes], None]

# Address family and address, from getaddrinfo.
Target = tuple[int, Any]

# Larger ones would hide megabytes in front of a limited rate or a receiver that does not read.
SOCKET_BUFFER = 128 * 1024

# poll() counts in milliseconds; shorter waits (the pause between segments) are slept.
SHORTEST_POLL = 0.001


class Connection:
    """Relays between a client and the target until both have ended, or it is cut."""

    def __init__(
        self,
        number: int,
        client: socket.socket,
        target: Target,
        faults: dict[str, Faults],
        seed: int,
        stalled: set[str],
        observer: Observer | None,
    ) -> None:
        self.thread = threading.Thread(target=self._run, name=f"proxy-{number}", daemon=True)
        self._number = number
        self._client = client
        self._target = target
        self._faults = faults
        self._seed = seed
        self._stalled = stalled  # the proxy's: the directions that are paused now
        self._observer = observer
        self._server = socket.socket(target[0], socket.SOCK_STREAM)
        self._wakeup = Wakeup()
        self._cut_asked = False

    def cut(self) -> None:
        """Have both sides reset. Any thread may call this; it is done when `thread` has ended."""
        self._cut_asked = True
        self._wakeup.wake()

    def wake(self) -> None:
        """Have the thread look at the stalled directions again. Any thread may call this."""
        self._wakeup.wake()

    def _run(self) -> None:
        try:
            self._tell(BOTH, "open", ends_of(self._client))
            prepare(self._client)
            prepare(self._server)
            self._connect()
            self._relay()
        except Cut as cut:
            if cut.args:
                self._tell(BOTH, "reset", str(cut).encode())
            reset_on_close(self._client)
            reset_on_close(self._server)
        finally:
            self._client.close()
            self._server.close()
            self._wakeup.close()
            self._tell(BOTH, "close", b"")

    def _connect(self) -> None:
        """Connect to the target. A cut interrupts it: an unreachable host takes minutes to fail."""
        reason = self._server.connect_ex(self._target[1])
        if reason == errno.EINPROGRESS:
            while not wait_for({self._server: select.POLLOUT}, self._wakeup):
                self._stop_if_cut()
            reason = self._server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if reason:
            raise Cut(f"target: {os.strerror(reason)}")

    def _relay(self) -> None:
        to_server = self._lane(TO_SERVER, self._client, self._server)
        to_client = self._lane(TO_CLIENT, self._server, self._client)
        lanes = [(to_server, to_client), (to_client, to_server)]
        while True:
            self._stop_if_cut()
            now = time.monotonic()
            for lane, opposite in lanes:
                if lane.direction not in self._stalled and not lane.forward(now):
                    lane.abandon()
                    opposite.on_source_reset(now)
            if to_server.done and to_client.done:
                return
            self._wait_and_receive([to_server, to_client])

    def _wait_and_receive(self, lanes: list[Lane]) -> None:
        interest: dict[socket.socket, int] = {}
        wake_at = math.inf
        for lane in lanes:
            if lane.has_room:
                interest[lane.source] = interest.get(lane.source, 0) | select.POLLIN
            if lane.direction not in self._stalled:
                wake_at = min(wake_at, lane.next_time())
                if lane.blocked:
                    interest[lane.sink] = interest.get(lane.sink, 0) | select.POLLOUT
        events = wait_for(interest, self._wakeup, wake_at)
        now = time.monotonic()
        # Errors and hang-ups are reported unasked; the recv or send that follows tells which.
        for lane in lanes:
            if lane.has_room and events.get(lane.source, 0) & ~select.POLLOUT:
                lane.receive(now)
            if events.get(lane.sink, 0) & ~select.POLLIN:
                lane.blocked = False

    def _lane(self, direction: str, source: socket.socket, sink: socket.socket) -> Lane:
        rng = Random(f"{self._seed} {self._number} {direction}")
        return Lane(direction, source, sink, self._faults[direction], rng, self._tell)

    def _stop_if_cut(self) -> None:
        if self._cut_asked:
            raise Cut("cut")

    def _tell(self, direction: str, event: str, data: bytes) -> None:
        if self._observer:
            self._observer(self._number, direction, event, data)


class Wakeup:
    """Lets other threads interrupt a thread that sits in `wait_for` (the "self-pipe trick")."""

    def __init__(self) -> None:
        self.receiver, self._sender = socket.socketpair()
        self.receiver.setblocking(False)
        self._sender.setblocking(False)
        # Guards _sender against being closed during a send, which could hit whatever file has got
        # its number by then.
        self._lock = threading.Lock()

    def wake(self) -> None:
        """End the wait that goes on, or else the next one at once."""
        with self._lock:
            if self._sender.fileno() != -1:
                with contextlib.suppress(BlockingIOError):  # full of calls not yet answered
                    self._sender.send(b"!")

    def clear(self) -> None:
        """Forget the calls so far."""
        with contextlib.suppress(BlockingIOError):
            self.receiver.recv(4096)

    def close(self) -> None:
        """Close both ends; a later `wake` does nothing."""
        with self._lock:
            self._sender.close()
        self.receiver.close()


def wait_for(interest: dict[socket.socket, int], wakeup: Wakeup, wake_at: float = math.inf) -> dict[socket.socket, int]:
    """Wait for events (poll(2)), a wakeup or a time of `time.monotonic`; return the events."""
    remaining = max(0.0, wake_at - time.monotonic())
    if 0 < remaining < SHORTEST_POLL:
        time.sleep(remaining)
        remaining = 0
    poll = select.poll()
    poll.register(wakeup.receiver, select.POLLIN)
    for one, events in interest.items():
        poll.register(one, events)
    happened = dict(poll.poll(None if remaining == math.inf else math.ceil(remaining * 1000)))
    if wakeup.receiver.fileno() in happened:
        wakeup.clear()
    return {one: happened[one.fileno()] for one in interest if one.fileno() in happened}


def prepare(one: socket.socket) -> None:
    """Set what both sides need: no waiting, and no Nagle (it would glue our segments together)."""
    one.setblocking(False)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Has to be set before the connection is made; what is accepted inherits it from its listener.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)


def ends_of(one: socket.socket) -> bytes:
    """The addresses of a socket's two ends, the other side first; of one that is gone already, nothing."""
    try:
        return " ".join(f"{end[0]}:{end[1]}" for end in (one.getpeername(), one.getsockname())).encode()
    except OSError:
        return b""


def reset_on_close(one: socket.socket) -> None:
    """Make close() send a RST: SO_LINGER with a time of 0 (socket(7))."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
