"""The proxy: listens, and gives each connection its own thread, so that none holds up another."""

import select
import socket
import threading
import time
from types import TracebackType

from labkit.proxy.connection import Connection, Observer, Wakeup, prepare, wait_for
from labkit.proxy.faults import BOTH, NO_FAULTS, TO_CLIENT, TO_SERVER, Faults

# As many as a whole class that reconnects at once.
BACKLOG = 1024


class Proxy:
    """Forwards every connection to ``target``, with the faults given for each direction.

    It listens at `address` from the moment it is made, on 127.0.0.1 and a free port unless
    ``listen`` says otherwise, until `close`; as a context manager it closes itself. A client whose
    target cannot be reached is reset. Raises OSError if it cannot listen or the target's name does
    not resolve.

    Connection k in direction d draws from a generator of its own, seeded with (seed, k, d): the
    same seed and the same bytes are cut in the same places, whatever the other connections do.
    """

    def __init__(
        self,
        target: tuple[str, int],
        *,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        to_server: Faults = NO_FAULTS,
        to_client: Faults = NO_FAULTS,
        seed: int = 0,
        observer: Observer | None = None,
    ) -> None:
        family, _, _, _, resolved = socket.getaddrinfo(*target, type=socket.SOCK_STREAM)[0]
        self._target = (family, resolved)
        self._faults = {TO_SERVER: to_server, TO_CLIENT: to_client}
        self._seed = seed
        self._observer = observer
        self._stalled: set[str] = set()  # shared with the connections, which only look

        # Guards _listener, _accepted, _connections and _closed.
        self._lock = threading.Lock()
        self._closed = False
        self._accepted = 0
        self._connections: list[Connection] = []
        # Bound but never listening: it keeps the port ours while new connections are refused.
        self._reservation = _bound_socket(listen)
        self.address: tuple[str, int] = self._reservation.getsockname()[:2]
        try:
            self._listener: socket.socket | None = self._listen()
        except OSError:
            self._reservation.close()
            raise

        self._wakeup = Wakeup()
        self._thread = threading.Thread(target=self._accept_loop, name="proxy-accept", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def stall(self, direction: str) -> None:
        """Pause "to_server", "to_client" or "both": what is sent from now on does not arrive until
        `resume`.

        The ends of connections in that direction, orderly or not, wait too. New connections are
        stalled as well.
        """
        self._stalled.update(_directions(direction))

    def resume(self, direction: str) -> None:
        """End a stall."""
        self._stalled.difference_update(_directions(direction))
        with self._lock:
            for connection in self._connections:
                connection.wake()

    def cut(self) -> None:
        """Reset (RST) both sides of every open connection, now. New ones are accepted."""
        with self._lock:
            # For its client a connection is open before we have accepted it.
            self._accept_waiting()
            threads = [connection.thread for connection in self._connections]
            for connection in self._connections:
                connection.cut()
        # An observer is called in the thread of a connection, which cannot wait for itself.
        if threading.current_thread() not in threads:
            for thread in threads:
                thread.join()

    def hold(self) -> None:
        """Refuse new connections (ECONNREFUSED) until `release`.

        Open ones go on: for a pulled cable, `cut` them too.
        """
        with self._lock:
            self._accept_waiting()
            if self._listener:
                # A mere close() takes effect only when the poll that looks at the socket has ended.
                self._listener.shutdown(socket.SHUT_RDWR)
                self._listener.close()
                self._listener = None

    def release(self) -> None:
        """Accept connections again, at the same address."""
        with self._lock:
            if not self._listener and not self._closed:
                self._listener = self._listen()
        self._wakeup.wake()

    def close(self) -> None:
        """Stop listening, reset what is still open, and wait for every thread to end. May be called
        again."""
        self.hold()
        with self._lock:
            self._closed = True
        self._wakeup.wake()
        self._thread.join()
        self.cut()
        self._reservation.close()
        self._wakeup.close()

    def _listen(self) -> socket.socket:
        listener = _bound_socket(self.address)
        try:
            prepare(listener)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener

    def _accept_loop(self) -> None:
        while True:
            with self._lock:
                if self._closed:
                    return
                self._accept_waiting()
                interest = {self._listener: select.POLLIN} if self._listener else {}
            wait_for(interest, self._wakeup)

    def _accept_waiting(self) -> None:
        """Accept everyone who waits. Needs the lock."""
        self._connections = [one for one in self._connections if one.thread.is_alive()]
        while self._listener:
            try:
                client, _ = self._listener.accept()
                connection = Connection(
                    self._accepted,
                    client,
                    self._target,
                    self._faults,
                    self._seed,
                    self._stalled,
                    self._observer,
                )
            except BlockingIOError:
                return
            except OSError:
                # Out of file descriptors: who waits is served when others have gone. Not at once,
                # or we would spin.
                time.sleep(0.05)
                return
            self._accepted += 1
            self._connections.append(connection)
            connection.thread.start()


def _bound_socket(address: tuple[str, int]) -> socket.socket:
    family, kind, protocol, _, resolved = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(resolved)
    except OSError:
        bound.close()
        raise
    return bound


def _directions(direction: str) -> set[str]:
    directions = {TO_SERVER: {TO_SERVER}, TO_CLIENT: {TO_CLIENT}, BOTH: {TO_SERVER, TO_CLIENT}}
    if direction not in directions:
        raise ValueError(f"a direction is {', '.join(directions)}, not {direction}")
    return directions[direction]
