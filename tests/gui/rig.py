"""A window in this process, drawn offscreen, with a client that has no network: tests say what happens and look."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, cast

from reference.client.connection import NoFiles, TextTooLong
from reference.client.events import Event, FileSending, Welcomed
from reference.gui.inbox import Inbox
from reference.gui.setup import prepare

prepare()

from kivy.base import EventLoop, runTouchApp
from kivy.core.window import Window
from kivy.tests.common import UnitTestTouch

from reference.gui.app import ChatApp

DEADLINE = 60.0


class StubClient:
    """Remembers what the window asked for."""

    name = "sravya"

    def __init__(self, inbox: Inbox) -> None:
        self.said: list[str] = []
        self.sent: list[Path] = []
        self.got: list[int] = []
        self.cancelled: list[int] = []
        self.takes_files = True
        self.has_offers = True
        self._inbox = inbox

    def say(self, text: str) -> None:
        """As the real one, with its limit."""
        if len(text.encode()) > 4096:
            raise TextTooLong(f"Not sent: the text has {len(text.encode())} bytes, 4096 at most")
        self.said.append(text)

    def send_file(self, path: Path) -> None:
        """As the real one: the event comes while it runs."""
        if not self.takes_files:
            raise NoFiles("This server does not take files")
        size = path.stat().st_size
        self.sent.append(path)
        self._inbox.put(FileSending(len(self.sent), path.name, size))

    def get(self, number: int) -> bool:
        """Whether there is something to get."""
        self.got.append(number)
        return self.has_offers

    def give_way(self) -> None:
        """Nothing comes that could."""

    def cancel(self, number: int) -> bool:
        """Remember it."""
        self.cancelled.append(number)
        return True


class Rig:
    """The window, and hands and eyes for it."""

    def __init__(self, client: Any = None, inbox: Inbox | None = None, theme: str = "dark") -> None:
        self.inbox = inbox or Inbox()
        self.client: Any = client or StubClient(self.inbox)
        self.app = ChatApp(cast(Any, self.client), self.inbox, theme)

    def __enter__(self) -> Self:
        Window.size = (900, 680)
        self.app._run_prepare()
        EventLoop.status = "closed"
        runTouchApp(embedded=True)
        self.root = self.app.root
        self.history = self.root.ids.history
        self.input = self.root.ids.input
        self.frames(3)
        return self

    def __exit__(self, *_: object) -> None:
        for dialog in [child for child in Window.children if child is not self.root]:
            dialog.dismiss(animation=False)
        Window.remove_widget(self.root)
        self.frames(1)
        self.app.dispatch("on_stop")  # kv's `app` lets go of it then

    def frames(self, count: int = 3) -> None:
        """Let the window draw so many frames."""
        for _ in range(count):
            EventLoop.idle()

    def happens(self, *events: Event) -> None:
        """These events come from the client, and are shown."""
        for event in events:
            self.inbox.put(event)
        self.until(lambda: not self.inbox.take(0) and not self.inbox._news)
        self.frames(3)

    def until(self, true: Callable[[], Any]) -> Any:
        """Draw frames until something is so."""
        deadline = time.monotonic() + DEADLINE
        while not (result := true()):
            assert time.monotonic() < deadline, "it never came"
            self.frames(1)
        return result

    def joined(self) -> None:
        """We are in, with sanjay."""
        self.happens(Welcomed(("sanjay", "sravya")))

    @property
    def rows(self) -> list[Any]:
        """All rows of the list."""
        return list(self.history.data)

    def view(self, row: Any) -> Any:
        """The widget that shows a row now."""
        return next(view for view in self.history.layout_manager.children if view.row is row)

    def press(self, key: int, text: str = "", modifiers: list[str] | None = None) -> None:
        """Press a key, as the window gets it from the system."""
        if not Window.dispatch("on_key_down", key, 0, text, modifiers or []):
            Window.dispatch("on_keyboard", key, 0, text, modifiers or [])
        Window.dispatch("on_key_up", key, 0)
        self.frames(2)

    def click(self, widget: Any, button: str = "left") -> None:
        """Click on the middle of a widget."""
        x, y = widget.to_window(*widget.center)
        touch = UnitTestTouch(x, y)
        touch.button = button
        touch.touch_down()
        touch.touch_up()
        self.frames(12)  # a button's press may be drawn for a moment

    def button(self, text: str, within: Any = None) -> Any:
        """The button that says so."""
        for widget in (within or self.root).walk():
            if getattr(widget, "text", None) == text and hasattr(widget, "strong") and not widget.disabled:
                return widget
        raise AssertionError(f"no button {text}")

    def dialog(self) -> Any:
        """What stands over the window."""
        return self.until(lambda: next((each for each in Window.children if each is not self.root), None))

    def pixel(self, x: float, y: float) -> tuple[int, ...]:
        """A pixel of the window, from its lower left corner."""
        from kivy.graphics.opengl import GL_RGBA, GL_UNSIGNED_BYTE, glReadPixels

        self.frames(1)
        return tuple(glReadPixels(int(x), int(y), 1, 1, GL_RGBA, GL_UNSIGNED_BYTE))[:3]

    def middle(self, widget: Any) -> tuple[int, ...]:
        """The pixel in a widget's middle."""
        return self.pixel(*widget.to_window(*widget.center))


def is_near(colour: tuple[int, ...], wanted: tuple[int, ...], by: int = 24) -> bool:
    """Whether two colours look the same (JPEG and shrinking change them a little)."""
    return all(abs(one - other) <= by for one, other in zip(colour, wanted, strict=True))
