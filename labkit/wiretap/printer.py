"""Prints lines without ever holding up a connection: Ctrl-S in the tap's terminal must not stop the chat."""

import queue
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

MAX_LINES = 20_000
"""Lines that wait for the terminal, some 2 MB. More are dropped and counted: --save has them all."""


class Printer:
    """A queue of lines and the thread that prints them. ``gone`` is called when nobody looks any more (head, less)."""

    def __init__(self, gone: Callable[[], None], output: BinaryIO | None = None) -> None:
        self._gone = gone
        # The raw file: a thread stuck in Python's buffer holds a lock that the interpreter's end needs.
        self._output = output if output is not None else getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_LINES)
        self._dropped = 0  # changed by whoever shows, one at a time (the tap's lock)
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
        self._thread.start()

    def show(self, line: str) -> None:
        """Print a line some time soon."""
        try:
            if self._dropped:
                self._lines.put_nowait(f"({self._dropped} lines not shown: the terminal was too slow)")
                self._dropped = 0
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def close(self, seconds: float) -> None:
        """Print what waits, but give a terminal that stands still no more than so many seconds."""
        try:
            self._lines.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            last = False
            while not last:
                lines = [self._lines.get()]
                for _ in range(self._lines.qsize()):  # not until it is empty: a busy tap may never let it be
                    lines.append(self._lines.get())
                last = None in lines
                self._write("".join(f"{line}\n" for line in lines if line is not None).encode(errors="replace"))
        except (OSError, ValueError):
            self._gone()
            while self._lines.get() is not None:
                pass

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._output.write(rest) or 0 :]
