"""What the Kivy module beside it can do in a window; all of it on the window's own thread."""

import os
from collections.abc import Callable, Iterator
from typing import Any

from kivy.app import App
from kivy.base import EventLoop
from kivy.core.window import Window
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.filechooser import FileChooserController
from kivy.uix.image import Image
from kivy.uix.label import Label
from kivy.uix.textinput import TextInput
from kivy.uix.widget import Widget

ENTER = 13
ENTER_SCANCODE = 40


def widgets() -> Iterator[Widget]:
    """Everything in the window, what lies in front first."""
    for child in list(Window.children):
        yield from child.walk()


def look() -> dict[str, Any]:
    """What can be seen."""
    seen: dict[str, Any] = {
        "title": title(),
        "lines": [],
        "buttons": [],
        "boxes": [],
        "pictures": [],
        "chooser": False,
    }
    for widget in widgets():
        if isinstance(widget, TextInput):
            seen["boxes"].append(widget.text)
        elif isinstance(widget, ButtonBehavior) and isinstance(widget, Label):
            seen["buttons"].append(widget.text)
        elif isinstance(widget, Label) and widget.text:
            seen["lines"].append({"text": widget.text, "color": list(widget.color), "height": widget.height})
        elif isinstance(widget, FileChooserController):
            seen["chooser"] = True
        elif isinstance(widget, Image) and widget.source:
            seen["pictures"].append({"source": str(widget.source), "loaded": widget.texture is not None})
    return seen


def title() -> str:
    """The window's title. The app hands its own to the system's window, past Kivy's property."""
    app = App.get_running_app()
    return app.get_application_name() if app is not None else Window.title


def write(text: str) -> dict[str, Any]:
    """Type into the text box."""
    box = the_box()
    box.focus = True
    box.insert_text(text)
    return {}


def enter() -> dict[str, Any]:
    """Press Enter in the text box."""
    the_box().focus = True
    Window.dispatch("on_key_down", ENTER, ENTER_SCANCODE, "\r", [])
    Window.dispatch("on_key_up", ENTER, ENTER_SCANCODE)
    return {}


def press(button: str) -> dict[str, Any]:
    """Press a button by what it says."""
    for widget in widgets():
        if isinstance(widget, ButtonBehavior) and getattr(widget, "text", None) == button and not widget.disabled:
            widget.trigger_action(0)
            return {}
    raise LookupError(f"there is no button {button!r}")


def choose(folder: str, name: str) -> dict[str, Any]:
    """Choose a file in the file chooser."""
    for widget in widgets():
        if isinstance(widget, FileChooserController):
            widget.path = folder
            widget.selection = [os.path.join(folder, name)]
            return {}
    raise LookupError("there is no file chooser")


def close() -> dict[str, Any]:
    """Press the window's own close button."""
    if not Window.dispatch("on_request_close", source="close"):
        EventLoop.quit = True  # as Kivy's SDL window does; it may be asked once more then
    return {}


def the_box() -> TextInput:
    """The text box to write in."""
    for widget in widgets():
        if isinstance(widget, TextInput) and not widget.disabled and not widget.readonly:
            return widget
    raise LookupError("there is no text box")


DO: dict[str, Callable[..., Any]] = {
    "look": look, "write": write, "enter": enter, "press": press, "choose": choose, "close": close,
}  # fmt: skip
