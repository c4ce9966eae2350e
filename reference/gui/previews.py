"""A thread that looks into files and makes what the list shows of them, so that no decoder ever stops the window."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from reference.gui import kinds
from reference.gui.pictures import MAX_PIXELS, TOO_LARGE, Frame, NotShown, Picture, decode

MAX_KEPT = 48 * 1024 * 1024
"""Bytes of decoded pictures kept; others are decoded anew when they come in sight again."""

PROBE_SECONDS = 3.0
"""How long a sound or a video may take to show what it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """What is shown of a file."""

    kind: str
    type_name: str
    width: int = 0
    height: int = 0
    frames: tuple[Frame, ...] = ()
    """Empty when they have been thrown away to save memory: ask again."""
    duration: float = 0
    note: str = ""
    """Why it is not shown, though its name claims it could be."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """News for the window: the preview of a file is ready."""

    key: Any
    preview: Preview


class Previews:
    """Makes previews one after the other; each comes out by ``put``, from this thread."""

    def __init__(self, put: Callable[[Prepared], None], size: tuple[int, int]) -> None:
        """``size`` is the largest that is shown, in pixels."""
        self._put = put
        self._size = size
        self._wanted: SimpleQueue[tuple[object, Path, str] | None] = SimpleQueue()
        self._closing = Event()
        self._thread = Thread(target=self._run, name="previews", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def want(self, key: object, path: Path, name: str) -> None:
        """Have a preview made; ``key`` comes back with it."""
        self._wanted.put((key, path, name))

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._wanted.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while (wanted := self._wanted.get()) is not None and not self._closing.is_set():
            key, path, name = wanted
            self._put(Prepared(key, self._look(path, name)))

    def _look(self, path: Path, name: str) -> Preview:
        claimed = kinds.claims(name)
        found = kinds.Kind(kinds.FILE, "file")
        try:
            found = kinds.kind_of(path)
            if found.kind == kinds.PICTURE:
                return self._picture(decode(path, *self._size), found)
            if found.kind in (kinds.SOUND, kinds.VIDEO):
                return self._sound_or_video(path, found)
            if claimed != kinds.FILE:
                raise NotShown(f"it is no {claimed}, whatever its name says")
        except (NotShown, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return Preview(kinds.FILE, found.name, note=f"Cannot be shown: {reason}")
        return Preview(kinds.FILE, found.name)

    def _picture(self, picture: Picture, found: kinds.Kind, duration: float = 0) -> Preview:
        return Preview(found.kind, found.name, picture.width, picture.height, picture.frames, duration)

    def _sound_or_video(self, path: Path, found: kinds.Kind) -> Preview:
        from reference.gui.player import Player  # here, because FFmpeg takes a while to load

        player = Player(path, video=found.kind == kinds.VIDEO, paused=True)
        try:
            until = time.monotonic() + PROBE_SECONDS
            while time.monotonic() < until and not self._closing.is_set():
                width, height = player.video_size
                if width * height > MAX_PIXELS:
                    raise NotShown(TOO_LARGE)
                frame = player.frame()
                if found.kind == kinds.SOUND and player.duration:
                    return Preview(found.kind, found.name, duration=player.duration)
                if frame is not None and found.kind == kinds.VIDEO:
                    return self._poster(*frame, player.duration, found)
                if player.ended:
                    break
                time.sleep(0.02)
        finally:
            player.close()
        raise NotShown("it is damaged, or in a format that is not known here")

    def _poster(self, pixels: bytes, size: tuple[int, int], duration: float, found: kinds.Kind) -> Preview:
        from PIL import Image

        image = Image.frombytes("RGB", size, pixels).convert("RGBA")
        image.thumbnail(self._size)
        return self._picture(Picture(*image.size, (Frame(image.tobytes(), 0.0),)), found, duration)


class Kept:
    """Which previews have their frames in memory, the least recently made or shown first. For the window's thread."""

    def __init__(self, most: int = MAX_KEPT) -> None:
        self._most = most
        self._sizes: OrderedDict[Any, int] = OrderedDict()

    def touch(self, key: Any, preview: Preview) -> list[Any]:
        """This one is made or shown now; returns those whose frames must go."""
        self._sizes[key] = sum(len(frame.pixels) for frame in preview.frames)
        self._sizes.move_to_end(key)
        gone = []
        while sum(self._sizes.values()) > self._most and len(self._sizes) > 1:
            gone.append(self._sizes.popitem(last=False)[0])
        return gone

    def forget(self, key: Any) -> None:
        """This one is no longer wanted."""
        self._sizes.pop(key, None)
