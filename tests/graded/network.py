"""The networks a story runs on: the plain one and four that are hard on framing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.graded.implementation import HOST

NETWORKS = ("direct", "bytes", "random", "glue", "delay")

Address = tuple[str, int]


@contextmanager
def through(network: str, server: Address, seed: int) -> Iterator[Address]:
    """Yield the address clients use to reach a server over a network of this name."""
    if network == "direct":
        yield server
        return
    from labkit.proxy import Faults, Proxy  # late: not needed on the plain network

    faults = {
        "bytes": Faults(segment=1),
        "random": Faults(segment=(1, 64)),
        "glue": Faults(glue=0.02),
        "delay": Faults(delay=0.03),
    }[network]
    with Proxy(target=server, to_server=faults, to_client=faults, seed=seed) as proxy:
        yield (HOST, proxy.address[1])
