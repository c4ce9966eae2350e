"""The Kivy application: it opens the window, and each frame takes what has come and has it shown."""

import time
from pathlib import Path
from typing import Any

from kivy.app import App
from kivy.clock import Clock
from kivy.core.window import Window
from kivy.lang import Builder
from kivy.properties import ObjectProperty

from reference.client.connection import Client
from reference.gui import bubbles, cards, chooser, compose, controls, history, screen, viewer  # noqa: F401  for kv
from reference.gui.conversation import Conversation
from reference.gui.inbox import Inbox
from reference.gui.measure import PREVIEW
from reference.gui.previews import Previews
from reference.gui.theme import Theme

_KV = ("controls", "bubbles", "cards", "compose", "chooser", "viewer", "screen")

_NEWS_A_FRAME = 25
"""So many news are shown a frame (1,500 a second), so that a flood leaves time to draw and to type."""

_SECONDS_A_FRAME = 0.008


class ChatApp(App):
    """The application."""

    title = "GroupMediaChat"
    theme = ObjectProperty()

    def __init__(self, client: Client, inbox: Inbox, theme: str) -> None:
        super().__init__()
        self.client = client
        self.theme = Theme(theme)
        self.previews = Previews(inbox.put, (int(PREVIEW[0]), int(PREVIEW[1])))
        self._inbox = inbox

    def build(self) -> Any:
        """Make the window's content."""
        for name in _KV:
            file = str(Path(__file__).with_name(f"{name}.kv"))
            if file not in Builder.files:  # loaded twice, its rules would be obeyed twice
                Builder.load_file(file)
        root = screen.ChatScreen()
        self.conversation = Conversation(self.client, root, self.previews)
        return root

    def on_start(self) -> None:
        """The window is open."""
        self.previews.start()
        self.news = Clock.schedule_interval(self._show_news, 0)
        Window.bind(on_drop_file=self._dropped, on_key_down=self._key, focus=self._in_front)
        self.root.write()

    def open_settings(self, *_: Any) -> bool:
        """Kivy's own settings, on F1, are not for a chat."""
        return False

    def on_stop(self) -> None:
        """The window is closed."""
        self.close()

    def close(self) -> None:
        """End what plays and the threads that are ours."""
        self.news.cancel()
        Window.unbind(on_drop_file=self._dropped, on_key_down=self._key, focus=self._in_front)
        self.conversation.close()
        self.previews.close()

    def _show_news(self, _: float) -> None:
        until = time.perf_counter() + _SECONDS_A_FRAME
        for _each in range(_NEWS_A_FRAME):
            if time.perf_counter() > until:
                return
            for news in self._inbox.take(1):
                self.conversation.show(news)

    def _dropped(self, _: Any, path: bytes, *__: Any) -> None:
        self.root.send_file(Path(path.decode(errors="surrogateescape")))

    def _in_front(self, _: Any, focus: bool) -> None:
        self.root.ids.history.looked_at = focus

    def _key(self, _: Any, key: int, __: int, ___: str | None, modifiers: list[str]) -> bool:
        return bool(self.root.shortcut(key, modifiers))
