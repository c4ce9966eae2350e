"""The proxy's command line, for every program that is a proxy: `python -m labkit.proxy`, `python -m labkit wiretap`."""

import argparse
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from labkit.proxy.connection import Observer
from labkit.proxy.faults import BOTH, NO_FAULTS, Faults
from labkit.proxy.proxy import Proxy

UNITS = {"": 1, "B": 1, "KB": 1000, "MB": 1000**2, "KIB": 1024, "MIB": 1024**2}
HOST = "127.0.0.1"


class OneLineParser(argparse.ArgumentParser):
    """Answers bad arguments with one line on stderr and exit status 2."""

    def error(self, message: str) -> NoReturn:
        """End the program."""
        self.exit(2, f"{self.prog}: {message} (--help shows the options)\n")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add where to listen, where to connect to, and all that can go wrong in between."""
    parser.add_argument("--listen", type=address, metavar="[HOST:]PORT", help="where clients connect to")
    parser.add_argument("--to", type=address, metavar="[HOST:]PORT", help="the server")
    network = parser.add_argument_group("the network between them")
    for flags, kind, metavar, meaning in _FAULTS:
        network.add_argument(*flags, type=kind, metavar=metavar, help=meaning)
    network.add_argument(
        "--direction", choices=["both", "to-server", "to-client"], default="both", help="where all this happens"
    )
    network.add_argument("--stall", type=period, metavar="FROM-TO", help="stand still in this time, like 5s-8s")
    network.add_argument("--seed", type=int, metavar="N", help="the same seed cuts in the same places")
    parser.set_defaults(glue=0.0, delay=0.0, cut=0.0, seed=0)


@contextmanager
def running(parser: argparse.ArgumentParser, options: argparse.Namespace, observer: Observer) -> Iterator[Proxy]:
    """The proxy that the options ask for, until the end of the block.

    Ends the program with one line: exit status 2 if an option makes no sense, 1 if it cannot listen.
    """
    try:
        faults = Faults(
            segment=options.split,
            glue=options.glue,
            delay=options.delay,
            rate=options.rate,
            reset_after=options.reset_after,
            reset_chance=options.cut,
            half_close_after=options.half_close_after,
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
            observer=observer,
        )
    except OSError as error:
        way = f"{show(options.listen)} to {show(options.to)}"
        parser.exit(1, f"{parser.prog}: cannot forward {way}: {error.strerror}\n")
    timers = _stall_timers(proxy, options)
    try:
        with proxy:
            yield proxy
    finally:
        for timer in timers:
            timer.cancel()


def show(place: tuple[str, int]) -> str:
    """An address as people write it."""
    return f"{place[0]}:{place[1]}"


def _stall_timers(proxy: Proxy, options: argparse.Namespace) -> list[threading.Timer]:
    if not options.stall:
        return []
    direction = options.direction.replace("-", "_")
    begin, end = options.stall
    timers = [threading.Timer(begin, proxy.stall, [direction]), threading.Timer(end, proxy.resume, [BOTH])]
    for timer in timers:
        timer.daemon = True
        timer.start()
    return timers


# --- Values: each raises ArgumentTypeError with what it must look like ----------------------------------------------


def address(text: str) -> tuple[str, int]:
    """HOST:PORT, or a PORT of this machine."""
    host, colon, port = text.rpartition(":")
    host = host if colon else HOST
    try:
        host.encode("idna")  # as getaddrinfo will; it refuses an empty or endless label
        if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not HOST:PORT") from None
    return host, int(port)


def count(text: str) -> int | tuple[int, int]:
    """A number, or a range like 1-20."""
    match = re.fullmatch("([0-9]+)(?:-([0-9]+))?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of bytes, or a range like 1-20")
    return (int(match[1]), int(match[2])) if match[2] else int(match[1])


def number(text: str) -> int:
    """A number of bytes."""
    if not re.fullmatch("[0-9]+", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of bytes")
    return int(text)


def seconds(text: str) -> float:
    """A time like 50ms or 1.5s; without a unit it is in seconds."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s)?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is not a time like 50ms or 1.5s")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


def period(text: str) -> tuple[float, float]:
    """Two times since the start, like 5s-8s."""
    begin, dash, end = text.partition("-")
    if not dash or seconds(begin) >= seconds(end):
        raise argparse.ArgumentTypeError(f"'{text}' is not a time from when to when, like 5s-8s")
    return seconds(begin), seconds(end)


def rate(text: str) -> float:
    """Bytes per second, like 64KB."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([A-Z]*)", text.upper())
    if not match or match[2] not in UNITS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a rate like 64KB or 1MiB (a second)")
    return float(match[1]) * UNITS[match[2]]


def chance(text: str) -> float:
    """A probability, like 10%."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)%", text)
    if not match or float(match[1]) > 100:
        raise argparse.ArgumentTypeError(f"'{text}' is not a chance like 10%")
    return float(match[1]) / 100


_FAULTS: list[tuple[list[str], Callable[[str], object], str, str]] = [
    (["--split", "--segment"], count, "N|LOW-HIGH", "cut into segments of so many bytes"),
    (["--glue"], seconds, "TIME", "send as one what comes within this time, like 50ms"),
    (["--delay"], seconds, "TIME", "everything takes so much longer, like 50ms"),
    (["--rate"], rate, "SIZE", "pass at most so many bytes a second, like 64KB"),
    (["--cut"], chance, "PERCENT", "the chance that a segment is the last before a reset, like 10%%"),
    (["--reset-after"], count, "N|LOW-HIGH", "reset the connection after so many bytes"),
    (["--half-close-after"], number, "N", "end this direction after so many bytes, the other goes on"),
]
