"""A picture of a session, drawn from the programs themselves: ``python -m labkit.picture labs/images/session.svg``.

Runs the server and two clients in emulated terminals, has two people chat and send a file, and draws their screens as
an SVG. Nothing in it comes from elsewhere: no font, no style sheet, no script.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tests.graded.implementation import HOST, find, free_port
from tests.graded.terminal import Terminal

FILE_SIZE = 1_012_995  # as in the transcripts

CELL_WIDTH, ROW_HEIGHT, FONT_SIZE = 8.4, 19, 14
PADDING, TITLE_HEIGHT, GAP = 14, 30, 14
CLIENT_COLUMNS = 52

PAPER, TITLE_PAPER, INK, FAINT = "#1b2230", "#2a3448", "#dfe6f0", "#93a1b8"
COLOURS = {
    "green": "#7fd88f",
    "magenta": "#e69be0",
    "cyan": "#6fd3e0",
    "blue": "#82b1ff",
    "brown": "#e8c872",  # what terminals once made of dark yellow
    "red": "#ff8f8f",
}


class Screen(Terminal):
    """A program in an emulated terminal that can be drawn."""

    title = ""
    columns = CLIENT_COLUMNS

    @property
    def width(self) -> float:
        """In pixels."""
        return self.columns * CELL_WIDTH + 2 * PADDING

    @property
    def height(self) -> float:
        """In pixels; what is below the cursor does not count."""
        rows = self._screen.cursor.y + 1
        return TITLE_HEIGHT + rows * ROW_HEIGHT + 1.5 * PADDING

    def draw(self, left: float, top: float, width: float, height: float) -> Iterator[str]:
        """The terminal's window as SVG elements."""
        box = f'x="{left}" y="{top}" width="{width:.0f}" rx="8"'
        yield f'<rect {box} height="{height:.0f}" fill="{PAPER}"/>'
        yield f'<rect {box} height="{TITLE_HEIGHT}" fill="{TITLE_PAPER}"/>'
        yield _text(left + PADDING, top + 20, self.title, FAINT)
        with self.changed:
            for y, row in enumerate(self.screen()):
                baseline = top + TITLE_HEIGHT + PADDING / 2 + (y + 0.75) * ROW_HEIGHT
                cells = [self._screen.buffer[y][x] for x in range(len(row))]
                for column, text, colour in _runs(cells):
                    yield _text(left + PADDING + column * CELL_WIDTH, baseline, text, colour)
            cursor = self._screen.cursor
            x = left + PADDING + cursor.x * CELL_WIDTH
            row_top = top + TITLE_HEIGHT + PADDING / 2 + cursor.y * ROW_HEIGHT
            box = f'x="{x:.1f}" y="{row_top:.1f}" width="{CELL_WIDTH}" height="{ROW_HEIGHT}"'
            yield f'<rect {box} fill="{INK}" opacity=".6"/>'


def _runs(cells: list[Any]) -> Iterator[tuple[int, str, str]]:
    """Words of one colour: where each begins, its text, its colour."""
    column = 0
    for (colour, blank), run in groupby(cells, lambda cell: (cell.fg, cell.data == " ")):
        text = "".join(cell.data for cell in run)
        if not blank:
            yield column, text, COLOURS.get(colour, INK)
        column += len(text)


def _text(x: float, y: float, text: str, colour: str) -> str:
    # With its length said, the text keeps to the columns in whatever font the reader has.
    length = f'textLength="{len(text) * CELL_WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{x:.1f}" y="{y:.1f}" fill={quoteattr(colour)} {length}>{escape(text)}</text>'


def tell_story(folder: Path) -> list[Screen]:
    """Two people meet, chat and share a file; returns the terminals of the server and of both."""
    server_command, client_command = find("reference", "server"), find("reference", "client")
    port = str(free_port())
    server = Screen([*server_command.command, HOST, port], folder, server_command.env)
    server.title, server.columns = "the server: make run-server", 2 * CLIENT_COLUMNS + 4
    screens = [server]
    _expect(server, "[SERVER LISTENING]")
    for name in ("sravya", "sanjay"):
        home = folder / name
        home.mkdir()
        client = Screen([*client_command.command, HOST, port], home, client_command.env)
        client.title = f"{name}: make run-client"
        screens.append(client)
        for question, answer in [("Would you", "yes"), ("2.GUI", "1"), ("Enter your Name", name)]:
            _expect(client, question)
            client.type(answer)
        _expect(client, f"{len(screens) - 1} : {name}")
        _expect(client, ">")
    _, sravya, sanjay = screens
    _expect(sravya, "sanjay joined the chat!")
    (folder / "sravya" / "image.jpg").write_bytes(bytes(FILE_SIZE))
    for speaker, listener, text in [(sravya, sanjay, "hello"), (sanjay, sravya, "hi")]:
        speaker.type(text)
        _expect(listener, f"] {text}")
    sravya.type("!send image.jpg")
    _expect(sanjay, "Successfully received")
    _expect(sravya, "File Successfully sent")
    sanjay.write("what a lovely pic")
    _expect(sanjay, "lovely pic")
    sravya.type("from our last day there")
    _expect(sanjay, "last day there")
    sanjay.wait_for(lambda lines: lines[-1].endswith("lovely pic"))
    return screens


def _expect(screen: Screen, part: str) -> None:
    if not screen.wait_for(lambda lines: any(part in line for line in lines)):
        sys.exit(f"{screen.title}: no {part!r} on the screen:\n" + "\n".join(screen.screen()))


def draw(screens: list[Screen]) -> str:
    """The server above, the clients side by side below it."""
    server, *clients = screens
    width = sum(client.width for client in clients) + GAP * (len(clients) - 1)
    lower = server.height + GAP
    lower_height = max(client.height for client in clients)
    elements = [*server.draw(0, 0, width, server.height)]
    left = 0.0
    for client in clients:
        elements += client.draw(left, lower, client.width, lower_height)
        left += client.width + GAP
    label = "The server's terminal and those of two people who chat and share a file"
    fonts = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
    size = f"{width:.0f} {lower + lower_height:.0f}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" aria-label="{label}"',
            f'     font-family="{fonts}" font-size="{FONT_SIZE}">',
            *elements,
            "</svg>",
            "",
        ]
    )


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="picture", description="Draw a session of server and two clients.")
    parser.add_argument("svg", type=Path, help="the file to write")
    path: Path = parser.parse_args(argv).svg
    with tempfile.TemporaryDirectory() as folder:
        screens = tell_story(Path(folder))
        picture = draw(screens)
        for screen in screens:
            screen.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
