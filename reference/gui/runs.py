"""A line of text as runs of one font each, in the order in which they stand on the screen. No Kivy.

Within a run the shaping library (Raqm: HarfBuzz and FriBidi) does everything; this file only says where runs begin, and
in which order they stand when scripts that run left and right meet in one line. That order is the Unicode
Bidirectional Algorithm (UAX #9) for plain text, without numbers in right-to-left text changing fonts and without
embeddings, which a message never has: printable.py shows those characters as what they are.
"""

import unicodedata
from itertools import groupby
from typing import NamedTuple

from reference.gui.fonts import Font, font_for, has

_JOINER, _EMOJI_STYLE, _KEYCAP = "\u200d", "\ufe0f", "\u20e3"
_SKIN_TONES = range(0x1F3FB, 0x1F400)


_NOT_DRAWN = ("Cc", "Cs", "Zl", "Zp")
"""Controls, halves of characters, breaks of lines and paragraphs: the shaping library fails on them."""


class Run(NamedTuple):
    """Characters of one line that are drawn with one font."""

    font: Font
    text: str


def runs(line: str) -> list[Run]:
    """The runs of one line, from left to right on the screen. Control characters have no place in it."""
    if not line.isprintable():
        line = "".join(each for each in line if unicodedata.category(each) not in _NOT_DRAWN)
    if line.isascii():
        return [Run(font_for("a"), line)] if line else []
    logical: list[Run] = []
    for cluster in _clusters(line):
        font = _font_of(cluster)
        if logical and (logical[-1].font is font or _continues(logical[-1], cluster)):
            font, text = logical.pop()
            logical.append(Run(font, text + cluster))
        else:
            logical.append(Run(font, cluster))
    return _in_screen_order(logical)


def is_right_to_left(text: str) -> bool:
    """Whether a text runs to the left: its first letter with a direction says so (UAX #9, rule P2)."""
    return any(direction in "RA" for direction in _directions(text)[:1])


def _clusters(line: str) -> list[str]:
    """What must stay together: a letter and its marks, an emoji and what colours it or is joined to it."""
    clusters: list[str] = []
    for character in line:
        joins = clusters and (
            unicodedata.category(character) in ("Mn", "Me", "Mc", "Cf")
            or ord(character) in _SKIN_TONES
            or clusters[-1].endswith(_JOINER)
            or (_is_flag_half(character) and len(clusters[-1]) == 1 and _is_flag_half(clusters[-1]))
        )
        if joins:
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _font_of(cluster: str) -> Font:
    return font_for(cluster[0], emoji=_EMOJI_STYLE in cluster or _KEYCAP in cluster)


def _continues(run: Run, cluster: str) -> bool:
    """Whether spaces, digits and signs may stay in the run before them: a sentence in Arabic is one run that way."""
    return (
        not run.font.emoji
        and not cluster[0].isalpha()
        and len(cluster) == 1
        and cluster.isprintable()
        and unicodedata.category(cluster)[0] in "ZPN"
        and has(run.font, cluster)
    )


def _directions(text: str) -> str:
    """``L``, ``R`` or ``A`` for each character that has a direction."""
    kinds = (unicodedata.bidirectional(character) for character in text)
    return "".join(kind[0] for kind in kinds if kind in ("L", "R", "AL"))


def _in_screen_order(logical: list[Run]) -> list[Run]:
    if not any(direction in "RA" for run in logical for direction in _directions(run.text)):
        return logical
    logical = [part for run in logical for part in _split_off_tail(run)]
    kinds = [_directions(run.text)[:1].replace("A", "R") for run in logical]
    base = next(kind for kind in kinds if kind)
    resolved = [kind or _between(kinds, place, base) for place, kind in enumerate(kinds)]
    stretches = [
        (kind, [run for _, run in group])
        for kind, group in groupby(zip(resolved, logical, strict=True), key=lambda pair: pair[0])
    ]
    if base == "R":
        stretches.reverse()
    return [run for kind, stretch in stretches for run in (reversed(stretch) if kind == "R" else stretch)]


def _split_off_tail(run: Run) -> list[Run]:
    """Spaces and signs at a run's end have no direction of their own, so they are placed by themselves."""
    size = len(run.text)
    while size and unicodedata.category(run.text[size - 1])[0] in "ZP":
        size -= 1
    return [Run(run.font, text) for text in (run.text[:size], run.text[size:]) if text]


def _between(kinds: list[str], place: int, base: str) -> str:
    """The direction of a run without one (rules N1 and N2): its neighbours' if they agree, else the line's."""
    before = next((kind for kind in reversed(kinds[:place]) if kind), base)
    after = next((kind for kind in kinds[place:] if kind), base)
    return before if before == after else base
