"""How news reach the window: every thread puts them here, and the window's own thread takes them out.

So no other thread ever touches a widget: none of them has a reference to one. (Kivy, like every toolkit, is for one
thread only.) No Kivy in this file.
"""

from collections import deque
from threading import Condition, get_ident
from typing import Any

ROOM = 1000
"""News that may wait. A window that cannot keep up holds the listener back, and that the server, by TCP."""


class Inbox:
    """A bounded queue whose taker may also put, and never waits for itself."""

    def __init__(self, room: int = ROOM) -> None:
        """Whoever makes the inbox is its taker."""
        self._room = room
        self._taker = get_ident()
        # Guards the two below; notified when there is room again.
        self._changed = Condition()
        self._news: deque[Any] = deque()
        self._closed = False

    def put(self, news: Any) -> None:
        """Add something; waits while the inbox is full, unless called by the taker. Dropped once it is closed."""
        with self._changed:
            while len(self._news) >= self._room and not self._closed and get_ident() != self._taker:
                self._changed.wait()
            if not self._closed:
                self._news.append(news)

    def take(self, most: int) -> list[Any]:
        """What has come, in order, but at most so many."""
        with self._changed:
            taken = [self._news.popleft() for _ in range(min(most, len(self._news)))]
            if taken:
                self._changed.notify_all()
        return taken

    def close(self) -> None:
        """Let everybody go who waits: nothing is taken any more."""
        with self._changed:
            self._closed = True
            self._news.clear()
            self._changed.notify_all()
