"""The widgets that show files: a card, and what is in it for a picture, a sound and a video. Looks: cards.kv."""

from typing import Any

from kivy.app import App
from kivy.clock import Clock
from kivy.properties import BooleanProperty, ListProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.widget import Widget

from reference.gui import measure
from reference.gui.bubbles import BubbleRow
from reference.gui.kinds import is_program
from reference.gui.previews import Preview
from reference.gui.rows import FileItem, Row
from reference.gui.sizes import readable
from reference.gui.textures import make_texture

_BUTTONS = {  # what can be done with a file, by its state
    FileItem.WAITS: ("Download",),
    FileItem.COMING: ("Cancel",),
    FileItem.GOING: ("Cancel",),
    FileItem.HERE: ("Open", "Save as"),
    FileItem.SENT: (),
    FileItem.FAILED: ("Try again",),
}


class FileRow(BubbleRow):
    """A card: name, size and type, how it goes, and what can be done."""

    file = ObjectProperty(None, allownone=True)
    title = StringProperty()
    about = StringProperty()
    status = StringProperty()
    note = StringProperty()
    progress = NumericProperty(0)
    moving = BooleanProperty(False)
    buttons = ListProperty()
    media_height = NumericProperty(0)
    media_width = NumericProperty(0)

    def show(self, row: Row) -> None:
        """Follow another file."""
        super().show(row)
        file = row.file
        assert file is not None
        if self.file is not file:
            if self.file is not None:
                self.file.unbind(done=self._follow)
            self.file = file
            file.bind(done=self._follow)
        self.title = file.name
        self.status = file.status
        self.note = file.note
        self.moving = file.state in (FileItem.COMING, FileItem.GOING)
        self.buttons = _BUTTONS[file.state]
        self.media_height = measure.media_height(row, row.bubble - 2 * measure.PAD)
        self.media_width = measure.media_width(row, row.bubble - 2 * measure.PAD)
        self._follow()

    def press(self, button: str) -> None:
        """Do what a button says."""
        App.get_running_app().conversation.act(self.row, button)

    def _follow(self, *_: Any) -> None:
        file = self.file
        self.progress = file.done / file.size if file.size else 0
        size = readable(file.size)
        if self.moving and file.done:
            size = f"{readable(int(file.done))} of {size}"
        kind = f" · {file.preview.type_name}" if file.preview else ""
        warning = " · a program: be careful" if is_program(file.name) and not self.row.mine else ""
        self.about = size + kind + warning


class PictureRow(FileRow):
    """A picture, moving or not, that opens large."""

    def appear(self) -> None:
        """Show it again, and let it move."""
        self.ids.picture.appear()

    def show(self, row: Row) -> None:
        """Show the picture."""
        super().show(row)
        self.ids.picture.show(row)


class SoundRow(FileRow):
    """A sound that can be played."""

    def show(self, row: Row) -> None:
        """Show the controls."""
        super().show(row)
        self.ids.controls.row = row


class VideoRow(FileRow):
    """A video that plays where it stands."""

    def appear(self) -> None:
        """Show its picture again."""
        self.ids.picture.appear()

    def show(self, row: Row) -> None:
        """Show the first picture and the controls."""
        super().show(row)
        self.ids.picture.show(row)
        self.ids.controls.row = row


class MediaView(Widget):
    """Where a picture, an animation or a video appears."""

    texture = ObjectProperty(None, allownone=True)
    row = ObjectProperty(None, allownone=True)

    def show(self, row: Row) -> None:
        """Show a row's picture; ask for it if its pixels are not in memory."""
        if self.row is not row:
            if self.row is not None:
                self.row.file.unbind(preview=self._draw, picture=self._draw_video)
            self.row = row
            self.row.file.bind(preview=self._draw, picture=self._draw_video)
        self._draw()

    def appear(self) -> None:
        """It has come into sight."""
        self._draw()

    def on_touch_up(self, touch: Any) -> bool:
        """A click opens a picture large, and plays or stops a video."""
        if self.collide_point(*touch.pos) and touch.button == "left" and _is_click(touch):
            App.get_running_app().conversation.act(self.row, "Look")
            return True
        return bool(super().on_touch_up(touch))

    def _draw(self, *_: Any) -> None:
        Clock.unschedule(self._next_frame)
        preview: Preview | None = self.row.file.preview
        if preview is None or self.get_parent_window() is None:
            self.texture = None  # out of sight it has none; appear() comes when that changes
            return
        if not preview.frames:
            if self.texture is None:
                App.get_running_app().conversation.look_again(self.row)
            return
        App.get_running_app().conversation.shown(self.row)
        self.texture = make_texture((preview.width, preview.height), "rgba")
        self._at = -1
        self._next_frame()

    def _next_frame(self, *_: Any) -> None:
        preview = self.row.file.preview
        if self.get_parent_window() is None or not preview.frames:
            return
        self._at = (self._at + 1) % len(preview.frames)
        frame = preview.frames[self._at]
        self.texture.blit_buffer(frame.pixels, colorfmt="rgba", bufferfmt="ubyte")
        self.canvas.ask_update()
        if len(preview.frames) > 1:
            Clock.schedule_once(self._next_frame, frame.seconds)

    def _draw_video(self, *_: Any) -> None:
        picture = self.row.file.picture
        if picture is None:
            self._draw()
            return
        pixels, size = picture
        if self.texture is None or self.texture.size != size or self.texture.colorfmt != "rgb":
            self.texture = make_texture(size, "rgb")
        self.texture.blit_buffer(pixels, colorfmt="rgb", bufferfmt="ubyte")
        self.canvas.ask_update()


class Controls(Widget):
    """Play, pause, and where it is."""

    row = ObjectProperty(None, allownone=True)
    file = ObjectProperty(None, allownone=True)
    duration = NumericProperty(0)
    position = NumericProperty(0)
    playing = BooleanProperty(False)

    def on_row(self, *_: Any) -> None:
        """Follow another file."""
        if self.file is not None:
            self.file.unbind(position=self.setter("position"), playing=self.setter("playing"))
        self.file = self.row.file
        self.file.bind(position=self.setter("position"), playing=self.setter("playing"))
        self.position, self.playing = self.file.position, self.file.playing
        self.duration = self.file.preview.duration if self.file.preview else 0

    def toggle(self) -> None:
        """Play or pause."""
        App.get_running_app().conversation.act(self.row, "Play")

    def on_touch_down(self, touch: Any) -> bool:
        """A click on the line goes there."""
        line = self.ids.line
        if line.collide_point(*touch.pos) and touch.button == "left":
            App.get_running_app().conversation.seek(self.row, (touch.x - line.x) / line.width)
            return True
        return bool(super().on_touch_down(touch))


def clock(seconds: float) -> str:
    """Seconds as a player shows them: ``1:05``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _is_click(touch: Any) -> bool:
    return bool(abs(touch.x - touch.ox) < 8 and abs(touch.y - touch.oy) < 8)
