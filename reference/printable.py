"""Text from others, made safe to show: a terminal must print it, never obey it.

An escape sequence can rewrite the screen, set the window's title or answer questions in the reader's name; a
right-to-left override turns ``gpj.exe`` round (CVE-2021-42574, "Trojan Source"). Such characters are shown as visible
stand-ins. Joiners stay as they are: emoji and Indic scripts are spelled with them.
"""

import re
import unicodedata

_LINE_BREAK = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")

_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSAFE = re.compile(f"[\x00-\x1f\x7f-\x9f{_DIRECTIONS}\u2028\u2029\ud800-\udfff\ufeff\ufff9-\ufffb]")

# What shows nothing, beyond category Cf: Unicode's other Default_Ignorable_Code_Point, and the blank of Braille.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)


def has_control(text: str) -> bool:
    """Whether text has characters that act on the screen instead of showing on it."""
    return _UNSAFE.search(text) is not None


def one_line(text: str) -> str:
    """Text as one harmless line: for names, file names and reasons."""
    return _UNSAFE.sub(_stand_in, text)


def lines(text: str) -> list[str]:
    """Text as harmless lines, the further ones indented, so that none can pass for a line of somebody else's."""
    if text.isprintable():  # nearly always, and known five times sooner; nothing that is unsafe is printable
        return [text]
    first, *others = _LINE_BREAK.split(text)
    return [one_line(first), *("    " + one_line(line) for line in others)]


def plain(text: str) -> str:
    """Text reduced to what a reader can tell apart: names that look the same have the same plain form.

    NFKC folds look-alike forms (full-width letters, ligatures), casefold folds case. What does not show is left out
    first: it would keep apart what NFKC joins.
    """
    shown = "".join(each for each in _BLANK.sub("", text) if unicodedata.category(each) not in ("Cf", "Co"))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())
    return " ".join(folded.split())


def _stand_in(match: re.Match[str]) -> str:
    character = match[0]
    if character == "\t":
        return " "
    if character < "\x20":
        return chr(0x2400 + ord(character))  # U+241B is the picture of escape: a small ESC
    if character == "\x7f":
        return "\u2421"
    return f"\\u{ord(character):04x}"
