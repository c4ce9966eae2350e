"""A server at work: in this process, where a test can shorten its patience, or as a program of its own."""

from __future__ import annotations

import contextlib
import io
import math
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Condition, Thread
from typing import Any, BinaryIO, Self, cast

from reference import flood
from reference.console import Console
from reference.server import Server
from tests.reference.people import DEADLINE

ROOT = Path(__file__).resolve().parents[2]

flood.BURST = math.inf  # most tests say as much as they can
OPEN = "import math, reference.flood; reference.flood.BURST = math.inf"


class Shown:
    """Lines that were shown, by a program or by a server in this process."""

    def __init__(self) -> None:
        self._changed = Condition()  # guards all below
        self.lines: list[str] = []  # the whole ones
        self._begun = ""
        self._over = False

    def add(self, text: str) -> None:
        """More was shown."""
        with self._changed:
            *whole, self._begun = (self._begun + text).split("\n")
            self.lines += whole
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing more will be."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def wait_for(self, wanted: str | Callable[[str], object], count: int = 1) -> str:
        """Wait until so many lines are the wanted one, or please the function; returns the last of them."""

        found: list[str] = []
        looked_at = 0

        def look() -> bool:
            nonlocal looked_at
            for line in self.lines[looked_at:]:
                if wanted(line) if callable(wanted) else line == wanted:
                    found.append(line)
            looked_at = len(self.lines)
            return len(found) >= count or self._over

        with self._changed:
            self._changed.wait_for(look, DEADLINE)
        assert len(found) >= count, f"not shown: {wanted}, but: " + "\n".join(each[:150] for each in self.lines[-30:])
        return found[count - 1]


class _Screen(io.RawIOBase):
    def __init__(self, shown: Shown) -> None:
        super().__init__()
        self._shown = shown

    def write(self, data: Any) -> int:
        self._shown.add(bytes(data).decode())
        return len(data)


class Live:
    """A server running in this process."""

    def __init__(self, server: Server, address: tuple[str, int], shown: Shown, thread: Thread) -> None:
        self.address = address
        self.shown = shown
        self._server = server
        self._thread = thread

    def stop(self) -> None:
        """End it, as Ctrl-C does."""
        self._server.stop()
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), "the server does not end"


@contextlib.contextmanager
def serving(**options: Any) -> Iterator[Live]:
    """A server in this process, on a free port; ended afterwards, if it has not been."""
    shown = Shown()
    console = Console(cast(BinaryIO, _Screen(shown)))
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    server = Server(listener, console, **options)
    live = Live(server, listener.getsockname(), shown, Thread(target=server.run, name="accepting", daemon=True))
    live._thread.start()
    try:
        yield live
    finally:
        live.stop()
        console.close(DEADLINE)


class Program:
    """A program running by itself, whose input and output are pipes: no terminal, so it shows plain lines."""

    def __init__(self, *arguments: str, cwd: Path = ROOT, read_output: bool = True, **options: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            **options,
        )
        self.shown = Shown()
        self._reader = Thread(target=self._read, daemon=True)
        if read_output:
            self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(DEADLINE)
        if self._reader.ident is not None:
            self._reader.join(DEADLINE)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def kill(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal to end, and wait for its exit status."""
        self.kill(number)
        return self.status()

    def status(self) -> int:
        """Wait until it has ended by itself; its exit status."""
        status = self.process.wait(DEADLINE)
        if self._reader.ident is not None:
            self._reader.join(DEADLINE)
        return status

    def memory(self) -> int:
        """Bytes of memory that it has in use."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _read(self) -> None:
        assert self.process.stdout is not None
        decoder = io.TextIOWrapper(cast(BinaryIO, self.process.stdout), encoding="utf-8", errors="replace")
        for line in decoder:
            self.shown.add(line)
        self.shown.end()


class ServerProgram(Program):
    """The server as a program, on a free port unless told otherwise."""

    def __init__(
        self, *arguments: str, port: int = 0, code: str = "", flood_control: bool = False, **options: Any
    ) -> None:
        """``code`` is run in it first."""
        run = f"{'' if flood_control else OPEN}\n{code}\nfrom reference.server import main\nraise SystemExit(main())"
        super().__init__("-c", run, "127.0.0.1", str(port), *arguments, **options)
        if self._reader.ident is not None:
            last = self.shown.wait_for(lambda line: line.startswith("[SERVER LISTENING]"))
            self.address = ("127.0.0.1", port or int(last.rpartition(":")[2]))


class ClientProgram(Program):
    """The client as a program: somebody of this name, whose downloads go to ``folder``/downloads."""

    def __init__(self, address: tuple[str, int], name: str, folder: Path, *arguments: str, **options: Any) -> None:
        self.downloads = folder / "downloads" / name
        super().__init__(
            "-m", "reference.client", address[0], str(address[1]),
            "--yes", "--mode", "terminal", "--name", name, *arguments,
            cwd=folder, **options,
        )  # fmt: skip

    def joined(self) -> Self:
        """Wait until it is in."""
        self.shown.wait_for(lambda line: line.startswith("Total No of Clients"))
        return self
