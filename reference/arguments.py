"""What server and client have in common where they start: ports, sizes, errors in one line, and how they are ended."""

import argparse
import os
import signal
import sys
from typing import NoReturn

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}


class Parser(argparse.ArgumentParser):
    """An argument parser whose error is one line that says what to do; the exit status is 2, as for every Unix tool."""

    def error(self, message: str) -> NoReturn:
        """Print the line, and end."""
        sys.stderr.write(f"usage: {self.prog} <ip> <port> [options, see --help]: {message}\n")
        raise SystemExit(2)


def open_missing_streams() -> None:
    """Give the program an input and outputs where whoever started it closed them: ``>&-``, or no terminal at all.

    Otherwise Python has None in their place, and the next socket gets their number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - open as long as the program runs


def endings() -> list[signal.Signals]:
    """What asks a program to end, beside Ctrl-C: kill, and a terminal that is closed, unless ``nohup`` is used."""
    endings = [signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # Windows has none
        endings.append(signal.SIGHUP)
    return endings


def port(text: str) -> int:
    """A TCP port. Raises ArgumentTypeError."""
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"port must be a number from 0 to 65535, not {text!r}")


def size(text: str) -> int:
    """A number of bytes, as in 100MB. Raises ArgumentTypeError."""
    number = text.rstrip("KMGBkmgb")
    unit = text[len(number) :].upper()
    if number.isascii() and number.isdigit() and unit in _UNITS:
        return int(number) * _UNITS[unit]
    raise argparse.ArgumentTypeError(f"a size is a number with B, KB, MB or GB, not {text!r}")


def count(text: str) -> int:
    """A whole number. Raises ArgumentTypeError."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}")
