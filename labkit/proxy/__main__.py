"""The proxy by hand: python -m labkit.proxy --to 127.0.0.1:5050 --segment 1"""

import argparse
import re
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from labkit.proxy import BOTH, NO_FAULTS, Faults, Proxy

UNITS = {"": 1, "B": 1, "KB": 1000, "MB": 1000**2, "KIB": 1024, "MIB": 1024**2}
PROGRAM = "python -m labkit.proxy"


class OneLineParser(argparse.ArgumentParser):
    """Answers bad arguments with one line on stderr and exit status 2."""

    def error(self, message: str) -> NoReturn:
        """End the program."""
        self.exit(2, f"{PROGRAM}: {message} (--help shows the options)\n")


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    try:
        host.encode("idna")  # as getaddrinfo will; it refuses an empty or endless label
        if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not HOST:PORT") from None
    return host, int(port)


def count(text: str) -> int | tuple[int, int]:
    match = re.fullmatch("([0-9]+)(?:-([0-9]+))?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of bytes, or a range like 1-20")
    return (int(match[1]), int(match[2])) if match[2] else int(match[1])


def seconds(text: str) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s)?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is not a time like 50ms or 1.5s")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


def rate(text: str) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([A-Z]*)", text.upper())
    if not match or match[2] not in UNITS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a rate like 64KB or 1MiB (a second)")
    return float(match[1]) * UNITS[match[2]]


def make_parser() -> OneLineParser:
    parser = OneLineParser(prog=PROGRAM, description="A TCP proxy that breaks the network on purpose. Ctrl-C ends it.")
    options: list[tuple[str, Callable[[str], object], str, str]] = [
        (
            "--listen",
            address,
            "HOST:PORT",
            "where clients connect to (else a free port of 127.0.0.1)",
        ),
        ("--to", address, "HOST:PORT", "the server (required)"),
        ("--segment", count, "N|LOW-HIGH", "cut into segments of so many bytes"),
        ("--glue", seconds, "TIME", "send as one what comes within this time, like 50ms"),
        ("--delay", seconds, "TIME", "everything takes so much longer, like 50ms"),
        ("--rate", rate, "SIZE", "pass at most so many bytes a second, like 64KB"),
        ("--reset-after", count, "N|LOW-HIGH", "reset the connection after so many bytes"),
        ("--seed", int, "N", "the same seed cuts in the same places"),
    ]
    for flag, kind, metavar, meaning in options:
        parser.add_argument(flag, type=kind, metavar=metavar, help=meaning, required=flag == "--to")
    parser.add_argument(
        "--direction",
        choices=["both", "to-server", "to-client"],
        default="both",
        help="where all this happens",
    )
    parser.set_defaults(listen=("127.0.0.1", 0), glue=0.0, delay=0.0, seed=0)
    return parser


def report_reset(connection: int, direction: str, event: str, data: bytes) -> None:
    """Say why the proxy itself has reset a connection, a target that is not there above all."""
    if (direction, event) == (BOTH, "reset"):
        print(f"{PROGRAM}: connection {connection} reset: {data.decode()}", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Run until Ctrl-C. Exit status 0; 1 if it cannot listen; 2 for bad arguments."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        faults = Faults(
            segment=options.segment,
            glue=options.glue,
            delay=options.delay,
            rate=options.rate,
            reset_after=options.reset_after,
        )
    except ValueError as error:
        parser.error(str(error))
    try:
        proxy = Proxy(
            options.to,
            listen=options.listen,
            to_server=NO_FAULTS if options.direction == "to-client" else faults,
            to_client=NO_FAULTS if options.direction == "to-server" else faults,
            seed=options.seed,
            observer=report_reset,
        )
    except OSError as error:
        way = f"{show(options.listen)} to {show(options.to)}"
        print(f"{PROGRAM}: cannot forward {way}: {error.strerror}", file=sys.stderr)
        return 1
    try:
        with proxy:
            print(f"[PROXY LISTENING] {show(proxy.address)} -> {show(options.to)}", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    return 0


def show(place: tuple[str, int]) -> str:
    return f"{place[0]}:{place[1]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
