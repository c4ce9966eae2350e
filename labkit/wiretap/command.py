"""``python -m labkit wiretap --listen 5051 --to 127.0.0.1:5050``: the command line of the tap."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from labkit import ending
from labkit.proxy.options import HOST, OneLineParser, add_options, running, show
from labkit.wiretap.mermaid import Diagram
from labkit.wiretap.pcapng import Capture
from labkit.wiretap.printer import Printer
from labkit.wiretap.screen import Screen
from labkit.wiretap.tap import Tap
from labkit.wiretap.watcher import Watcher

NARROWEST = 40
WITHOUT_TERMINAL = 120
"""Columns of a line that goes into a file or a pipe, unless COLUMNS says otherwise."""

PATIENCE = 2.0
"""Seconds that the end waits for a terminal that stands still."""


def main(arguments: list[str]) -> int:
    """Show what passes until Ctrl-C. Exit status 0; 1 if it cannot listen or write a file; 2 for bad arguments."""
    parser = _parser()
    options = parser.parse_args(arguments)
    ending.hold_back()
    printer = Printer(gone=ending.ask)
    screen = Screen(
        printer.show, _width, colour=_in_colour(options.color), hexadecimal=options.hex, segments=options.segments
    )
    try:
        tap = Tap([screen, *_files(options, printer)])
    except OSError as error:
        parser.exit(1, f"{parser.prog}: cannot write {error.filename}: {error.strerror}\n")
    with running(parser, options, tap.observe) as proxy:
        printer.show(f"[WIRETAP] clients connect to {show(proxy.address)}, the server is {show(options.to)}")
        screen.header()
        ending.wait()
    tap.finish()
    printer.show(_summary(tap, screen, options))
    printer.close(PATIENCE)
    return 0


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m labkit wiretap",
        description="Show every frame that passes between clients and a server. Ctrl-C ends it.",
        epilog="Clients connect to the tap: make run-client PORT=5051",
    )
    parser.add_argument("--hex", action="store_true", help="show the bytes too: length, type and body")
    parser.add_argument("--segments", action="store_true", help="show what each recv brought, frame or not")
    parser.add_argument("--save", type=Path, metavar="FILE.pcapng", help="save the session for Wireshark")
    parser.add_argument("--mermaid", type=Path, metavar="FILE.md", help="draw the session as a sequence diagram")
    parser.add_argument("--color", choices=["auto", "always", "never"], default="auto", help="auto: on a terminal")
    add_options(parser)
    parser.set_defaults(listen=(HOST, 5051), to=(HOST, 5050))
    return parser


def _files(options: argparse.Namespace, printer: Printer) -> list[Watcher]:
    watchers: list[Watcher] = []
    if options.save:
        watchers.append(Capture(options.save, printer.show))
    if options.mermaid:
        watchers.append(Diagram(options.mermaid, printer.show))
    return watchers


def _in_colour(wish: str) -> bool:
    if wish == "auto":  # NO_COLOR: no-color.org
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wish == "always"


def _width() -> int:
    return max(NARROWEST, shutil.get_terminal_size((WITHOUT_TERMINAL, 24)).columns)


def _summary(tap: Tap, screen: Screen, options: argparse.Namespace) -> str:
    saved = "".join(f", saved {path}" for path in (options.save, options.mermaid) if path)
    broken = f", {screen.broken:,} broken" if screen.broken else ""
    return f"[WIRETAP ENDED] connections: {tap.connections:,}, frames: {screen.frames:,}{broken}{saved}"
