"""How Kivy draws text here: every script, next to each other. (Kivy's own providers know one font at a time.)

``install()`` must run before anything of ``kivy.uix`` is imported: its labels and text inputs take the provider then.
"""

from functools import lru_cache
from typing import Any

import kivy.core.text
from kivy.core.image import ImageData
from kivy.core.text import LabelBase
from PIL import Image, ImageDraw, ImageFont

from reference.gui.fonts import COLOUR_EMOJI_SIZE, Font
from reference.gui.runs import Run, runs

ASCENT, DESCENT = 1.07, 0.36
"""Of the letter size: Noto Sans has 1.07 and 0.29; below the line Telugu and Arabic need more."""

_EMOJI_SCALE = 1.15  # an emoji is a little higher than a letter

_FINE = 2
"""Letters are set on a grid so many times finer than pixels, and made smaller: Pillow sets them on whole pixels, which
leaves small text with uneven gaps."""

_REGULAR, _BOLD = 400, 600

_LONGEST_KEPT = 200
"""Characters. Widths of longer texts are not remembered: they seldom come again, and would fill the memory."""


class Label(LabelBase):
    """A text provider with fallback between fonts, shaping, both directions, and emoji in colour."""

    def get_extents(self, text: str) -> tuple[int, int]:
        """Width and height in pixels of a text on one line."""
        size = self._letter_size()
        return width_of(text, size, self.options["bold"]), line_height(size)

    def get_cached_extents(self) -> Any:
        """What measures the words of one layout."""
        return self.get_extents

    def _render_begin(self) -> None:
        width, height = self._size
        self._letters = Image.new("L", (width * _FINE, height * _FINE))
        self._emoji: list[tuple[Image.Image, tuple[int, int]]] = []

    def _render_text(self, text: str, x: float, y: float) -> None:
        size = self._letter_size()
        draw = ImageDraw.Draw(self._letters)
        baseline = y + size * ASCENT
        for run in runs(text):
            if run.font.colour:
                emoji = _emoji(run, size)
                self._emoji.append((emoji, (max(0, round(x)), max(0, round(baseline - emoji.height * 0.8)))))
            else:
                font = _open(run.font, size * _FINE, self.options["bold"])
                draw.text((round(x * _FINE), round(baseline) * _FINE), run.text, font=font, fill=255, anchor="ls")
            x += _run_width(run, size, self.options["bold"])

    def _render_end(self) -> ImageData:
        red, green, blue, alpha = (round(part * 255) for part in self.options["color"])
        letters = self._letters.reduce(_FINE)
        if alpha != 255:
            letters = letters.point([each * alpha // 255 for each in range(256)])
        # In the text's colour everywhere, though it shows only where letters are: their edges mix with it.
        image = Image.new("RGBA", self._size, (red, green, blue, 0))
        image.putalpha(letters)
        for emoji, place in self._emoji:
            image.alpha_composite(emoji, place)
        return ImageData(*self._size, "rgba", image.tobytes())

    def _letter_size(self) -> int:
        return max(1, int(self.options["font_size"]))


def install() -> None:
    """Make this Kivy's text provider. There is no official way to name one from outside Kivy (its list is fixed)."""
    kivy.core.text.Label = Label


def line_height(size: float) -> int:
    """The height of a line of text, in pixels."""
    return round(int(size) * (ASCENT + DESCENT))


def width_of(text: str, size: int, bold: bool) -> int:
    """The width of a text on one line, in pixels."""
    # A text is asked for when its row is measured, when its label is laid out and when it is drawn; words come again.
    return _kept_width(text, size, bold) if len(text) <= _LONGEST_KEPT else _measure(text, size, bold)


@lru_cache(maxsize=5_000)
def _kept_width(text: str, size: int, bold: bool) -> int:
    return _measure(text, size, bold)


def _measure(text: str, size: int, bold: bool) -> int:
    return round(sum(_run_width(run, size, bold) for run in runs(text)))


def _run_width(run: Run, size: int, bold: bool) -> float:
    if run.font.colour:
        return _open(run.font, COLOUR_EMOJI_SIZE, False).getlength(run.text) * size * _EMOJI_SCALE / COLOUR_EMOJI_SIZE
    return _open(run.font, size * _FINE, bold).getlength(run.text) / _FINE


@lru_cache(maxsize=200)
def _open(font: Font, size: int, bold: bool) -> ImageFont.FreeTypeFont:
    if font.colour:
        return ImageFont.truetype(font.path, COLOUR_EMOJI_SIZE)
    opened = ImageFont.truetype(font.path, size)
    if font.variable:
        axes = opened.get_variation_axes()
        weight = float(_BOLD if bold else _REGULAR)
        opened.set_variation_by_axes([weight, *(float(axis["default"] or 0) for axis in axes[1:])])
    return opened


@lru_cache(maxsize=500)
def _emoji(run: Run, size: int) -> Image.Image:
    """A run of emoji, drawn in the size that the font has, and made smaller."""
    font = _open(run.font, COLOUR_EMOJI_SIZE, False)
    ascent, descent = font.getmetrics()
    width = max(1, round(font.getlength(run.text)))
    image = Image.new("RGBA", (width, ascent + descent))
    ImageDraw.Draw(image).text((0, ascent), run.text, font=font, embedded_color=True, anchor="ls")
    scale = size * _EMOJI_SCALE / COLOUR_EMOJI_SIZE
    return image.resize((max(1, round(width * scale)), max(1, round((ascent + descent) * scale))), Image.Resampling.BOX)
