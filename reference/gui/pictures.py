"""Decoding pictures, to the size in which they are shown. For any thread; no Kivy."""

import warnings
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageOps, ImageSequence

MAX_PIXELS = 50_000_000
"""Larger pictures are not decoded: a file of a few kilobytes can claim to be 60,000 pixels wide and take 14 GB of
memory (a "decompression bomb"). Cameras make some 50 million; Pillow's own warning is at 89."""

MAX_ANIMATION = 24 * 1024 * 1024
"""Bytes of decoded frames: of a longer animation the beginning is shown."""

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
TOO_LARGE = f"it has more than {MAX_PIXELS // 10**6} million pixels"
_SHORTEST_FRAME = 0.02
_USUAL_FRAME = 0.1  # what browsers take for a GIF that asks for no time at all


class NotShown(Exception):
    """It cannot be shown; the text says why."""


class Frame(NamedTuple):
    """One picture: RGBA bytes, the top row first, and how many seconds it stands."""

    pixels: bytes
    seconds: float


class Picture(NamedTuple):
    """A picture as it is shown: one frame, or several of an animation."""

    width: int
    height: int
    frames: tuple[Frame, ...]


def decode(path: Path, width: int, height: int, animated: bool = True) -> Picture:
    """A file as a picture of at most this size. Raises NotShown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes: we have a limit of our own
            with Image.open(path, formats=_FORMATS) as image:
                _check_size(image)
                return _shrink(image, width, height, animated)
    except NotShown:
        raise
    except (Image.DecompressionBombError, MemoryError):
        raise NotShown(TOO_LARGE) from None
    except Exception as error:  # Pillow's decoders raise whatever they like on broken files
        said, _, _ = str(error).partition(" (")  # without its figures
        raise NotShown(f"it is damaged ({said})") from None


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise NotShown(TOO_LARGE)


def _shrink(image: Image.Image, width: int, height: int, animated: bool) -> Picture:
    image.draft("RGB", (width, height))  # lets the JPEG decoder do most of it
    frames: list[Frame] = []
    size = (1, 1)
    room = MAX_ANIMATION
    for each in ImageSequence.Iterator(image):
        # Each frame as RGBA first: a transparency of the palette does not survive being made smaller.
        frame = ImageOps.exif_transpose(each.convert("RGBA"))
        frame.thumbnail((width, height))
        size = frame.size
        seconds = each.info.get("duration", 0) / 1000
        frames.append(Frame(frame.tobytes(), max(_SHORTEST_FRAME, seconds) if seconds else _USUAL_FRAME))
        room -= len(frames[-1].pixels)
        if not animated or room < 0:
            break
    return Picture(*size, tuple(frames))
