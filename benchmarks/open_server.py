"""The reference server without limits on connections: ``python -m benchmarks.open_server 127.0.0.1 5050``."""

from functools import partial

from reference import server

MOST = 20_000

if __name__ == "__main__":
    server.MAX_CONNECTIONS = MOST  # then what the system's limit on descriptors allows, and no less
    server.Server = partial(server.Server, max_per_address=MOST)  # type: ignore[misc,assignment]
    raise SystemExit(server.main())
