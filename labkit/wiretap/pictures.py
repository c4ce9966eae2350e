"""The guide's pictures of the tap, drawn from real sessions: ``python -m labkit.wiretap.pictures labs``.

Each runs the server, the tap and clients, and draws what the tap has printed as an SVG without fonts, styles or
scripts from elsewhere.
"""

import argparse
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from labkit.picture import CELL_WIDTH, COLOURS, FAINT, FONT_SIZE, INK, PADDING, PAPER, ROW_HEIGHT, TITLE_HEIGHT
from labkit.picture import TITLE_PAPER as TITLE
from labkit.wiretap import paint
from labkit.wiretap.paint import columns
from reference.protocol import Hello, encode
from tests.graded.pipes import Pipes
from tests.kit.tapped import Chat, Peer, chat_through_tap

COLUMNS = 100
FILE_SIZE = 100_000

_SGR = re.compile("\x1b\\[([0-9;]*)m")
_NAMES = {code: name for name, code in paint.COLOURS.items()}
_INKS = {**COLOURS, "yellow": COLOURS["brown"], "green": COLOURS["green"], "dim": FAINT, "bold": "#ffffff"}
_INKS["alarm"] = COLOURS["red"]


def session(chat: Chat, folder: Path) -> None:
    """Two people, ten lines and a file."""
    (folder / "image.jpg").write_bytes(bytes(FILE_SIZE))
    sravya, sanjay = chat.join("sravya"), chat.join("sanjay")
    said = ["hello", "hi", "how was the lecture?", "all about sockets", "and?", "TCP is a stream, not messages"]
    said += ["Grüße 😀", "schön!", "look, a picture", "send it"]
    people = [(sravya, sanjay, "sravya"), (sanjay, sravya, "sanjay")]
    for number, text in enumerate(said):
        speaker, listener, name = people[number % 2]
        speaker.type(text)
        listener.wait_for(f"[{name}] {text}")
    sravya.type("!send image.jpg")
    sravya.wait_for("File Successfully sent")
    sanjay.wait_for(lambda lines: any(line.startswith("Successfully received") for line in lines))
    leave(chat, sravya, sanjay)


def meeting(chat: Chat, folder: Path) -> None:
    """Two people, a line and a small file: a session that fits a diagram."""
    (folder / "notes.txt").write_bytes(bytes(30_000))
    sravya, sanjay = chat.join("sravya"), chat.join("sanjay")
    sravya.type("hello")
    sanjay.wait_for("[sravya] hello")
    sravya.type("!send notes.txt")
    sravya.wait_for("File Successfully sent")
    sanjay.wait_for(lambda lines: any(line.startswith("Successfully received") for line in lines))
    leave(chat, sravya, sanjay)


def leave(chat: Chat, sravya: Pipes, sanjay: Pipes) -> None:
    """First one, then the other."""
    sanjay.type("!q")
    sravya.wait_for("sanjay exited the chat")
    sravya.type("!q")
    for client in (sravya, sanjay):
        client.exit_status()
    chat.tap_shows("sravya.*closed")


def pieces(chat: Chat, folder: Path) -> None:
    """A frame in pieces: what recv brings when the network cuts."""
    peer = Peer(chat.connect(), "sravya")
    peer.say("hello")
    chat.tap_shows("“hello”")


def glued(chat: Chat, folder: Path) -> None:
    """Three frames in one piece."""
    peer = Peer(chat.connect(), "sravya")
    peer.say("one", "two", "three")
    chat.tap_shows("“three”")


def broken(chat: Chat, folder: Path) -> None:
    """Three programs that count wrong."""
    body = b'{"name":"sravya","features":[]}'
    turned_round = (1 + len(body)).to_bytes(4, "little") + b"H" + body
    without_type = len(body).to_bytes(4, "big") + b"H" + body
    for number, sent in enumerate([turned_round, without_type], start=1):
        connection = chat.connect()
        connection.sendall(sent)
        chat.tap_shows(f"{number} .*refused")
        connection.close()
    half = chat.connect()
    half.sendall(encode(Hello("sravya"))[:-10])
    half.close()
    chat.tap_shows("the stream ends within a frame")


PICTURES: dict[str, tuple[Callable[[Chat, Path], None], list[str], str]] = {
    "tap-session": (session, [], "make wiretap"),
    "tap-pieces": (pieces, ["--segments", "--split", "3-9"], 'make wiretap ARGS="--segments --split 3-9"'),
    "tap-glued": (glued, ["--segments", "--hex"], 'make wiretap ARGS="--segments --hex"'),
    "tap-broken": (broken, [], "make wiretap"),
}


def draw(lines: list[str], title: str) -> str:
    """Lines in a terminal's colours, as an SVG."""
    width = COLUMNS * CELL_WIDTH + 2 * PADDING
    height = TITLE_HEIGHT + len(lines) * ROW_HEIGHT + 1.5 * PADDING
    elements = [
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="{PAPER}"/>',
        f'<rect width="{width:.0f}" height="{TITLE_HEIGHT}" rx="8" fill="{TITLE}"/>',
        _text(PADDING, 20, title, FAINT),
    ]
    for row, line in enumerate(lines):
        elements += _line(line, TITLE_HEIGHT + PADDING / 2 + (row + 0.75) * ROW_HEIGHT)
    fonts = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img"'
    return "\n".join([f'{head} font-family="{fonts}" font-size="{FONT_SIZE}">', *elements, "</svg>", ""])


def _line(line: str, y: float) -> list[str]:
    """The words of a line, each where its column is."""
    elements = []
    column, ink = 0, INK
    for number, text in enumerate(_SGR.split(line)):
        if number % 2:
            ink = _INKS.get(_NAMES.get(text, ""), INK)
            continue
        for word in re.findall(" +|[^ ]+", text):
            if not word.startswith(" "):
                elements.append(_text(PADDING + column * CELL_WIDTH, y, word, ink))
            column += columns(word)
    return elements


def _text(x: float, y: float, text: str, ink: str) -> str:
    # With its length said, the text keeps to the columns in whatever font the reader has.
    length = f'textLength="{columns(text) * CELL_WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{x:.1f}" y="{y:.1f}" fill={quoteattr(ink)} {length}>{escape(text)}</text>'


def main() -> int:
    """Draw all pictures, and put the diagram into the page."""
    parser = argparse.ArgumentParser(description="Draw the guide's pictures of the tap.")
    parser.add_argument("labs", type=Path, help="the guide's folder")
    labs: Path = parser.parse_args().labs
    for name, (act, options, title) in PICTURES.items():
        lines, _ = play(act, options)
        (labs / "images" / f"{name}.svg").write_text(draw(lines, title), encoding="utf-8")
    _, diagram = play(meeting, [])
    page = labs / "see-the-wire.md"
    text = re.sub("```mermaid\n.*?```\n", lambda _: diagram, page.read_text(encoding="utf-8"), flags=re.DOTALL)
    page.write_text(text, encoding="utf-8")
    return 0


def play(act: Callable[[Chat, Path], None], options: list[str]) -> tuple[list[str], str]:
    """Run a story; returns the tap's lines, without the first and the last, and its diagram."""
    with tempfile.TemporaryDirectory() as folder:
        recorded = ["--color", "always", "--mermaid", "session.md"]
        with chat_through_tap(Path(folder), *options, *recorded, columns=COLUMNS) as chat:
            act(chat, Path(folder))
            lines = chat.end_tap()
        return lines[1:-1], Path(folder, "session.md").read_text(encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
