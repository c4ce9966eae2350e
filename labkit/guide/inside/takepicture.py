"""A Kivy module: it takes a picture of the window, as TAKE_PICTURE names it, when a file beside it asks for that."""

import os
from typing import Any

from kivy.clock import Clock


def start(window: Any, context: Any) -> None:
    """Kivy makes the window."""
    path = os.environ["TAKE_PICTURE"]

    def look(_: float) -> None:
        if os.path.exists(f"{path}.wanted"):
            os.remove(f"{path}.wanted")
            os.replace(window.screenshot(name=path), path)

    Clock.schedule_interval(look, 0.1)


def stop(window: Any, context: Any) -> None:
    """Kivy unloads the module."""
