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

SIZES = {"window": (720, 1360), "scripts": (720, 1075)}
"""Of each picture's window, in pixels. An offscreen one keeps the size it was made with: each has its own process."""

if __name__ == "__main__" and len(sys.argv) == 3:
    for side, pixels in zip(("width", "height"), SIZES[sys.argv[2]], strict=True):
        Config.set("graphics", side, str(pixels))

from kivy.base import EventLoop, runTouchApp
from kivy.core.window import Window
from PIL import Image

from labkit.sample_files import make_files
from reference.client.connection import Client
from reference.gui.app import ChatApp
from reference.gui.inbox import Inbox

DEADLINE = 120.0

_GREETINGS = (
    ("sanjay", "hello everyone 👋🏽"),
    ("अर्जुन", "नमस्ते! Is the server up?"),
    ("లక్ష్మి", "నమస్కారం 😀 it is, on port 5050"),
    ("林", "你好, and مرحبا from the other laptop 🎉"),
)
_MORE = (
    ("sanjay", "How do you say hello? I know “grüß dich”, “Привет” and “γεια σου”"),
    ("سارة", "مرحبا بكم في غرفة الدردشة!"),
    ("林", "大家好！今天我们写服务器 server 🚀"),
    ("అర్జున్", "శుభోదయం! TCP కనెక్షన్ సిద్ధం ✅"),
)


def main(folder: Path, name: str | None = None) -> int:
    """Take the picture of that name, or each."""
    if name is None:
        command = [sys.executable, "-m", "labkit.screenshots", str(folder)]
        return max(subprocess.call([*command, each]) for each in SIZES)
    picture = folder.resolve() / f"{name}.png"
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "reference.server", "127.0.0.1", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            line = next(line for line in server.stdout if line.startswith("[SERVER LISTENING]"))
            threading.Thread(target=server.stdout.read, daemon=True).start()
            try:
                os.chdir(scratch)  # the files go to downloads/, as for everybody
                session = Session(int(line.rpartition(":")[2]))
                session.media(picture) if name == "window" else session.scripts(picture)
                session.close()
            finally:
                server.terminate()
    return 0


class Session:
    """One evening in the chat, as the window shows it."""

    def __init__(self, port: int) -> None:
        self._port = port
        inbox = Inbox()
        self._client = self._join("sravya", inbox.put)
        self._app = ChatApp(self._client, inbox, "dark")
        self._others: dict[str, Client] = {}
        self._app._run_prepare()
        EventLoop.status = "closed"
        runTouchApp(embedded=True)

    def media(self, picture: Path) -> None:
        """All kinds of files in one session: early, in the dark theme, and beside it later, in the light one."""
        for sender, text in _GREETINGS:
            self._say(sender, text)
        self._app.conversation.say("Welcome! Show me what you have ❤️")
        names = ["sanjay", "अर्जुन", "林", "sanjay", "sanjay", "林", "లక్ష్మి", "లక్ష్మి"]
        folder = Path("files")
        folder.mkdir()
        for sender, path in zip(names, make_files(folder), strict=True):
            self._others[sender].send_file(path)
            self._until_rows(1)
            row = self._rows()[-1]
            self._until(lambda row=row: row.file.preview is not None)  # type: ignore[misc]
            if path.name == "lake.jpg":
                self._app.conversation.say("Beautiful!")
            if path.name == "diagram.png":
                early = self._take(picture)
        self._app.theme.dark = False
        late = self._take(picture)
        both = Image.new("RGB", (early.width + 24 + late.width, early.height), "white")
        both.paste(early)
        both.paste(late, (early.width + 24, 0))
        _save(both, picture)

    def scripts(self, picture: Path) -> None:
        """Names and texts in many scripts, next to each other."""
        for sender, text in (*_GREETINGS, *_MORE):
            self._say(sender, text)
        self._app.conversation.say("నమస్కారం, नमस्ते, 你好, مرحبا, hello 👋🏽 everyone is here")
        _save(self._take(picture), picture)

    def close(self) -> None:
        """Everybody leaves."""
        self._app.dispatch("on_stop")
        for each in (*self._others.values(), self._client):
            each.leave()

    def _say(self, sender: str, text: str) -> None:
        if sender not in self._others:
            self._others[sender] = self._join(sender, lambda event: None)
            self._until(lambda: self._app.root.people == len(self._others) + 1)
        self._others[sender].say(text)
        self._until_rows(1)

    def _join(self, name: str, show: Callable[[Any], None]) -> Client:
        client = Client("127.0.0.1", self._port, show)
        client.connect()
        client.join(name)
        return client

    def _rows(self) -> Any:
        return self._app.root.ids.history.data

    def _until_rows(self, more: int) -> None:
        wanted = len(self._rows()) + more
        self._until(lambda: len(self._rows()) >= wanted)

    def _until(self, true: Callable[[], Any]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError("the window does not show what it should")
            EventLoop.idle()

    def _take(self, path: Path) -> Image.Image:
        for _ in range(30):
            EventLoop.idle()
        taken = Path(Window.screenshot(name=str(path)))  # it counts: window0001.png
        image = Image.open(taken).convert("RGB")
        taken.unlink()
        return image


def _save(image: Image.Image, path: Path) -> None:
    image.save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
