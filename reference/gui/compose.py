"""The box where one writes."""

from typing import Any

from kivy.app import App
from kivy.properties import ColorProperty, NumericProperty
from kivy.uix.textinput import TextInput

_RETURN = ("enter", "numpadenter")


class MessageInput(TextInput):
    """Enter sends, Shift+Enter breaks the line; it grows with what is written, up to a limit."""

    __events__ = ("on_send",)

    ink = ColorProperty("#ffffff")
    lines_shown = NumericProperty(1)

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        """What a key means here, before it means what it means in every text input."""
        if keycode[1] in _RETURN and "shift" not in modifiers:
            self.dispatch("on_send")
            return True
        if keycode[1] == "escape":
            return False  # it would take the focus from here, and then nothing could be typed
        if App.get_running_app().root.shortcut(keycode[0], modifiers):
            return True
        return bool(super().keyboard_on_key_down(window, keycode, text, modifiers))

    def on_send(self) -> None:
        """Enter was pressed."""

    def on__lines(self, *_: Any) -> None:
        """Kivy has laid out the text anew: so many lines it has."""
        self.lines_shown = max(1, len(self._lines))

    def _get_line_options(self) -> dict[str, Any]:
        # The colour goes into the letters, not over them: emoji keep their own.
        return {**super()._get_line_options(), "color": tuple(self.ink)}

    def on_ink(self, *_: Any) -> None:
        """The theme has changed: draw the lines anew."""
        self._trigger_refresh_line_options()
