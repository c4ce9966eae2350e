"""Makes a Python program's races certain: Python runs this first when its folder is on PYTHONPATH.

Everything here is allowed to happen anyway, only seldom: threads change places at any moment, `send` takes a part of
what it is given (send(2)), `recv` returns a part of what is on its way (recv(2)), who wants a lock has to wait, others
come by between `seek` and `read`, and a file that nobody closes is closed at some time, not at once (gc).
"""

import _socket
import _thread
import builtins
import io
import os
import socket
import sys
import threading
import time
from typing import Any

AT_MOST = int(os.environ.get("ROUGH_BYTES", "3"))
LOCK_SECONDS = float(os.environ.get("ROUGH_LOCK", "0.001"))

sys.setswitchinterval(1e-6)


def _send(self: socket.socket, data: Any, flags: int = 0) -> int:
    return _socket.socket.send(self, memoryview(data).cast("B")[:AT_MOST], flags)


def _sendall(self: socket.socket, data: Any, flags: int = 0) -> None:
    rest = memoryview(data).cast("B")
    while rest:
        rest = rest[self.send(rest, flags) :]


def _recv(self: socket.socket, size: int, flags: int = 0) -> bytes:
    return _socket.socket.recv(self, min(size, AT_MOST), flags)


def _recv_into(self: socket.socket, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
    size = nbytes or memoryview(buffer).nbytes
    return _socket.socket.recv_into(self, buffer, min(size, AT_MOST), flags)


for _name, _method in {"send": _send, "sendall": _sendall, "recv": _recv, "recv_into": _recv_into}.items():
    setattr(socket.socket, _name, _method)


class _Lock:
    """A lock for which one always has to wait, and others come by meanwhile."""

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        # Starting a thread takes locks as well: those of the library are not what a program gets wrong.
        ours = sys._getframe(1).f_globals.get("__name__") != "threading"
        self._seconds = LOCK_SECONDS if ours else 0.001
        self.release = self._lock.release
        self.locked = self._lock.locked

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if blocking:
            time.sleep(self._seconds)
        return self._lock.acquire(blocking, timeout)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self._lock = _thread.allocate_lock()


threading.Lock = _Lock  # type: ignore[assignment]


class _Rough(io.BufferedIOBase):
    def seek(self, offset: int, whence: int = 0) -> int:
        position = super().seek(offset, whence)
        time.sleep(0.001)
        return position

    def __del__(self) -> None:
        if not self.closed:
            time.sleep(2)
        super().__del__()


class _Reader(_Rough, io.BufferedReader):
    pass


class _Writer(_Rough, io.BufferedWriter):
    pass


class _Random(_Rough, io.BufferedRandom):
    pass


_KINDS = {io.BufferedReader: _Reader, io.BufferedWriter: _Writer, io.BufferedRandom: _Random}
_open = io.open


def _open_roughly(*arguments: Any, **named: Any) -> Any:
    file = _open(*arguments, **named)
    kind: Any = _KINDS.get(type(file))
    return kind(file.detach()) if kind else file


io.open = builtins.open = _open_roughly
