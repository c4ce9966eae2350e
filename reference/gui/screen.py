"""The window's content: the list, who is here, and below the box to write in."""

from pathlib import Path
from typing import Any

from kivy.app import App
from kivy.clock import Clock
from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from reference.client.connection import NoFiles, TextTooLong
from reference.gui import opening
from reference.gui.bubbles import copy
from reference.gui.chooser import Chooser
from reference.gui.rows import TEXT, Row
from reference.gui.viewer import Viewer
from reference.printable import one_line

_TOLD_SECONDS = 6
_LETTER_D, _LETTER_O, _LETTER_Q, _PAGE_UP, _PAGE_DOWN, _END = 100, 111, 113, 280, 281, 279


class ChatScreen(BoxLayout):
    """All that is in the window."""

    people = NumericProperty(0)
    people_shown = BooleanProperty(True)
    state = StringProperty()
    """What stands in the bar on top: empty while the connection is fine."""
    told = StringProperty()
    """A short word to the person, gone after a while."""
    over = BooleanProperty(False)
    last_folder = StringProperty(str(Path.home()))

    def send(self) -> None:
        """Send what is written."""
        text = self.ids.input.text.strip("\n")
        if not text.strip() or self.over:
            return
        try:
            App.get_running_app().conversation.say(text)
        except TextTooLong as error:
            self.tell(str(error))
            return
        self.ids.input.text = ""
        self.write()

    def write(self, *_: Any) -> None:
        """Put the cursor where one writes."""
        self.ids.input.focus = not self.over

    def on_touch_up(self, touch: Any) -> bool:
        """After a click, wherever it was, one goes on writing."""
        Clock.schedule_once(self._write_again, 0)  # afterwards: Kivy takes the keyboard from what was not clicked
        return bool(super().on_touch_up(touch))

    def attach(self) -> None:
        """Ask for a file, and send it at once."""
        if not self.over:
            Chooser(self.last_folder, self._chosen).open()

    def send_file(self, path: Path) -> None:
        """Send a file, or say why not."""
        if self.over:
            return
        try:
            App.get_running_app().conversation.send_file(path)
        except NoFiles as error:
            self.tell(str(error))
        except OSError as error:
            self.tell(f"Cannot send {one_line(path.name)}: {error.strerror or error}")

    def look_at(self, path: Path, name: str) -> None:
        """Show a picture as large as the window."""
        Viewer(path, name).open()

    def open_outside(self, path: Path) -> None:
        """Have the system open a file with the program that it has for it."""
        try:
            opening.open_file(path)
        except opening.NotOpened as error:
            self.tell(str(error))

    def save_as(self, path: Path) -> None:
        """Ask where to, and copy a received file there."""
        Chooser(self.last_folder, lambda target: self._save(path, target), saves=path.name).open()

    def tell(self, text: str) -> None:
        """Say something that only this person needs to know."""
        self.told = text
        Clock.unschedule(self._hush)
        Clock.schedule_once(self._hush, _TOLD_SECONDS)

    def show_people(self, names: list[str]) -> None:
        """Who is here now."""
        self.people = len(names)
        self.ids.people.data = [{"text": one_line(name), "name": name} for name in names]

    def offer_copy(self, row: Row) -> None:
        """Copy what a row says."""
        copy(row.text if row.kind == TEXT else row.line)
        self.tell("Copied")

    def shortcut(self, key: int, modifiers: list[str]) -> bool:
        """Obey a key that means something everywhere in the window; False when it does not."""
        control = "ctrl" in modifiers or "meta" in modifiers
        if control and key == _LETTER_O:
            self.attach()
        elif control and key == _LETTER_Q:
            App.get_running_app().stop()
        elif control and key == _LETTER_D:
            theme = App.get_running_app().theme
            theme.dark = not theme.dark
        elif key in (_PAGE_UP, _PAGE_DOWN):
            self.ids.history.page(1 if key == _PAGE_UP else -1)
        elif control and key == _END:
            self.ids.history.go_to_end()
        else:
            return False
        return True

    def _write_again(self, *_: Any) -> None:
        window = self.get_root_window()
        if window and window.children[0] is self:  # else a dialog is open
            self.write()

    def _chosen(self, path: Path) -> None:
        self.last_folder = str(path.parent)
        self.send_file(path)

    def _save(self, path: Path, target: Path) -> None:
        try:
            saved = opening.save_file(path, target)
        except OSError as error:
            self.tell(f"Cannot save: {error.strerror or error}")
        else:
            self.tell(f"Saved: {saved}")

    def _hush(self, *_: Any) -> None:
        self.told = ""
