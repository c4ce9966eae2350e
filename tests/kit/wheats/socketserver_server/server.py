# mypy: ignore-errors
"""A server on socketserver: a thread reads from each client, another writes to it."""

import queue
import socketserver
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import chat

room = chat.Room()
room_lock = threading.Lock()


class Handler(socketserver.BaseRequestHandler):
    """One client."""

    def setup(self):
        """Start the thread that writes."""
        self.outgoing = queue.SimpleQueue()
        self.member = chat.Member(self.outgoing.put)
        self.writer = threading.Thread(target=self.write, daemon=True)
        self.writer.start()

    def write(self):
        """Send what is put into the queue, up to None."""
        try:
            while data := self.outgoing.get():
                self.request.sendall(data)
        except OSError:
            pass

    def handle(self):
        """Read until the client goes."""
        decoder = chat.Decoder()
        try:
            while data := self.request.recv(4096):
                for kind, fields in decoder.feed(data):
                    with room_lock:
                        room.received(self.member, kind, fields)
        except OSError:
            pass
        except chat.Broken as error:
            self.outgoing.put(chat.refusal(error))

    def finish(self):
        """Forget the client."""
        with room_lock:
            room.gone(self.member)
        self.outgoing.put(None)
        self.writer.join(5)


class Server(socketserver.ThreadingTCPServer):
    """A thread per client."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100


def main():
    """Run the server; returns the exit status."""
    ip, port = chat.address("server.py")
    try:
        server = Server((ip, port), Handler)
    except OSError as error:
        return chat.cannot_listen(ip, port, error)
    chat.welcome_lines(ip)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        chat.show("[SERVER TERMINATED]")
    return 0


sys.exit(main())
