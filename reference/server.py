"""The chat server: ``python3 -m reference.server 127.0.0.1 5050``.

One thread accepts; each client has a thread of its own that reads it (session.py), started when it connects and ended
when it goes; one thread serves slow readers (outbox.py) and one the terminal (console.py).
"""

import signal

if __name__ == "__main__":  # a Ctrl-C while the rest is imported ends it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import contextlib
import os
import random
import selectors
import socket
import sys
import time
from collections import Counter
from threading import Lock, Thread

from reference import arguments
from reference.console import Console
from reference.outbox import Outbox, Writer
from reference.protocol import BYE, FEATURES, FILES, Bye, Refused, encode
from reference.room import EARLIER, HOLD_SECONDS, Entry, Room
from reference.session import PATIENCE, Session
from reference.spool import MAX_FILE, MAX_FILES, MAX_SPOOL, Spool
from reference.store import Store
from reference.streams import Stream

MAX_CONNECTIONS = 5_000
"""Connections in all: each is a thread, some 40 KB. Beyond, a newcomer is refused and nobody else notices."""

MAX_PER_ADDRESS = 600
"""Connections from one address: a whole course behind one router fits, an attack from one machine leaves room."""

FLUSH_SECONDS = 3.0
"""How long the end waits for those who still read."""

SWITCH_SECONDS = 0.05
"""How long a thread that wants the interpreter waits before it asks for it. Ours give it back at every send and
receive; at Python's 5 ms a hundred that wait spend more time asking than working."""

_OWN_DESCRIPTORS = 20  # a dozen that the server has open itself, and some to refuse with
_BACKLOG = 1024  # connections that the system keeps while we are busy accepting; it cuts this to its own limit


