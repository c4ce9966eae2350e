"""Buttons that the keyboard reaches, and the small things that several parts of the window share."""

from typing import Any

from kivy.app import App
from kivy.clock import Clock
from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior, FocusBehavior
from kivy.uix.label import Label
from kivy.uix.modalview import ModalView
from kivy.uix.widget import Widget


class PushButton(FocusBehavior, ButtonBehavior, Label):
    """A button. Tab goes there, Enter and the space bar press it."""

    strong = BooleanProperty(False)

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        """Press it by a key."""
        if keycode[1] in ("enter", "numpadenter", "spacebar"):
            self.trigger_action(0.1)
            return True
        if App.get_running_app().root.shortcut(keycode[0], modifiers):
            return True
        return bool(super().keyboard_on_key_down(window, keycode, text, modifiers))


class ProgressLine(Widget):
    """How far a transfer or a sound is: ``value`` from 0 to 1."""

    value = NumericProperty(0)


class Dialog(ModalView):
    """Something over the window; Escape closes it."""

    title = StringProperty()

    def open(self, *_: Any, **__: Any) -> None:
        """Open it at once: what is typed while it would fade in would be lost."""
        super().open(animation=False)

    def dismiss(self, *_: Any, **__: Any) -> None:
        """Close it at once."""
        super().dismiss(animation=False)

    def on_dismiss(self) -> None:
        """One goes on writing."""
        # With the next frame: the Escape that closed it is still on its way, and takes the focus from what has it.
        Clock.schedule_once(App.get_running_app().root.write, 0)
