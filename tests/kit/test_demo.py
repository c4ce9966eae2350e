"""`make demo`, as somebody sees it who tries it; and the picture in the README."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from labkit.demo import draw_sunset
from labkit.picture import main as draw_picture
from tests.graded.implementation import ROOT
from tests.graded.terminal import Terminal

# The demo, by people who type fast.
QUICKLY = "import sys, labkit.demo as demo; demo.PACE = 0.01; sys.exit(demo.main(sys.argv[1:]))"


@pytest.fixture(params=["xterm-256color", "dumb"])
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    """The demo in a terminal, up to your being in the room."""
    env = {"PYTHONPATH": str(ROOT), "TERM": request.param, "TMPDIR": str(tmp_path)}
    terminal = Terminal([sys.executable, "-c", QUICKLY, "--name", "meera"], tmp_path, env)
    assert terminal.wait_for("Client 3 : meera"), terminal.lines()
    yield terminal
    terminal.close()


def test_the_demo_greets_you_and_sends_a_picture(demo: Terminal, tmp_path: Path) -> None:
    """A real one, which lies where it is said to be, and stays; nothing else is left of it all."""
    assert demo.wait_for(lambda lines: any(line.startswith("[sravya] hello meera!") for line in lines))
    assert demo.wait_for(lambda lines: any(line.startswith("Successfully received: ") for line in lines))
    path = tmp_path / next(line for line in demo.lines() if line.startswith("Success")).partition(": ")[2]
    assert path.read_bytes() == draw_sunset(320, 200)
    assert demo.wait_for(lambda lines: any(line.startswith("[sanjay] got sunset.png") for line in lines))
    demo.type("!q")
    assert demo.exit_status() == 0
    assert demo.lines()[-1] == "Disconnected"
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_the_people_of_the_demo_answer(demo: Terminal, tmp_path: Path) -> None:
    """To what you say, and to a file."""
    demo.type("hello")
    assert demo.wait_for("[sravya] hi meera!")
    demo.type(f"!send {Path(__file__)}")
    assert demo.wait_for(lambda lines: any(line.startswith("[sanjay] got test_demo.py, ") for line in lines))


def test_ctrl_c_ends_the_demo_quietly(demo: Terminal, tmp_path: Path) -> None:
    """At any moment, with nothing left behind but what you received."""
    demo.press("Ctrl-C")
    assert demo.exit_status() == 0
    assert demo.lines()[-1] == "Disconnected"
    assert {left.name for left in tmp_path.iterdir()} <= {"downloads"}


def test_the_sunset_is_a_picture() -> None:
    """Drawn with the standard library, and whole for those who read pictures."""
    with Image.open(io.BytesIO(draw_sunset(32, 20))) as picture:
        picture.load()
        assert (picture.format, picture.size, picture.mode) == ("PNG", (32, 20), "RGB")


def test_the_picture_of_a_session_is_drawn_from_the_programs(tmp_path: Path) -> None:
    """All that a reader needs is in it, and nothing comes from elsewhere."""
    path = tmp_path / "images" / "session.svg"
    assert draw_picture([str(path)]) == 0
    svg = path.read_text(encoding="utf-8")
    words = " ".join("".join(text.itertext()) for text in ElementTree.fromstring(svg).iter() if text.text)
    for seen in ("LISTENING", "joined", "hello", "Receiving", "received:", "lovely"):
        assert seen in words
    assert re.findall(r"https?://[^\"]*|href|url\(|@import", svg) == ["http://www.w3.org/2000/svg"]
