"""Lines for a terminal: pieces of text in colours, cut to the width that is there."""

import unicodedata

Piece = tuple[str, str]
"""A text and its colour: a name from COLOURS, or "" for the terminal's own."""

COLOURS = {
    "dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36",
    "alarm": "1;37;41",
}  # fmt: skip
"""SGR codes (ECMA-48 section 8.3.117): the 8 colours that every terminal has, in the shades that its owner chose."""


def paint(pieces: list[Piece], width: int, colour: bool) -> str:
    """One line of at most so many columns; what does not fit ends in an ellipsis."""
    painted = []
    room = width
    for text, name in pieces:
        shown = text if columns(text) <= room else clip(text, room)
        room -= columns(shown)
        painted.append(f"\x1b[{COLOURS[name]}m{shown}\x1b[0m" if colour and name and shown else shown)
        if shown != text:
            break
    return "".join(painted).rstrip()


def clip(text: str, width: int) -> str:
    """The beginning of a text, in so many columns at most."""
    if columns(text) <= width:
        return text
    kept = ""
    for character in text:
        if columns(kept) + columns(character) > width - 1:
            break
        kept += character
    return kept + "…" if width > 0 else ""


def pad(text: str, width: int) -> str:
    """A text in exactly so many columns."""
    text = clip(text, width)
    return text + " " * (width - columns(text))


def columns(text: str) -> int:
    """How many columns a terminal takes for it: wide characters two, combining ones none (UAX #11)."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
