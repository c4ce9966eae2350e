"""``python -m labkit bots 3``: scripted people who join a server, for whoever works alone.

They talk to any server of this protocol, also one of stage 1. One greets and answers, every third sends a picture if
the server takes files; what they receive goes to a folder that is removed in the end.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Thread

from labkit.demo import draw_sunset
from reference.client.connection import Client, JoinFailed, NameRefused, NoFiles
from reference.client.events import Ended, Event, FileReceived, PersonJoined, Said
from reference.printable import one_line

NAMES = ("sravya", "sanjay", "meera", "arjun", "lakshmi", "kiran", "divya", "ravi")
MOST = 50

PACE = 1.0
"""Seconds that somebody takes to type a line: the one place here where waiting is the purpose."""


def main(arguments: list[str]) -> int:
    """Let them in, and have them leave on Ctrl-C or when the server ends; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m labkit bots", description="Scripted people join a server.")
    parser.add_argument("number", type=int, help=f"how many, up to {MOST}")
    parser.add_argument("ip", nargs="?", default="127.0.0.1")
    parser.add_argument("port", nargs="?", type=int, default=5050)
    options = parser.parse_args(arguments)
    if not 1 <= options.number <= MOST:
        parser.error(f"from 1 to {MOST}, please")
    with tempfile.TemporaryDirectory(prefix="bots-") as folder:
        picture = Path(folder, "sunset.png")
        picture.write_bytes(draw_sunset(160, 100))
        bots: list[Bot] = []
        try:
            for number in range(options.number):
                bots.append(Bot(number, options.ip, options.port, Path(folder), picture))
                print(f"{bots[-1].name} is in", flush=True)
            print("Ctrl-C has them leave", flush=True)
            for bot in bots:
                bot.over.wait()
            print("The server has let everyone go")
        except (OSError, JoinFailed) as error:
            reason = one_line(getattr(error, "strerror", None) or str(error))
            print(f"Cannot join at {options.ip} port {options.port}: {reason}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print()
        finally:
            for bot in bots:
                bot.leave()
    return 0


class Bot:
    """Somebody scripted: a client, and a thread that does what it has in mind, one thing after the other."""

    def __init__(self, number: int, ip: str, port: int, folder: Path, picture: Path) -> None:
        """Raises OSError, JoinFailed when the server does not let it in."""
        self.over = Flag()
        self._number = number
        self._picture = picture
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._client = Client(ip, port, self._events.put, folder)
        self._client.connect()
        self.name = self._join()
        self._thread = Thread(target=self._live, name=self.name, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Go, whatever is being said."""
        self.over.set()
        self._thread.join()
        self._client.leave()

    def _join(self) -> str:
        first = NAMES[self._number % len(NAMES)]
        for again in range(MOST + 1):  # somebody may have the name
            name = f"{first}{again or ''}"
            try:
                self._client.join(name)
                return name
            except NameRefused:
                continue
        raise JoinFailed("every name is taken")

    def _live(self) -> None:
        if self._number == 0:
            self._do(lambda: self._client.say("hello, is anybody there?"))
        if self._number % 3 == 0:
            self._do(self._send_picture)
        while not self.over.is_set():
            try:
                self._react(self._events.get(timeout=0.2))
            except Empty:
                pass

    def _react(self, event: Event) -> None:
        match event:
            case Ended():
                self.over.set()
            case PersonJoined(name) if not _is_bot(name) and self._number == 0:
                self._do(lambda: self._client.say(f"hello {name}!"))
            case Said(sender, text) if not _is_bot(sender):
                self._do(lambda: self._client.say(f"{sender}, that was {len(text.encode())} bytes in UTF-8"))
            case FileReceived(name=name, path=path):
                size = path.stat().st_size
                path.unlink()
                self._do(lambda: self._client.say(f"got {name}, {size} bytes"))

    def _send_picture(self) -> None:
        try:
            self._client.send_file(self._picture)
        except NoFiles:
            pass  # a server before stage 3

    def _do(self, something: Callable[[], None]) -> None:
        if not self.over.wait(PACE):
            something()


def _is_bot(name: str) -> bool:
    return name.rstrip("0123456789") in NAMES
