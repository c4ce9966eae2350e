"""How far a file is, in one row below what is typed."""

import time
from collections import deque
from collections.abc import Callable

RATE_SECONDS = 5.0
"""The rate is that of so many last seconds: long enough to be calm, short enough to be true."""

BAR_COLUMNS = 20
"""Columns of the bar itself."""

NARROW = 70
"""A terminal of fewer columns gets no bar: the numbers say the same."""


class Progress:
    """One file on its way, in either direction."""

    def __init__(self, name: str, size: int, sending: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """``name`` is harmless text; ``size`` is in bytes."""
        self._name = name
        self._size = size
        self._verb = "Sending" if sending else "Receiving"
        self._clock = clock
        self._samples = deque([(clock(), 0)])  # when, and how many bytes were there

    def at(self, done: int) -> None:
        """So many bytes are there now."""
        self._samples.append((self._clock(), done))
        while len(self._samples) > 2 and self._samples[1][0] < self._clock() - RATE_SECONDS:
            self._samples.popleft()

    def row(self, columns: int) -> str:
        """What to show; the name comes last, where a narrow terminal may cut it."""
        done = self._samples[-1][1]
        part = done / self._size if self._size else 1.0
        filled = int(part * BAR_COLUMNS)
        bar = f"[{'#' * filled}{'-' * (BAR_COLUMNS - filled)}] " if columns >= NARROW else ""
        return f"{self._verb} {part:4.0%} {bar}of {_readable(self._size)}, {_readable(self._rate())}/s {self._name}"

    def _rate(self) -> float:
        since, before = self._samples[0]
        seconds = self._clock() - since
        return (self._samples[-1][1] - before) / seconds if seconds > 0 else 0.0


def _readable(size: float) -> str:
    """A number of bytes in three or four digits."""
    for unit in ("B", "KB", "MB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.95 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
