"""A connected TCP socket with the two calls the chat needs: a read that waits, and a write that never does.

The only file that knows how platforms differ here.
"""

import contextlib
import select
import socket
import time
from threading import Lock

# One buffer for all connections: no read waits, so nobody keeps it from the others for long. A buffer for each read
# would come from the heap of the thread that reads; with a hundred, memory crept upwards for minutes (`make soak`).
_buffer = memoryview(bytearray(256 * 1024))
_buffer_lock = Lock()  # guards it; nothing else is taken while it is held

_DISCARD = 4 * 1024  # bytes at a time of what nobody reads any more; it waits, so it has a buffer of its own

# For the other side that knows no ping: gone for a minute is gone. The system's own two hours (RFC 1122 4.2.3.6) would
# keep a name taken for as long. In seconds, seconds, number of probes; and in milliseconds, for what was sent and is
# not confirmed (RFC 5482), because then no probes are sent. Where the platform lets us choose.
_WANTED = {"TCP_KEEPIDLE": 25, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 55_000}
_KEEPALIVE = [(getattr(socket, name), value) for name, value in _WANTED.items() if hasattr(socket, name)]


class Stream:
    """One connection. One thread may read while another writes; two writers must take turns (see outbox.py)."""

    def __init__(self, sock: socket.socket, patience: float) -> None:
        """``patience`` is how many seconds ``receive`` waits before it returns None."""
        # Guards the descriptor against close(): a number given back may be somebody else's connection a moment later.
        # Nothing else is taken while it is held. (The reader needs no lock: it is the one that closes.)
        self._lock = Lock()
        self._sock = sock
        self._patience = patience
        # A chat line is small and wants to leave at once: no waiting for more to fill a segment (RFC 896, Nagle).
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
        sock.setblocking(False)  # not settimeout(): a send would wait as well
        if _HAS_POLL:
            self._poll = select.poll()
            self._poll.register(sock, select.POLLIN)

    def fileno(self) -> int:
        """For selectors."""
        return self._sock.fileno()

    def receive(self) -> bytes | None:
        """What has arrived; b"" when the other side has ended; None when nothing came for ``patience`` seconds.

        Raises OSError when the connection is broken.
        """
        try:
            if not self._arrives():
                return None
            with _buffer_lock:
                return bytes(_buffer[: self._sock.recv_into(_buffer)])
        except BlockingIOError:
            return None

    def send_now(self, data: bytes | memoryview) -> int:
        """Write what the kernel takes at once, and return how many bytes that were.

        Raises BlockingIOError when it takes none, and OSError when the connection is broken.
        """
        with self._lock:
            return self._sock.send(data)

    def end(self) -> None:
        """End both directions. A thread that waits in ``receive`` wakes with b"": close() alone would not wake it."""
        self._shutdown(socket.SHUT_RDWR)

    def end_sending(self) -> None:
        """End our direction: the other side reads b"" after all that was sent, and can still answer."""
        self._shutdown(socket.SHUT_WR)

    def end_politely(self, seconds: float) -> None:
        """End our direction and wait for the other side's end, but not for ever.

        Closing with unread bytes sends a reset, and a reset may destroy what we sent last: the reason why (RFC 1122
        section 4.2.2.13; RFC 9112 section 9.6 tells web servers the same). To be followed by ``close``.
        """
        self.end_sending()
        deadline = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            while (left := deadline - time.monotonic()) > 0:
                self._sock.settimeout(left)
                if not self._sock.recv(_DISCARD):
                    return

    def close(self) -> None:
        """Give the descriptor back. Only for the thread that reads, or nobody knows when it is read no more."""
        with self._lock:
            self._sock.close()

    def _arrives(self) -> bool:
        """Wait until there is something to receive, or the end. False after ``patience`` seconds."""
        if _HAS_POLL:
            return bool(self._poll.poll(self._patience * 1000))
        return bool(select.select([self._sock], [], [], self._patience)[0])

    def _shutdown(self, how: int) -> None:
        with self._lock, contextlib.suppress(OSError):  # the other side may be faster
            self._sock.shutdown(how)


_HAS_POLL = hasattr(select, "poll")  # not on Windows; and select() elsewhere takes no descriptor from 1,024 on
