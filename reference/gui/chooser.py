"""The file chooser: a list, a preview, and a path that may be typed. ``Select`` sends at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kivy.clock import Clock
from kivy.properties import ObjectProperty, StringProperty
from kivy.uix.textinput import TextInput

from reference.gui.controls import Dialog
from reference.gui.kinds import PICTURE, kind_of
from reference.gui.pictures import NotShown, decode
from reference.gui.sizes import readable
from reference.gui.textures import make_texture

MAX_PREVIEWED = 20 * 1000 * 1000
"""Bytes: larger pictures are not shown while one chooses, because that would stop the window for a while."""

_PREVIEW = 220

_UP, _DOWN = 273, 274


class PathInput(TextInput):
    """Where a path is typed; the arrow keys go through the list meanwhile."""

    __events__ = ("on_step",)

    def keyboard_on_key_down(self, window: Any, keycode: tuple[int, str], text: str, modifiers: list[str]) -> bool:
        """Up and Down choose in the list."""
        if keycode[0] in (_UP, _DOWN):
            self.dispatch("on_step", -1 if keycode[0] == _UP else 1)
            return True
        if keycode[1] == "escape":
            return False  # a text input would take it to leave, and the chooser would stay
        return bool(super().keyboard_on_key_down(window, keycode, text, modifiers))

    def on_step(self, step: int) -> None:
        """An arrow key was pressed."""


class Chooser(Dialog):
    """Asks for a file (or a folder, to save something there)."""

    folder = StringProperty()
    selected = StringProperty()
    about = StringProperty()
    """The selected file's name and size."""
    picture = ObjectProperty(None, allownone=True)
    hint = StringProperty()
    saves = StringProperty()
    """The name of a file that is to be saved somewhere; empty when one is to be sent."""

    def __init__(self, folder: str, chosen: Callable[[Path], None], **kwargs: Any) -> None:
        """``chosen`` is called with the file (or, when one is to be saved, the folder or path) after closing."""
        self._chosen = chosen
        super().__init__(folder=folder if Path(folder).is_dir() else str(Path.home()), **kwargs)

    def on_open(self) -> None:
        """One may type a path at once."""
        # Before the next frame, but after the click that opened it is over: that gives the focus to the button.
        Clock.schedule_once(self._write, -1)

    def _write(self, _: float) -> None:
        self.ids.path.focus = True

    def step(self, step: int) -> None:
        """Select the next or the previous file."""
        files = [path for path in self.ids.files.files if path not in ("..", "../")]
        if files:
            now = files.index(self.selected) if self.selected in files else (-1 if step > 0 else 0)
            self.select(files[(now + step) % len(files)])

    def select(self, path: str) -> None:
        """Mark a file as the one that would be sent."""
        self.selected = path
        self.ids.files.selection = [path]
        self.ids.path.text = path
        self.ids.path.cursor = (len(path), 0)

    def submit(self) -> None:
        """Take what is typed or selected; a folder is entered."""
        typed = self.ids.path.text.strip()
        path = Path(typed or self.selected).expanduser()
        if self.saves:
            self.dismiss()
            self._chosen(path if typed else Path(self.folder))
        elif not typed and not self.selected:
            self.hint = "Choose a file first"
        elif path.is_dir():
            self.folder = str(path)
            self.selected = ""
            self.ids.path.text = ""
            self.ids.path.focus = True
        elif not path.is_file():
            self.hint = "No such file"
        else:
            self.dismiss()
            self._chosen(path)

    def on_selected(self, *_: Any) -> None:
        """Show what it is."""
        self.hint = ""
        self.about = ""
        path = Path(self.selected)
        if self.selected and path.is_file():
            self.about = f"{path.name}\n{readable(path.stat().st_size)}"
        self._draw(path)

    def _draw(self, path: Path) -> None:
        self.picture = None
        try:
            if kind_of(path).kind == PICTURE and path.stat().st_size <= MAX_PREVIEWED:
                picture = decode(path, _PREVIEW, _PREVIEW, animated=False)
                texture = make_texture((picture.width, picture.height), "rgba")
                texture.blit_buffer(picture.frames[0].pixels, colorfmt="rgba", bufferfmt="ubyte")
                self.picture = texture
        except (NotShown, OSError):
            pass  # then there is none
