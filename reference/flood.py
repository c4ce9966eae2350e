"""Flood control, as IRC servers have it ("fakelag"): who says much at once is read more slowly, and nothing is lost."""

import time
from collections.abc import Callable

BURST = 200.0
"""Lines that may come at once: a pasted page or two."""

RATE = 50.0
"""Lines a second after that: faster than anybody reads, slower than a program writes."""

MAX_COST = 50.0
"""Lines that one text counts for at most: so nobody waits more than a second for one text."""


class FloodControl:
    """A token bucket for what one client has others see: texts, and offers of files.

    Other frames pass it by: the bytes of files have their own way to wait (pull.py).
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._left = BURST
        self._at = clock()

    def admit(self, text: str) -> None:
        """Come back when this may be passed on.

        Whoever reads the client calls this, so meanwhile nobody does: TCP then slows the flooder down, and nobody else.
        """
        now = self._clock()
        self._left = min(BURST, self._left + (now - self._at) * RATE)
        self._at = now
        self._left -= min(1 + text.count("\n"), MAX_COST)
        if self._left < 0:
            self._sleep(-self._left / RATE)
