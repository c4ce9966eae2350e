"""The colours, dark and light, and one colour for each name."""

import colorsys
import zlib
from collections.abc import Sequence

from kivy.event import EventDispatcher
from kivy.properties import BooleanProperty, ColorProperty

_COLOURS = {  # name: (dark, light)
    "background": ("#11161c", "#eef1f4"),
    "panel": ("#1a212a", "#ffffff"),
    "line": ("#2a3440", "#d5dbe1"),
    "text": ("#e8edf2", "#17202a"),
    "faint": ("#93a1b0", "#5c6875"),
    "mine": ("#1f5f8b", "#cfe6fb"),
    "mine_faint": ("#b9d3e6", "#4c5d6c"),
    "theirs": ("#232c37", "#ffffff"),
    "accent": ("#4aa8e8", "#1670b8"),
    "accent_text": ("#08131c", "#ffffff"),
    "joined": ("#4ccf7a", "#14803c"),
    "warning": ("#8a3b2f", "#f6c9c0"),
    "problem": ("#f2a071", "#a5401a"),
    "button": ("#2d3947", "#e2e8ee"),
    "input": ("#0d1217", "#f6f8fa"),
    "selection": ("#4aa8e866", "#1670b855"),
}


class Theme(EventDispatcher):
    """The colours of now: widgets bind to them, so that a change shows at once."""

    dark = BooleanProperty(True)
    background = ColorProperty("#000000")
    panel = ColorProperty("#000000")
    line = ColorProperty("#000000")
    text = ColorProperty("#000000")
    faint = ColorProperty("#000000")
    mine = ColorProperty("#000000")
    mine_faint = ColorProperty("#000000")
    theirs = ColorProperty("#000000")
    accent = ColorProperty("#000000")
    accent_text = ColorProperty("#000000")
    joined = ColorProperty("#000000")
    warning = ColorProperty("#000000")
    problem = ColorProperty("#000000")
    button = ColorProperty("#000000")
    input = ColorProperty("#000000")
    selection = ColorProperty("#000000")

    def __init__(self, name: str) -> None:
        super().__init__(dark=name != "light")
        self.on_dark()

    def on_dark(self, *_: object) -> None:
        """Change every colour."""
        for name, (dark, light) in _COLOURS.items():
            setattr(self, name, dark if self.dark else light)

    def of_name(self, name: str, dark: bool) -> Sequence[float]:
        """A colour for a person: always the same, readable on a bubble. (kv binds to what stands in a call.)"""
        hue = zlib.crc32(name.encode()) % 360 / 360
        return (*colorsys.hls_to_rgb(hue, 0.72 if dark else 0.33, 0.65), 1)
