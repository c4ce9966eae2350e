"""Makes a Python program's races certain: Python runs this first when its folder is on PYTHONPATH.

Everything here is allowed to happen anyway, only seldom: threads change places at any moment, `send` takes a part of
what it is given (send(2)), and `recv` returns a part of what is on its way (recv(2)).
"""

import _socket
import os
import socket
import sys
from typing import Any

AT_MOST = int(os.environ.get("ROUGH_BYTES", "3"))

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
