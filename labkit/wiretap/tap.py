"""Between the proxy and the watchers: finds the frames in what passes, and tells who watches."""

import threading
import time

from labkit.proxy import BOTH
from labkit.wiretap.follower import Whole
from labkit.wiretap.talk import Files, Talk, parse_ends
from labkit.wiretap.watcher import Watcher


class Tap:
    """The proxy's observer. It follows what is *passed on*, faults and all: what the receivers get."""

    def __init__(self, watchers: list[Watcher]) -> None:
        # Each connection has a thread of its own. The lock guards all below and the watchers: one line at a time, and
        # in one order everywhere.
        self._lock = threading.Lock()
        self._watchers = watchers
        self._files = Files()
        self._talks: dict[int, Talk] = {}
        self._reasons: dict[int, str] = {}
        self.connections = 0

    def observe(self, number: int, direction: str, event: str, data: bytes) -> None:
        """Take one event of the proxy: see labkit.proxy.Observer."""
        with self._lock:
            if event == "open":
                self._open(number, data)
            elif event == "passed":
                self._passed(number, direction, data)
            elif event == "ended":
                for watcher in self._watchers:
                    watcher.ended(time.time(), self._talks[number], direction)
            elif event == "reset":
                self._reasons[number] = self._why(number, direction, data)
            elif event == "close":
                self._close(number)

    def finish(self) -> None:
        """Tell the watchers that nothing follows."""
        with self._lock:
            for watcher in self._watchers:
                watcher.finish()

    def _open(self, number: int, ends: bytes) -> None:
        self.connections += 1
        talk = self._talks[number] = Talk(number + 1, parse_ends(ends), self._files)
        for watcher in self._watchers:
            watcher.opened(time.time(), talk)

    def _passed(self, number: int, direction: str, data: bytes) -> None:
        talk = self._talks[number]
        parts = talk.followers[direction].feed(data)
        for part in parts:
            if isinstance(part.result, Whole):
                talk.learn(part.result.frame)
        for watcher in self._watchers:
            watcher.passed(time.time(), talk, direction, data, parts)

    def _why(self, number: int, direction: str, data: bytes) -> str:
        if direction == BOTH:
            return f"by the tap, {data.decode()}"
        # Who resets is heard of before the tap passes it on, and the tap's own reason may follow.
        return self._reasons.get(number) or f"by {'the client' if direction == 'to_server' else 'the server'}"

    def _close(self, number: int) -> None:
        talk = self._talks.pop(number)
        reason = self._reasons.pop(number, "")
        for watcher in self._watchers:
            watcher.closed(time.time(), talk, reason)
