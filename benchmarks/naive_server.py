"""The chat server that everyone writes first, as a yardstick: ``python -m benchmarks.naive_server 127.0.0.1 5050``.

A thread for each client reads it, and sends what it said to all the others, one after the other. The same wire as the
reference's, without files. One reader that stands still stops the room.
"""

import json
import socket
import struct
import sys
from threading import Lock, Thread
from typing import Any, BinaryIO

MAX_FRAME = 32 * 1024


class Client:
    """Someone in the room. The lock keeps two threads from tearing each other's frames."""

    def __init__(self, name: str, sock: socket.socket) -> None:
        self.name = name
        self.sock = sock
        self.lock = Lock()

    def send(self, frame: bytes) -> None:
        """Send it all, however long that takes; who is gone is noticed by its own thread."""
        try:
            with self.lock:
                self.sock.sendall(frame)
        except OSError:
            pass


clients: list[Client] = []
clients_lock = Lock()


def encode(letter: str, **fields: Any) -> bytes:
    """One frame."""
    body = json.dumps(fields).encode()
    return struct.pack(">IB", 1 + len(body), ord(letter)) + body


def read_frame(file: BinaryIO) -> tuple[str, dict[str, Any]]:
    """One frame's letter and fields. Raises struct.error at the end, ValueError for what is no frame."""
    length, letter = struct.unpack(">IB", file.read(5))
    if not 1 <= length <= MAX_FRAME:
        raise ValueError("not a frame")
    return chr(letter), json.loads(file.read(length - 1))


def serve(sock: socket.socket) -> None:
    """Talk with one client until it goes."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client = None
    try:
        with sock, sock.makefile("rb") as file:
            client = Client(read_frame(file)[1]["name"], sock)
            with clients_lock:
                client.send(encode("W", features=[]))
                clients.append(client)
            while True:
                letter, fields = read_frame(file)
                if letter == "T":
                    frame = encode("T", **{"from": client.name, "text": fields["text"]})
                    with clients_lock:
                        others = [other for other in clients if other is not client]
                    for other in others:
                        other.send(frame)
    except (OSError, struct.error, ValueError, KeyError):
        with clients_lock:
            if client in clients:
                clients.remove(client)


if __name__ == "__main__":
    with socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=1024) as listener:
        while True:
            Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()
