"""``python3 -m reference.client 127.0.0.1 5050``: ask what the transcripts ask, connect, and hand over to a face.

A student starts this a hundred times a day: what a mode needs is imported when it has been chosen, not before.
"""

import signal

if __name__ == "__main__":  # a Ctrl-C while the rest is imported ends it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import contextlib
import os
import sys
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, NoReturn

from reference import arguments
from reference.terminal import questions

if TYPE_CHECKING:
    from reference.client.connection import Client
    from reference.terminal import Face

FLUSH_SECONDS = 1.0
"""How long the end waits for somebody who reads what was shown."""


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    arguments.open_missing_streams()
    options = _parse(argv)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in arguments.endings():
        signal.signal(number, _interrupt)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a byte that is no text is no reason to end
    try:
        if not options.yes and not questions.wants_to_connect():
            return 0
        return _chat(options)
    except (KeyboardInterrupt, EOFError):
        _print_last("\nDisconnected\n")
        return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = arguments.Parser(prog="client", description="The chat client.")
    parser.add_argument("ip", help="the server's address")
    parser.add_argument("port", type=arguments.port, help="the server's port")
    parser.add_argument("--yes", action="store_true", help="connect without asking")
    parser.add_argument("--mode", choices=["terminal", "gui"], help="where to chat, without asking")
    parser.add_argument("--theme", choices=["dark", "light"], default="dark", help="the window's colours")
    parser.add_argument("--name", help="your name in the chat, without asking")
    parser.add_argument(
        "--downloads", type=Path, default=Path("downloads"), metavar="FOLDER", help="received files go to FOLDER/<name>"
    )
    parser.add_argument(
        "--auto-get",
        type=arguments.size,
        metavar="SIZE",
        help="files up to this size are fetched by themselves (100MB)",
    )
    return parser.parse_args(argv)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt  # these end a client as Ctrl-C does


def _chat(options: argparse.Namespace) -> int:
    from reference.client.connection import AUTO_GET, Client, JoinFailed
    from reference.printable import one_line

    screen = _Later()
    auto_get = AUTO_GET if options.auto_get is None else options.auto_get
    client = Client(options.ip, options.port, screen, options.downloads, auto_get)
    try:
        client.connect()
        return _meet(client, screen, options)
    except JoinFailed as error:
        print(one_line(str(error)), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Cannot connect to {options.ip} port {options.port}: {error.strerror or error}", file=sys.stderr)
        return 1


def _meet(client: "Client", screen: "_Later", options: argparse.Namespace) -> int:
    try:
        mode = options.mode or questions.which_mode()
        face = _open_face(client, mode, options.theme)
        if face is None:
            return 1
        screen.face = face.show
        if not _join(client, options.name):
            client.leave()
            return 1
        return face.run()
    except (KeyboardInterrupt, EOFError):
        # While a question is open, or in the moment before the face takes over.
        screen.face = None
        client.leave()
        raise


def _open_face(client: "Client", mode: str, theme: str) -> "Face | None":
    """What shows the chat; None, with a line that says what to do, when it cannot be."""
    if mode == "gui":
        from reference import gui

        reason = gui.why_not()
        if reason:
            print(reason, file=sys.stderr)
            return None
        return gui.open_window(client, theme)
    from reference.terminal import open_terminal

    return open_terminal(client)


class _Later:
    """Where events go: to the face, while there is one."""

    face: Any = None

    def __call__(self, event: Any) -> None:
        if self.face is not None:
            self.face(event)


def _join(client: "Client", name: str | None) -> bool:
    """False, with a line that says what to do, when nobody is there to choose another name than the one given."""
    from reference.client.connection import NameRefused
    from reference.printable import one_line

    asks = name is None or sys.stdin.isatty()  # else the next line of the input is a script's, and no name
    while True:
        if name is None:
            name = questions.ask("Enter your Name : ")
        try:
            client.join(name)
        except NameRefused as error:
            if not asks:
                print(f"{one_line(str(error))}: start again with another --name", file=sys.stderr)
                return False
            print(one_line(str(error)))
            name = None
        else:
            return True


def _print_last(text: str) -> None:
    """Print this and what was printed before, but do not wait for ever for who reads it: a pipe may be full."""

    for number in (signal.SIGINT, *arguments.endings()):  # it ends already: one more Ctrl-C has nothing to say
        signal.signal(number, signal.SIG_IGN)

    def write() -> None:
        with contextlib.suppress(OSError):  # nobody reads it any more
            print(text, end="", flush=True)

    writing = Thread(target=write, daemon=True)
    writing.start()
    writing.join(FLUSH_SECONDS)


if __name__ == "__main__":
    status = main()
    _print_last("")
    # Not sys.exit(): a thread may still wait for a line to be typed, and the interpreter's end would wait for it.
    os._exit(status)
