"""Make the pictures of the window anew: ``python -m labkit.screenshots labs/images``. No screen is needed.

A real server, a real client behind the window, and four more who talk and send real files; only the surface is
offscreen.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["SDL_VIDEODRIVER"] = "offscreen"
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.environ.setdefault("KIVY_HOME", tempfile.mkdtemp(prefix="kivy-"))

from reference.gui.setup import prepare

prepare()

from kivy.config import Config

SIZES = {"window": (1000, 1150), "window-light": (1000, 1150), "window-media": (1000, 2410)}
"""Of each picture, in pixels. An offscreen window keeps the size it was made with, so each has a process of its own."""

if __name__ == "__main__" and len(sys.argv) == 3:
    for side, pixels in zip(("width", "height"), SIZES[sys.argv[2]], strict=True):
        Config.set("graphics", side, str(pixels))

from imageio_ffmpeg import get_ffmpeg_exe
from kivy.base import EventLoop, runTouchApp
from kivy.core.window import Window
from PIL import Image, ImageDraw, ImageFont

from reference.client.connection import Client
from reference.gui.app import ChatApp
from reference.gui.inbox import Inbox

DEADLINE = 60.0


def main(folder: Path, name: str | None = None) -> int:
    """Tell the story, and take the picture of that name, or each."""
    if name is None:
        command = [sys.executable, "-m", "labkit.screenshots", str(folder)]
        return max(subprocess.call([*command, each]) for each in SIZES)
    picture = folder.resolve() / f"{name}.png"
    with tempfile.TemporaryDirectory() as scratch:
        files = make_files(Path(scratch))
        command = [sys.executable, "-m", "reference.server", "127.0.0.1", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            line = next(line for line in server.stdout if line.startswith("[SERVER LISTENING]"))
            threading.Thread(target=server.stdout.read, daemon=True).start()
            try:
                os.chdir(scratch)  # the files go to downloads/, as for everybody
                Session(int(line.rpartition(":")[2]), "light" if "light" in name else "dark").tell(files, picture)
            finally:
                server.terminate()
    return 0


def make_files(folder: Path) -> list[Path]:
    """A JPEG, a PNG, an animated GIF, an MP3, a WAV, an MP4, a PDF, and a JPEG that is broken."""
    sources = {
        "sunset.jpg": [
            "-f",
            "lavfi",
            "-i",
            "gradients=s=1280x560:c0=0x31206b:c1=0xf6a04d:x0=640:y0=0:x1=640:y1=560:d=1:speed=0.00001:seed=1",
        ],
        "spinner.gif": [
            "-f",
            "lavfi",
            "-i",
            "life=s=160x90:r=10:ratio=0.2:life_color=#46d27a",
        ],
        "song.mp3": ["-f", "lavfi", "-i", "sine=frequency=330:duration=127"],
        "bell.wav": ["-f", "lavfi", "-i", "sine=frequency=880:duration=4"],
        "fractal.mp4": ["-f", "lavfi", "-i", "mandelbrot=s=640x300:r=12:start_scale=0.02", "-pix_fmt", "yuv420p"],
    }
    for name, source in sources.items():
        limit = {"sunset.jpg": ["-frames:v", "1"], "spinner.gif": ["-t", "2"], "fractal.mp4": ["-t", "6"]}.get(name, [])
        subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, *limit, str(folder / name)], check=True)
    diagram = Image.new("RGB", (720, 200), "white")
    draw = ImageDraw.Draw(diagram)
    for place, label in enumerate(("client", "server", "client")):
        draw.rounded_rectangle((30 + place * 250, 60, 190 + place * 250, 140), 14, outline="#1670b8", width=4)
        draw.text((75 + place * 250, 88), label, fill="#17202a", font=ImageFont.load_default(26))
    for place in range(2):
        draw.line((195 + place * 250, 100, 275 + place * 250, 100), fill="#17202a", width=4)
    diagram.save(folder / "diagram.png")
    Image.new("RGB", (600, 800), "white").save(folder / "handout.pdf")
    whole = folder / "whole.jpg"
    Image.effect_noise((1600, 1200), 80).convert("RGB").save(whole)
    (folder / "broken.jpg").write_bytes(whole.read_bytes()[:400_000])
    names = (
        "sunset.jpg",
        "diagram.png",
        "spinner.gif",
        "song.mp3",
        "bell.wav",
        "fractal.mp4",
        "handout.pdf",
        "broken.jpg",
    )
    return [folder / name for name in names]


class Session:
    """One evening in the chat, as the window shows it."""

    def __init__(self, port: int, theme: str) -> None:
        inbox = Inbox()
        self._client = self._join(port, "sravya", inbox.put)
        self._app = ChatApp(self._client, inbox, theme)
        self._others = {name: self._join(port, name, lambda event: None) for name in ("sanjay", "లక్ష్మి", "अर्जुन", "林")}

    def tell(self, files: list[Path], picture: Path) -> None:
        """Say and send, and take the picture: the tall one of all files, the others of the first two."""
        app = self._app
        app._run_prepare()
        EventLoop.status = "closed"
        runTouchApp(embedded=True)
        self._until(lambda: app.root.people == 5)
        for name, text in (
            ("sanjay", "hello everyone 👋🏽"),
            ("अर्जुन", "नमस्ते! Is the server up?"),
            ("లక్ష్మి", "నమస్కారం 😀 it is, on port 5050"),
            ("林", "你好, مرحبا, and hello from the other laptop 🎉"),
        ):
            self._others[name].say(text)
            self._until_rows(1)
        app.conversation.say("Welcome! Here is what we built this week ❤️")
        for number, path in enumerate(files):
            self._others["sanjay" if number < 6 else "లక్ష్మి"].send_file(path)
            self._until_rows(1)
            row = app.root.ids.history.data[-1]
            self._until(lambda row=row: row.file.preview is not None)  # type: ignore[misc]
            if path.name == "sunset.jpg":
                app.conversation.say("Beautiful!")
            if path.name == "diagram.png" and Window.height < 2000:
                break
        self._take(picture)
        app.dispatch("on_stop")
        for each in (*self._others.values(), self._client):
            each.leave()

    def _join(self, port: int, name: str, show: Callable[[Any], None]) -> Client:
        client = Client("127.0.0.1", port, show)
        client.connect()
        client.join(name)
        return client

    def _until_rows(self, more: int) -> None:
        wanted = len(self._app.root.ids.history.data) + more
        self._until(lambda: len(self._app.root.ids.history.data) >= wanted)

    def _until(self, true: Callable[[], Any]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError("the window does not show what it should")
            EventLoop.idle()

    def _take(self, path: Path) -> None:
        for _ in range(30):
            EventLoop.idle()
        taken = Path(Window.screenshot(name=str(path)))  # it counts: window0001.png
        Image.open(taken).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        taken.unlink()
        print(path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
