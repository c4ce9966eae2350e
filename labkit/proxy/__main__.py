"""The proxy by hand: python -m labkit.proxy --to 127.0.0.1:5050 --split 1"""

import sys

from labkit import ending
from labkit.proxy import BOTH
from labkit.proxy.options import HOST, OneLineParser, add_options, running, show

PROGRAM = "python -m labkit.proxy"


def report_reset(connection: int, direction: str, event: str, data: bytes) -> None:
    """Say why the proxy itself has reset a connection, a target that is not there above all."""
    if (direction, event) == (BOTH, "reset"):
        print(f"{PROGRAM}: connection {connection} reset: {data.decode()}", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Run until Ctrl-C. Exit status 0; 1 if it cannot listen; 2 for bad arguments."""
    parser = OneLineParser(prog=PROGRAM, description="A TCP proxy that breaks the network on purpose. Ctrl-C ends it.")
    add_options(parser)
    parser.set_defaults(listen=(HOST, 0))
    options = parser.parse_args(arguments)
    if not options.to:
        parser.error("--to says where the server is, like --to 127.0.0.1:5050")
    ending.hold_back()
    with running(parser, options, report_reset) as proxy:
        print(f"[PROXY LISTENING] {show(proxy.address)} -> {show(options.to)}", flush=True)
        ending.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
