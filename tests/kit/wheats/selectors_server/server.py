# mypy: ignore-errors
"""A server in a single thread: selectors tells which socket can be read or written now."""

import selectors
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import chat

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Peer:
    """One socket that never blocks, and what waits to be written to it."""

    def __init__(self, sock, selector):
        self.sock, self.selector = sock, selector
        self.waiting, self.decoder, self.ending = bytearray(), chat.Decoder(), False
        self.member = chat.Member(self.send)

    def send(self, data):
        """Write it as soon as the socket takes it."""
        self.waiting += data
        self.flush()

    def flush(self):
        """Write what can be written now, and wait for the rest."""
        try:
            if self.waiting:
                del self.waiting[: self.sock.send(self.waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self.waiting.clear()
        if self.sock.fileno() >= 0:
            self.selector.modify(self.sock, READ | WRITE if self.waiting else READ, self)


def serve(listener):
    """Go round for ever."""
    selector, room = selectors.DefaultSelector(), chat.Room()
    listener.setblocking(False)
    selector.register(listener, READ, None)
    while True:
        for key, events in selector.select():
            if key.data is None:
                accept(listener, selector)
            elif events & WRITE:
                key.data.flush()
            elif not read(key.data, room):
                room.gone(key.data.member)
                selector.unregister(key.data.sock)
                key.data.sock.close()


def accept(listener, selector):
    """Somebody connects."""
    try:
        sock, _ = listener.accept()
    except OSError:
        return
    sock.setblocking(False)
    peer = Peer(sock, selector)
    selector.register(sock, READ, peer)


def read(peer, room):
    """Take what has come; False at the end."""
    try:
        data = peer.sock.recv(65536)
        for kind, fields in peer.decoder.feed(data):
            room.received(peer.member, kind, fields)
        return bool(data)
    except BlockingIOError:
        return True
    except OSError:
        return False
    except chat.Broken as error:
        peer.send(chat.refusal(error))
        return False


def main():
    """Run the server; returns the exit status."""
    ip, port = chat.address("server.py")
    try:
        listener = socket.create_server((ip, port), backlog=100)
    except OSError as error:
        return chat.cannot_listen(ip, port, error)
    chat.welcome_lines(ip)
    try:
        serve(listener)
    except KeyboardInterrupt:
        chat.show("[SERVER TERMINATED]")
    return 0


sys.exit(main())
