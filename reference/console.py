"""The server's own terminal. It is a slow reader too: Ctrl-S in it, or a full pipe, must not stop the chat."""

import sys
import time
from collections.abc import Iterable
from threading import Condition, Thread
from typing import BinaryIO

from reference.printable import lines

MAX_WAITING = 4 * 1024 * 1024
"""Characters that wait for the terminal. More are dropped and counted: what the server shows is a view, no record."""


class Console:
    """Prints lines from a thread of its own. Every method may be called by any thread, and none waits but close()."""

    def __init__(self, output: BinaryIO | None = None) -> None:
        # The raw file, without Python's buffer: a thread stuck in that holds a lock that the interpreter's end needs.
        self._output = output if output is not None else getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
        # Guards all below, and tells the thread (lines came) and close() (lines went) of changes.
        self._changed = Condition()
        self._waiting: list[str] = []
        self._size = 0  # characters in them
        self._dropped = 0  # lines
        self._closing = False
        self._thread = Thread(target=self._run, name="console", daemon=True)
        self._thread.start()

    def show(self, texts: Iterable[str]) -> None:
        """Print these; what comes from a client is made harmless first."""
        shown = [line for text in texts for line in lines(text)]
        if not shown:
            return
        with self._changed:
            if self._size > MAX_WAITING:
                self._dropped += len(shown)
                return
            self._waiting += shown
            self._size += sum(map(len, shown))
            self._changed.notify()

    def close(self, seconds: float) -> None:
        """Print what waits, but give a terminal that stands still no more than so many seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                shown, self._waiting, self._size = self._waiting, [], 0
                if self._dropped:
                    shown.append(f"({self._dropped} lines not shown: the terminal was too slow)")
                    self._dropped = 0
            try:
                self._write("\n".join([*shown, ""]).encode())
            except (OSError, ValueError):
                pass  # nobody looks any more: the chat goes on

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            written = self._output.write(rest)
            if written is None:  # full, and somebody has made it non-blocking
                time.sleep(0.05)
            rest = rest[written or 0 :]