class Server:
    """The accepting side: lets connections in, and ends all of them."""

    def __init__(
        self,
        listener: socket.socket,
        console: Console,
        *,
        files: bool = True,
        spool_folder: str | None = None,
        max_file: int = MAX_FILE,
        max_spool: int = MAX_SPOOL,
        max_files: int = MAX_FILES,
        max_connections: int = MAX_CONNECTIONS,
        max_per_address: int = MAX_PER_ADDRESS,
        patience: float = PATIENCE,
        hold: float = HOLD_SECONDS,
        earlier: int = EARLIER,
    ) -> None:
        """``listener`` is bound and listening; ``patience`` is in seconds, see session.py."""
        self._listener = listener
        self._console = console
        self._features = tuple(each for each in FEATURES if files or each != FILES)
        self._max_connections = max_connections
        self._max_per_address = max_per_address
        self._patience = patience
        self._writer = Writer()
        self._room = Room(console.show, lambda: self._writer.call(self._room.flush), hold, earlier)
        self._spool = Spool(self._room, spool_folder, max_file, max_spool, max_files)
        # Guards the two below.
        self._lock = Lock()
        self._sessions: dict[Session, Thread] = {}
        self._per_address: Counter[str] = Counter()
        self._last_error: str | None = ""  # why nobody could be accepted: said once, until somebody was
        # A signal handler may do next to nothing; it can always write a byte (the self-pipe trick, D. J. Bernstein).
        self._stopped, self._stop = socket.socketpair()
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Accept until ``stop`` is called, then tell every client, flush, and end every thread."""
        self._writer.start()
        self._listener.setblocking(False)
        with self._selector as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._stopped, selectors.EVENT_READ)
            looked_at = time.monotonic()
            # Once a second, for those whose places are held; and because Windows does not interrupt a wait for Ctrl-C.
            while not any(key.fileobj is self._stopped for key, _ in selector.select(timeout=1.0)):
                self._accept(selector)
                if time.monotonic() - looked_at >= 1.0:
                    looked_at = time.monotonic()
                    for member in self._room.expire():
                        self._spool.gone(member)
        self._end()

    def stop(self) -> None:
        """Have ``run`` end. For any thread, and for signal handlers."""
        with contextlib.suppress(OSError):
            self._stop.send(b"!")

    def _accept(self, selector: selectors.BaseSelector) -> None:
        try:
            sock, peer = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:  # it gave up meanwhile; or no descriptors are left, and only time can help
            if error.strerror != self._last_error:
                self._console.show([f"cannot accept a connection: {error.strerror}"])
            self._last_error = error.strerror
            selector.unregister(self._listener)
            selector.select(timeout=0.2)
            selector.register(self._listener, selectors.EVENT_READ)
            return
        self._last_error = ""
        address = str(peer[0])
        try:
            stream = Stream(sock, self._patience)
        except OSError:
            sock.close()
            return
        outbox = Outbox(stream, self._writer)
        session = Session(stream, address, outbox, self._room, self._spool, self._features)
        thread = Thread(target=self._serve, args=[session], name=f"client {address}:{peer[1]}", daemon=True)
        with self._lock:
            refusal = self._refusal(address)
            if not refusal:
                self._sessions[session] = thread
                self._per_address[address] += 1
        if not refusal:
            try:
                thread.start()
            except RuntimeError:  # the system has no thread left for us
                self._forget(session)
                refusal = "the server is full: try again later"
        if refusal:
            outbox.send(encode(Refused("full", refusal)))
            outbox.close()
            stream.end()
            stream.close()

    def _refusal(self, address: str) -> str:
        """Why there is no place for one more from this address, or "". Requires _lock."""
        if len(self._sessions) >= self._max_connections:
            return "the server is full: try again later"
        if self._per_address[address] >= self._max_per_address:
            return f"too many connections from {address}: close some, or try again later"
        return ""

    def _serve(self, session: Session) -> None:
        """What a client's thread runs."""
        try:
            session.run()
        finally:
            self._forget(session)

    def _forget(self, session: Session) -> None:
        with self._lock:
            del self._sessions[session]
            self._per_address[session.address] -= 1
            if not self._per_address[session.address]:
                del self._per_address[session.address]

    def _end(self) -> None:
        self._listener.close()
        with self._lock:
            sessions = dict(self._sessions)
        for session in sessions:
            session.dismiss()
        self._room.add(Entry(None, encode(Bye()), BYE))
        self._room.settle()
        self._writer.stop(FLUSH_SECONDS)
        for session in sessions:
            session.end()
        give_up = time.monotonic() + FLUSH_SECONDS
        for thread in sessions.values():
            thread.join(max(0.0, give_up - time.monotonic()))
        self._spool.close()
        self._stopped.close()
        self._stop.close()


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    arguments.open_missing_streams()
    options = _parse(argv)
    try:
        Store(options.spool).close()
    except OSError as error:
        print(f"cannot keep files in {options.spool or 'the temporary folder'}: {error.strerror}", file=sys.stderr)
        return 1
    try:
        listener = _listen(options.ip, options.port)
    except (OSError, UnicodeError) as error:
        # create_server adds words of its own to the system's; a name that does not resolve has a number below zero.
        number = getattr(error, "errno", None) or -1
        reason = os.strerror(number) if number > 0 else getattr(error, "strerror", None) or error
        print(f"cannot listen on {options.ip} port {options.port}: {reason}", file=sys.stderr)
        return 1
    _prefer_one_core()
    console = Console()
    max_connections = _connections_that_fit()
    try:
        server = Server(
            listener,
            console,
            files=not options.no_files,
            spool_folder=options.spool,
            max_file=options.max_file,
            max_spool=options.max_spool,
            max_files=min(MAX_FILES, max_connections // 4),  # the fifth of the descriptors that is kept
            max_connections=max_connections,
            hold=options.hold,
            earlier=options.history,
        )
    except OSError as error:  # hardly any descriptors (ulimit -n)
        print(f"cannot start: {error.strerror}", file=sys.stderr)
        return 1
    endings = [signal.SIGINT, *arguments.endings()]

    def end(*_: object) -> None:
        for number in endings:  # once is enough; and Python, when it ends, would put the default back, which kills
            signal.signal(number, signal.SIG_IGN)
        server.stop()

    for number in endings:
        signal.signal(number, end)
    host, port = listener.getsockname()[:2]
    console.show(
        [
            options.ip,
            "[ACTIVATING SERVER]",
            "For Server Termination, use the Keyboard Interrupt (Ctrl-C)",
            "[SERVER LISTENING]" if options.port else f"[SERVER LISTENING] {host}:{port}",
        ]
    )
    server.run()
    console.show(["[SERVER TERMINATED]"])
    console.close(FLUSH_SECONDS)
    return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = arguments.Parser(prog="server", description="The chat server.")
    parser.add_argument("ip", help="the address to listen on; 0.0.0.0 for every network of this machine")
    parser.add_argument("port", type=arguments.port, help="the port; 0 for a free one")
    parser.add_argument("--no-files", action="store_true", help="take no files")
    parser.add_argument("--spool", metavar="FOLDER", help="keep files in this folder while they are shared")
    parser.add_argument("--max-file", type=arguments.size, default=MAX_FILE, metavar="SIZE", help="largest file (2GB)")
    parser.add_argument(
        "--max-spool", type=arguments.size, default=MAX_SPOOL, metavar="SIZE", help="all files together (8GB)"
    )
    parser.add_argument(
        "--hold",
        type=arguments.count,
        default=HOLD_SECONDS,
        metavar="SECONDS",
        help="how long the place of a broken connection is held (15)",
    )
    parser.add_argument(
        "--history", type=arguments.count, default=EARLIER, metavar="N", help="texts that a newcomer is shown (20)"
    )
    return parser.parse_args(argv)


def _listen(ip: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(ip, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    # create_server sets SO_REUSEADDR where that means "restart at once", and not on Windows, where it means "share".
    return socket.create_server(address[:2], family=family, backlog=_BACKLOG)


def _prefer_one_core() -> None:
    """Threads of one interpreter take turns; on several cores each turn costs an interrupt from one to the other.

    (D. Beazley, "Understanding the Python GIL", 2010.) Measured on two cores: a change of threads takes 5 us on one and
    29 us across, and a room of a hundred is twice as fast.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    if hasattr(os, "sched_setaffinity"):  # Linux
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, [random.choice(sorted(os.sched_getaffinity(0)))])


def _connections_that_fit() -> int:
    """Each client is a descriptor: without one nobody could even be refused, so some are kept, and a fifth for files.

    The usual soft limit is 1,024, and a process may raise it to the hard one.
    """
    try:
        import resource  # not on Windows, which has no such limit
    except ImportError:
        return MAX_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS * 5 // 4
    limit = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        soft = limit
    return max(1, min(MAX_CONNECTIONS, (soft - _OWN_DESCRIPTORS) * 4 // 5))


if __name__ == "__main__":
    raise SystemExit(main())
