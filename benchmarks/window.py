"""How the window bears load: ``python3 -m benchmarks.window frames|session|keys``. No screen is needed.

frames   the time of a frame with 10 messages and with 10,000, 100 more arriving a second; memory a message
session  30 minutes in fast motion: 5,000 messages, 50 pictures, 5 videos; memory and threads
keys     from a key pressed to its letter drawn, while a large file arrives from a real server
"""

import argparse
import gc
import os
import random
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("SDL_VIDEODRIVER", "offscreen")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.environ.setdefault("KIVY_HOME", tempfile.mkdtemp(prefix="kivy-"))

from reference.gui.setup import prepare

prepare()

import kivy.base
from kivy.clock import Clock
from kivy.core.window import Window

from reference.client.events import FileOffered, FileReceived, Said, Welcomed
from reference.gui.app import ChatApp
from reference.gui.inbox import Inbox
from reference.gui.kinds import VIDEO

_TERMINAL = ("--yes", "--mode", "terminal", "--name", "sanjay")

_WORDS = "the quick brown fox jumps over a lazy dog while packets travel far away नमस्ते నమస్కారం 你好 👋🏽"

_ELSEWHERE = [*(["nice", "-n", "10"] if shutil.which("nice") else []), sys.executable, "-m"]
"""Begins the command of a program that would be on another machine: it gives way to the window."""

Script = Iterator[float]
"""What a benchmark does, in the window's thread; it yields how many seconds to wait."""


class StubClient:
    """A client without a network: what happens is put into the inbox by the benchmark."""

    name = "sravya"

    def say(self, text: str) -> None:
        """Nobody listens."""

    def get(self, number: int) -> bool:
        """There is no file."""
        return False

    def give_way(self) -> None:
        """There is nothing that could."""


class Frames:
    """How long each frame takes: all that the window's thread does in it, without the waiting for the next one."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []
        self._slept = 0.0
        self._idle = kivy.base.EventLoop.idle
        self._wait = Clock.idle
        kivy.base.EventLoop.idle = self._frame
        Clock.idle = self._sleep

    def _frame(self) -> None:
        self._slept = 0.0
        wall, cpu = time.perf_counter(), time.thread_time()
        self._idle()
        self.wall.append(time.perf_counter() - wall - self._slept)
        self.cpu.append(time.thread_time() - cpu)

    def _sleep(self) -> Any:
        start = time.perf_counter()
        try:
            return self._wait()
        finally:
            self._slept += time.perf_counter() - start


def run(script: Callable[[ChatApp, Inbox], Script], client: Any = None, inbox: Inbox | None = None) -> None:
    """Open a window, run a script in it, and close it."""
    inbox = inbox or Inbox()
    app = ChatApp(cast(Any, client or StubClient()), inbox, "dark")
    steps: list[Script] = []

    def step(_: float) -> None:
        try:
            if not steps:
                steps.append(script(app, inbox))
            Clock.schedule_once(step, next(steps[0]))
        except StopIteration:
            app.stop()

    Clock.schedule_once(step, 0.5)
    app.run()


def some_text(draw: random.Random) -> str:
    """A text as people write them: one to fourteen words."""
    words = _WORDS.split()
    return " ".join(draw.choice(words) for _ in range(draw.randint(1, 14))) + f" {draw.randint(0, 9999)}"


def memory() -> int:
    """Bytes that this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def frames(app: ChatApp, inbox: Inbox) -> Script:
    """10 messages and 10,000, in turn, so that both meet the same machine."""
    draw = random.Random(1)
    meter = Frames()
    inbox.put(Welcomed(("sanjay", "sravya")))
    history = app.root.ids.history
    # What is made once is made, and all caches fill, while the list keeps ten rows. Then it grows, by as many messages
    # in as many frames: so what is measured is what a row keeps, and nothing else.
    for number in range(10_000):
        app.conversation.show(Said("sanjay", some_text(draw)))
        if number % 200 == 0:
            history.data = history.data[-10:]
            yield 0
    history.data = history.data[-10:]
    gc.collect()
    before, rows = memory(), len(history.data)
    for number in range(10_000):
        app.conversation.show(Said("sanjay", some_text(draw)))
        if number % 200 == 0:
            yield 0
    gc.collect()
    print(f"memory a message: {(memory() - before) / (len(history.data) - rows):.0f} bytes")
    lists = {10: list(history.data)[-10:], 10_000: list(history.data)[-10_000:]}
    times: dict[int, list[float]] = {10: [], 10_000: []}
    cpu: dict[int, list[float]] = {10: [], 10_000: []}
    for _ in range(4):
        for size, data in lists.items():
            history.data = data
            history.go_to_end()
            yield 0.5
            meter.wall.clear()
            meter.cpu.clear()
            start, sent = time.perf_counter(), 0
            while (passed := time.perf_counter() - start) < 3:
                while sent < passed * 100:
                    inbox.put(Said("sanjay", some_text(draw)))
                    sent += 1
                yield 0
            times[size] += meter.wall
            cpu[size] += meter.cpu
    for name, measured in (("wall", times), ("cpu", cpu)):
        few, many = (statistics.median(measured[size]) * 1000 for size in (10, 10_000))
        print(f"median frame, {name}: {few:.2f} ms with 10, {many:.2f} ms with 10,000: {many / few:.2f} times")
    print(f"widgets in the list: {len(history.layout_manager.children)}")


