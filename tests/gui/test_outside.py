"""Transcript 6, from outside: a real window, real keys and clicks, and a real terminal on the other side."""

import os
import subprocess
import sys

import pytest
from PIL import Image

from tests.gui.desk import ROOT, Desk, count

GREEN, MINE, THEIRS = (0x4C, 0xCF, 0x7A), (0x1F, 0x5F, 0x8B), (0x23, 0x2C, 0x37)


def test_window_and_terminal_talk_and_share_files_both_ways(desk: Desk):
    """Texts and files go from the window to the terminal and back, and the close button says goodbye."""
    window = desk.window("sravya")
    window.shows(lambda picture: count(picture, GREEN) > 30, "a greeting in green")
    assert window.title == "GroupMediaChat"

    sanjay = desk.terminal("sanjay")
    sanjay.types("hello")
    window.shows(lambda picture: count(picture, THEIRS) > 1000, "a bubble with sanjay's text")

    window.writes("hi sanjay")
    window.keys("Return")
    sanjay.sees(r"(?m)^\[sravya\] hi sanjay$")
    window.shows(lambda picture: count(picture, MINE) > 1000, "a bubble with our own text")

    window.writes("two")
    window.keys("shift+Return")
    window.writes("lines")
    window.keys("Return")
    sanjay.sees(r"(?m)^\[sravya\] two\n    lines$")

    picture = desk.folder / "red.png"
    Image.new("RGB", (300, 200), (250, 10, 20)).save(picture)
    sanjay.types(f"!send {picture}")
    sanjay.sees("File Successfully sent")
    window.shows(lambda shown: count(shown, (250, 10, 20)) > 300 * 200 * 0.95, "the picture's preview")
    assert (window.folder / "downloads" / "sravya" / "red.png").read_bytes() == picture.read_bytes()

    content = os.urandom(300_000)
    (window.folder / "notes.bin").write_bytes(content)
    window.clicks(768, 653)  # Attach File
    window.shows(lambda shown: count(shown, (0x1A, 0x21, 0x2A)) > 300_000, "the file chooser")
    window.writes("notes.bin")  # no more: xdotool loses a key now and then when a machine is very busy
    window.clicks(804, 612)  # Select
    window.shows(lambda shown: count(shown, (0x1A, 0x21, 0x2A)) < 300_000, "the chat again")
    sanjay.sees(r"(?m)^\[sravya\] !send notes\.bin$")
    sanjay.sees(r"(?m)^Receiving notes\.bin \(300000 bytes\)$")
    sanjay.sees(r"(?m)^Successfully received: ")
    assert (sanjay.folder / "downloads" / "sanjay" / "notes.bin").read_bytes() == content

    window.closes()
    sanjay.sees(r"(?m)^sravya exited the chat$")
    desk.server.sees(r"(?m)^\[sravya\] !DISCONNECT$")
    assert window.output == ""


def test_control_q_leaves(desk: Desk):
    """The keyboard alone ends it too."""
    window = desk.window("sravya")
    window.shows(lambda picture: count(picture, GREEN) > 30, "a greeting in green")
    window.keys("ctrl+q")
    assert window.ends() == 0
    desk.server.sees(r"(?m)^\[sravya\] !DISCONNECT$")


def test_escape_closes_the_chooser_and_not_the_chat(desk: Desk):
    """Ctrl+O opens it, Escape closes it, and one goes on writing."""
    window = desk.window("sravya")
    sanjay = desk.terminal("sanjay")
    window.shows(lambda picture: count(picture, GREEN) > 30, "a greeting in green")
    window.keys("ctrl+o")
    window.shows(lambda shown: count(shown, (0x1A, 0x21, 0x2A)) > 300_000, "the file chooser")
    window.keys("Escape")
    window.shows(lambda picture: count(picture, GREEN) > 30, "the chat again")
    window.writes("still here")
    window.keys("Return")
    sanjay.sees(r"(?m)^\[sravya\] still here$")


def test_control_c_in_its_terminal_closes_the_window(desk: Desk):
    """As it ends a terminal client."""
    window = desk.window("sravya")
    window.shows(lambda picture: count(picture, GREEN) > 30, "a greeting in green")
    window.process.terminate()
    assert window.ends() == 0
    desk.server.sees(r"(?m)^\[sravya\] !DISCONNECT$")


def test_a_server_that_ends_is_told_and_the_window_stays(desk: Desk):
    """What was said can still be read; closing then ends with status 0."""
    window = desk.window("sravya")
    window.shows(lambda picture: count(picture, GREEN) > 30, "a greeting in green")
    desk.server.process.terminate()
    window.shows(lambda picture: count(picture, (0x8A, 0x3B, 0x2F)) > 5000, "a bar that says so")
    window.closes()


@pytest.mark.parametrize("display", ["", ":987"])
def test_without_a_display_one_line_says_what_to_do(desk: Desk, display: str):
    """Exit status 1, no traceback, and the terminal is offered; nobody has joined."""
    environment = {key: value for key, value in os.environ.items() if key != "SDL_VIDEODRIVER"}
    client = _client(desk, {**environment, "DISPLAY": display})
    assert client.returncode == 1
    assert client.stderr.count("\n") == 1
    assert "no display" in client.stderr
    assert "--mode terminal" in client.stderr


def test_without_kivy_one_line_says_what_to_do(desk: Desk):
    """Whoever has not installed it is told how."""
    blocker = desk.folder / "blocker"
    blocker.mkdir()
    (blocker / "sitecustomize.py").write_text(
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'kivy' else real(name, *rest)\n"
    )
    client = _client(desk, {**os.environ, "PYTHONPATH": f"{blocker}{os.pathsep}{ROOT}"})
    assert client.returncode == 1
    assert client.stderr == "The window needs Kivy: run make install-gui once, or chat with --mode terminal\n"


def _client(desk: Desk, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    arguments = ["127.0.0.1", desk.port, "--yes", "--mode", "gui", "--name", "sravya"]
    return subprocess.run(
        [sys.executable, "-m", "reference.client", *arguments],
        env={"PYTHONPATH": str(ROOT), **environment},
        cwd=desk.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
