"""A picture as large as the window."""

from pathlib import Path
from threading import Thread
from typing import Any

from kivy.clock import Clock
from kivy.core.window import Window
from kivy.properties import ObjectProperty, StringProperty

from reference.gui.controls import Dialog
from reference.gui.pictures import NotShown, Picture, decode
from reference.gui.textures import make_texture


class Viewer(Dialog):
    """Shows one picture; a click or Escape closes it."""

    texture = ObjectProperty(None, allownone=True)
    told = StringProperty("…")

    def __init__(self, path: Path, name: str, **kwargs: Any) -> None:
        super().__init__(title=name, **kwargs)
        self._result: Picture | str | None = None
        size = int(Window.width), int(Window.height)
        # It leaves what it made where the clock looks for it: only the window's thread touches the widget.
        Thread(target=self._decode, args=(path, size), name="viewer", daemon=True).start()
        self._waiting = Clock.schedule_interval(self._look, 1 / 30)

    def on_touch_down(self, touch: Any) -> bool:
        """A click closes it."""
        self.dismiss()
        return True

    def on_dismiss(self) -> None:
        """Nothing is waited for any more."""
        super().on_dismiss()
        self._waiting.cancel()

    def _decode(self, path: Path, size: tuple[int, int]) -> None:
        try:
            self._result = decode(path, *size, animated=False)
        except NotShown as error:
            self._result = f"Cannot be shown: {error}"

    def _look(self, _: float) -> None:
        if isinstance(self._result, Picture):
            texture = make_texture((self._result.width, self._result.height), "rgba")
            texture.blit_buffer(self._result.frames[0].pixels, colorfmt="rgba", bufferfmt="ubyte")
            self.texture = texture
            self.told = ""
        elif self._result is not None:
            self.told = self._result
        if self._result is not None:
            self._waiting.cancel()
