"""Who plays: one sound or video at a time."""

from typing import Any

from kivy.clock import Clock

from reference.gui.player import Player
from reference.gui.rows import VIDEO, FileItem, Row


class Stage:
    """Starts, follows and ends what plays. ``file.player`` is set while a file is on it."""

    def __init__(self) -> None:
        self._row: Row | None = None
        self._clock: Any = None

    def toggle(self, row: Row) -> None:
        """Play a row's file, or pause it, or go on."""
        file = row.file
        if file is None or file.path is None or file.preview is None:
            return
        if self._row is not row:
            self.clear()
            size = (file.preview.width, file.preview.height) if row.kind == VIDEO else None
            file.player = Player(file.path, row.kind == VIDEO, size)
            self._row = row
            self._clock = Clock.schedule_interval(self._follow, 1 / 60)
        else:
            file.player.pause(file.player.playing)
        file.playing = file.player.playing

    def seek(self, row: Row, share: float) -> None:
        """Go to a position, from 0 (the beginning) to 1."""
        if row is self._row and row.file is not None:
            row.file.player.seek(share * row.file.player.duration)

    def clear(self) -> None:
        """End what plays."""
        if self._row is None:
            return
        file, self._row = self._row.file, None
        self._clock.cancel()
        assert file is not None
        file.player.close()
        file.player = None
        file.playing = False
        file.position = 0
        file.picture = None

    def _follow(self, _: float) -> None:
        file: FileItem | None = self._row.file if self._row else None
        if file is None:
            return
        picture = file.player.frame()
        if picture is not None:
            file.picture = picture
        file.position = file.player.position
        if file.player.ended or (file.player.duration and file.position >= file.player.duration - 0.02):
            self.clear()
