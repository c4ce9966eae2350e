"""Playing a sound or a video with FFmpeg. No Kivy: pixels come out, sound goes to the system."""

from pathlib import Path
from typing import Any

from ffpyplayer.player import MediaPlayer
from ffpyplayer.tools import set_loglevel

set_loglevel("quiet")  # what FFmpeg has to say about broken files is not for the terminal

_SAME_AUDIO = "aresample=44100"
"""A sound filter that does little, because FFmpeg's player never starts a WAV without any."""


class Player:
    """One sound or video, from its beginning to its end. Poll it; it has threads of its own inside."""

    def __init__(self, path: Path, video: bool, size: tuple[int, int] | None = None, paused: bool = False) -> None:
        """``size`` is what the video's pixels are wanted in, if not its own."""
        options: dict[str, Any] = {"paused": paused, "af": _SAME_AUDIO, "sn": True, "out_fmt": "rgb24"}
        if not video:
            options["vn"] = True  # the cover that many MP3s carry is a video to FFmpeg
        if size is not None:
            options["x"], options["y"] = size
        # No callback: it would come from a thread of FFmpeg's.
        self._player = MediaPlayer(str(path), ff_opts=options, lib_opts={"protocol_whitelist": "file"})
        self.playing = not paused
        self.ended = False

    @property
    def duration(self) -> float:
        """Seconds in all; 0 while unknown."""
        return float(self._player.get_metadata().get("duration") or 0)

    @property
    def position(self) -> float:
        """Seconds from the beginning."""
        if not self.duration:
            return 0.0  # before anything is known of the file, FFmpeg's player crashes on the question
        position = float(self._player.get_pts() or 0)
        return position if 0 <= position < 1e7 else 0.0  # it is "not a number" before the first frame

    @property
    def video_size(self) -> tuple[int, int]:
        """The video's own width and height; zeros while unknown."""
        width, height = self._player.get_metadata().get("src_vid_size") or (0, 0)
        return int(width), int(height)

    def frame(self) -> tuple[bytes, tuple[int, int]] | None:
        """The next picture when its time has come: RGB bytes and size. Also what notices the end."""
        frame, value = self._player.get_frame(force_refresh=not self.playing)
        if value == "eof":
            self.ended = True
        if frame is None:
            return None
        image, _ = frame
        return bytes(image.to_bytearray()[0]), image.get_size()

    def pause(self, paused: bool) -> None:
        """Stop for a while, or go on."""
        self.playing = not paused
        self._player.set_pause(paused)

    def seek(self, seconds: float) -> None:
        """Go to a position."""
        if self.duration:  # as for the position
            self._player.seek(seconds, relative=False, accurate=False)

    def close(self) -> None:
        """End it, and its threads."""
        self._player.close_player()