def session(app: ChatApp, inbox: Inbox) -> Script:
    """5,000 messages, 50 pictures and 5 videos, and five times as much again, as fast as the window shows them.

    Memory must have become flat when the list has as many rows as it keeps. Each part is what 30 minutes bring at three
    messages a second.
    """
    from imageio_ffmpeg import get_ffmpeg_exe
    from PIL import Image

    from reference.gui.history import MAX_ROWS

    folder = Path(tempfile.mkdtemp())
    video = folder / "clip.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=s=640x360:r=25:d=2", "-pix_fmt", "yuv420p"]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, str(video)], check=True)
    draw = random.Random(1)
    inbox.put(Welcomed(("sanjay", "sravya")))
    number = 0
    start = time.perf_counter()
    for part in range(1, 7):
        for each in range(5_000):
            app.conversation.show(Said("sanjay", some_text(draw)))
            if each % 100 == 0:  # 50 pictures
                number += 1
                path = folder / f"{number}.jpg"
                Image.effect_noise((1200, 800), 60 + number % 40).convert("RGB").save(path)
                inbox.put(FileOffered(number, "sanjay", path.name, path.stat().st_size, False))
                inbox.put(FileReceived(number, path.name, path))
            if each % 1000 == 0:  # 5 videos
                number += 1
                inbox.put(FileOffered(number, "sanjay", video.name, 1, False))
                inbox.put(FileReceived(number, video.name, video))
                files = app.conversation._files
                while number not in files or files[number].kind != VIDEO:
                    yield 0.1
                app.conversation.act(files[number], "Play")
                while (file := files[number].file) is not None and file.picture is None:
                    yield 0.1
                yield 1.0
            if each % 20 == 0:
                yield 0
        yield 2
        app.conversation.close()
        gc.collect()
        rows = f"{len(app.root.ids.history.data)} of {MAX_ROWS} rows"
        seconds = time.perf_counter() - start
        print(f"{part * 5000} messages: {memory() / 1e6:.0f} MB, {rows}, after {seconds:.0f} s", flush=True)


def keys(size: int, rounds: int) -> None:
    """Type while a file arrives from a real server, sent by a real client in a process of its own.

    These two would be on other machines, so they give way to the window, and still send faster than a gigabit line. The
    time counts from when a key was due, so a window that looks late after the keys is not let off.
    """
    from reference.client.connection import Client

    folder = Path(tempfile.mkdtemp())
    big = folder / "big.bin"
    with big.open("wb") as file:
        file.truncate(size)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen([*_ELSEWHERE, "reference.server", "127.0.0.1", str(port)], stdout=subprocess.DEVNULL)
    inbox = Inbox()
    client = Client("127.0.0.1", port, lambda event: target(event), folder / "downloads", 10**12)
    target: Callable[[Any], None] = inbox.put
    for _ in range(100):
        try:
            client.connect()
            break
        except OSError:
            time.sleep(0.1)
    client.join("sravya")
    sender = subprocess.Popen(
        [*_ELSEWHERE, "reference.client", "127.0.0.1", str(port), *_TERMINAL, "--downloads", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert sender.stdin is not None
    times: list[float] = []
    state = {"pressed": 0.0}
    flip = Window.flip

    def flip_and_note() -> None:
        flip()
        if state["pressed"]:
            times.append(time.perf_counter() - state["pressed"])
            state["pressed"] = 0.0

    Window.flip = flip_and_note

    def busy(app: ChatApp) -> bool:
        files = [row.file for row in app.conversation._files.values()]
        return any(file is not None and file.state == "coming" for file in files)

    def typing(app: ChatApp, goes_on: Callable[[int], bool]) -> Script:
        draw = random.Random(1)
        times.clear()
        while goes_on(len(times)):
            pause = draw.uniform(0.03, 0.12)
            due = time.perf_counter() + pause
            yield pause
            state["pressed"] = due
            app.root.ids.input.insert_text(draw.choice("abcdefgh "))
            if len(app.root.ids.input.text) > 60:
                app.root.ids.input.text = ""

    def script(app: ChatApp, __: Inbox) -> Script:
        assert sender.stdin is not None
        yield from typing(app, lambda done: done < 100)
        print(f"nothing arrives: {_spread(times)}")
        all_times: list[float] = []
        for _ in range(rounds):
            sender.stdin.write(f"!send {big}\n")
            sender.stdin.flush()
            while not busy(app):
                yield 0.02
            start = time.perf_counter()
            yield from typing(app, lambda done: busy(app))
            print(f"{size / 1e9:.1f} GB in {time.perf_counter() - start:.1f} s: {_spread(times)}", flush=True)
            all_times += times
            for file in (folder / "downloads" / "sravya").iterdir():
                file.unlink()
        print(f"all rounds: {_spread(all_times)}")

    try:
        run(script, client, inbox)
    finally:
        inbox.close()
        client.leave()
        sender.terminate()
        server.terminate()


def _spread(times: list[float]) -> str:
    ordered = sorted(each * 1000 for each in times)
    p99 = ordered[int(len(ordered) * 0.99)]
    return (
        f"{len(ordered)} keys: median {statistics.median(ordered):.1f} ms, p99 {p99:.1f} ms, most {ordered[-1]:.1f} ms"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.window", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["frames", "session", "keys"])
    parser.add_argument("--size", type=float, default=1e9, help="bytes of the file, for keys")
    parser.add_argument("--rounds", type=int, default=5, help="how often it arrives, for keys")
    options = parser.parse_args()
    before = threading.active_count()
    if options.what == "keys":
        keys(int(options.size), options.rounds)
    else:
        run({"frames": frames, "session": session}[options.what])
    print(f"threads left: {threading.active_count() - before}")


if __name__ == "__main__":
    main()
