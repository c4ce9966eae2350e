"""Lines on their way to the screen: brought by any thread, taken by the one that draws."""

from threading import Lock

MAX_WAITING = 1_000_000
"""Characters that wait for a terminal that stands still. More are dropped and counted, so that memory stays bounded."""

Fragments = list[tuple[str, str]]
"""Styled text, as prompt_toolkit has it: pairs of a style and the characters in it."""


class Waiting:
    """A bounded queue of lines. Every method is for any thread, and none waits."""

    def __init__(self) -> None:
        self._lock = Lock()  # guards all below
        self._lines: Fragments = []
        self._size = 0
        self._dropped = 0

    def add(self, line: Fragments) -> None:
        """Keep one line, unless too much waits already."""
        size = sum(len(text) for _, text in line)
        with self._lock:
            if self._size + size > MAX_WAITING:
                self._dropped += 1
                return
            self._lines += [*line, ("", "\n")]
            self._size += size + 1

    def take(self) -> Fragments:
        """All that waits, and how much did not fit."""
        with self._lock:
            taken, self._lines, self._size = self._lines, [], 0
            if self._dropped:
                taken.append(("", f"({self._dropped} lines not shown: the terminal was too slow)\n"))
                self._dropped = 0
        return taken
