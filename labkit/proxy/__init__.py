"""A TCP proxy that breaks the network on purpose.

Loopback is too kind: what one side sends in one call mostly arrives in one ``recv`` on the other,
at once, always. A real network cuts, glues, delays, stalls and resets, and that is where framing
bugs live. This proxy stands between client and server and does all of it on request, repeatably by
a seed, and never changes, reorders or loses a byte unless it was told to cut the connection.

    with Proxy(target=("127.0.0.1", 5050), to_server=Faults(segment=1), seed=7) as proxy:
        client = socket.create_connection(proxy.address)

``faults.py`` says what can go wrong, ``segments.py`` where a stream is cut, ``lane.py`` carries one
direction of one connection, ``proxy.py`` accepts and owns the connections; ``python -m
labkit.proxy`` is for use by hand.
"""

from labkit.proxy.connection import Observer
from labkit.proxy.faults import BOTH, NO_FAULTS, TO_CLIENT, TO_SERVER, Faults
from labkit.proxy.proxy import Proxy

__all__ = ["BOTH", "NO_FAULTS", "TO_CLIENT", "TO_SERVER", "Faults", "Observer", "Proxy"]
