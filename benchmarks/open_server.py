"""The reference server without flood control and limits on connections: ``python -m benchmarks.open_server``."""

import math
from functools import partial

from reference import flood, server

MOST = 20_000

if __name__ == "__main__":
    flood.BURST = math.inf
    server.MAX_CONNECTIONS = MOST  # then what the system's limit on descriptors allows, and no less
    server.Server = partial(server.Server, max_per_address=MOST)  # type: ignore[misc,assignment]
    raise SystemExit(server.main())
