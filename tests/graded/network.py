"""The networks a story runs on: the plain one and four that are hard on framing; and what passes there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from tests.graded.implementation import HOST

NETWORKS = ("direct", "bytes", "random", "glue", "delay")

Address = tuple[str, int]

# Around a failure: more would push the story itself out of sight.
FRAMES_SHOWN = 16
WIDTH = 118


class Frames:
    """The last frames that passed between clients and the server, as lines."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=FRAMES_SHOWN)

    def lines(self) -> list[str]:
        """The oldest first; none if nobody has listened."""
        return list(self._lines.copy())

    @contextmanager
    def through(self, network: str, server: Address, seed: int) -> Iterator[Address]:
        """Yield the address clients use to reach a server over a network of this name."""
        from labkit.proxy import NO_FAULTS, Faults, Proxy  # late: not needed where nobody listens
        from labkit.wiretap.screen import Screen
        from labkit.wiretap.tap import Tap

        faults = {
            "direct": NO_FAULTS,
            "bytes": Faults(segment=1),
            "random": Faults(segment=(1, 64)),
            "glue": Faults(glue=0.02),
            "delay": Faults(delay=0.03),
        }[network]
        tap = Tap([Screen(self._lines.append, lambda: WIDTH)])
        with Proxy(target=server, to_server=faults, to_client=faults, seed=seed, observer=tap.observe) as proxy:
            yield (HOST, proxy.address[1])
