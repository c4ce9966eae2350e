"""Which font has which character. No Kivy: only files.

No font has every script, so a text is drawn with several: each character in the first font of ``CHAIN`` that has it.
Which characters a font has stands in its ``cmap`` table (OpenType specification, "cmap"), which is read here.
"""

import bisect
import struct
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

COLOUR_EMOJI_SIZE = 109
"""Pixels: the one size that NotoColorEmoji, a font of bitmaps, can be opened in."""

_SCRIPTS = (
    "NotoSans[wght].ttf", "NotoSansDevanagari[wght].ttf", "NotoSansTelugu[wght].ttf", "NotoSansArabic[wght].ttf",
    "NotoSansTamil[wght].ttf", "NotoSansKannada[wght].ttf", "NotoSansMalayalam[wght].ttf", "NotoSansBengali[wght].ttf",
    "NotoSansGujarati[wght].ttf", "NotoSansGurmukhi[wght].ttf", "NotoSansOriya[wght].ttf", "NotoSansSinhala[wght].ttf",
    "NotoSansHebrew[wght].ttf", "NotoSansThai[wght].ttf", "NotoSansLao[wght].ttf", "NotoSansKhmer[wght].ttf",
    "NotoSansMyanmar[wght].ttf", "NotoSansEthiopic[wght].ttf", "NotoSansArmenian[wght].ttf",
    "NotoSansGeorgian[wght].ttf",
)  # fmt: skip

_COLOUR_EMOJI = (
    "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",  # Debian, Ubuntu
    "/usr/share/fonts/google-noto-emoji/NotoColorEmoji.ttf",  # Fedora before 39
    "/usr/share/fonts/noto/NotoColorEmoji.ttf",  # Arch
)


class Font(NamedTuple):
    """A font file and what it is for."""

    path: str
    variable: bool = False
    """Whether it can be made bold (it has a weight axis)."""
    emoji: bool = False
    colour: bool = False


@cache
def chain() -> tuple[Font, ...]:
    """The fonts, the first choice first. Empty when the font packages are not installed."""
    noto = _package_folder("manimgx_fonts")
    cjk = _package_folder("noto_cjk_sans_jp_regular")
    fonts = [Font(str(noto / name), variable=True) for name in _SCRIPTS] if noto else []
    fonts += [Font(path, emoji=True, colour=True) for path in _COLOUR_EMOJI]  # where the system has one
    if noto:
        fonts.append(Font(str(noto / "NotoEmoji[wght].ttf"), variable=True, emoji=True))
        fonts.append(Font(str(noto / "NotoSansSymbols[wght].ttf"), variable=True))
    if cjk:
        fonts.append(Font(str(cjk / "NotoSansCJKjp-Regular.otf")))
    return tuple(font for font in fonts if Path(font.path).is_file())


@lru_cache(maxsize=10_000)
def font_for(character: str, emoji: bool = False) -> Font:
    """The first font that has a character (the first of all, when none has it: it then shows a box).

    ``emoji`` says that it is asked for as a picture: a digit of a keycap, a heart with a variation selector.
    """
    fonts = chain()
    for font in fonts:
        if has(font, character) and (font.emoji or not emoji):
            return font
    return fonts[0]


def has(font: Font, character: str) -> bool:
    """Whether a font has a character."""
    starts, ends = _coverage(font.path)
    place = bisect.bisect_right(starts, ord(character)) - 1
    return place >= 0 and ord(character) <= ends[place]


def _package_folder(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


@cache
def _coverage(path: str) -> tuple[list[int], list[int]]:
    """The first and the last code points of the ranges that a font has, in order."""
    with open(path, "rb") as file:
        file.seek(4)
        (count,) = struct.unpack(">H", file.read(2))
        file.seek(12)
        tables = {tag: (offset, size) for tag, _, offset, size in struct.iter_unpack(">4sIII", file.read(16 * count))}
        offset, size = tables[b"cmap"]
        file.seek(offset)
        cmap = file.read(size)
    ranges = sorted(_ranges(cmap))
    return [first for first, _ in ranges], [last for _, last in ranges]


def _ranges(cmap: bytes) -> list[tuple[int, int]]:
    """The ranges of the best subtable: format 12 has all of Unicode, format 4 its first 65,536 code points."""
    (count,) = struct.unpack_from(">H", cmap, 2)
    subtables = {}
    for platform, encoding, offset in struct.iter_unpack(">HHI", cmap[4 : 4 + 8 * count]):
        if platform in (0, 3) and encoding != 5:  # Unicode, but not the variation sequences
            (form,) = struct.unpack_from(">H", cmap, offset)
            subtables[form] = offset
    if 12 in subtables:
        start = subtables[12] + 16
        (groups,) = struct.unpack_from(">I", cmap, start - 4)
        return [(first, last) for first, last, _ in struct.iter_unpack(">III", cmap[start : start + 12 * groups])]
    start = subtables[4]
    (doubled,) = struct.unpack_from(">H", cmap, start + 6)
    lasts = struct.unpack_from(f">{doubled // 2}H", cmap, start + 14)
    firsts = struct.unpack_from(f">{doubled // 2}H", cmap, start + 16 + doubled)
    return list(zip(firsts, lasts, strict=True))
