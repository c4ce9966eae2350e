"""What kind of file something is, by how it begins: an ending is only what its sender says.

Only these beginnings are ever given to a decoder. FFmpeg also knows playlists, which name further files and addresses;
none of them is here.
"""

from pathlib import Path
from typing import NamedTuple

PICTURE, SOUND, VIDEO, FILE = "picture", "sound", "video", "file"


class Kind(NamedTuple):
    """What a file is, and what people call it."""

    kind: str
    name: str


_BEGINNINGS = (
    (0, b"\x89PNG\r\n\x1a\n", Kind(PICTURE, "PNG picture")),
    (0, b"\xff\xd8\xff", Kind(PICTURE, "JPEG picture")),
    (0, b"GIF8", Kind(PICTURE, "GIF picture")),
    (8, b"WEBP", Kind(PICTURE, "WebP picture")),
    (0, b"BM", Kind(PICTURE, "BMP picture")),
    (8, b"WAVE", Kind(SOUND, "WAV sound")),
    (0, b"ID3", Kind(SOUND, "MP3 sound")),
    (0, b"\xff\xfb", Kind(SOUND, "MP3 sound")),
    (0, b"\xff\xf3", Kind(SOUND, "MP3 sound")),
    (0, b"OggS", Kind(SOUND, "Ogg sound")),
    (0, b"fLaC", Kind(SOUND, "FLAC sound")),
    (4, b"ftypM4A", Kind(SOUND, "M4A sound")),
    (4, b"ftyp", Kind(VIDEO, "MP4 video")),
    (0, b"\x1aE\xdf\xa3", Kind(VIDEO, "WebM video")),
    (0, b"%PDF-", Kind(FILE, "PDF document")),
    (0, b"PK\x03\x04", Kind(FILE, "ZIP archive")),
)

_ENDINGS = {
    PICTURE: (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"),
    SOUND: (".wav", ".mp3", ".ogg", ".flac", ".m4a"),
    VIDEO: (".mp4", ".m4v", ".mov", ".webm", ".mkv"),
}

_PROGRAMS = {
    ".app", ".appimage", ".bat", ".bin", ".cmd", ".com", ".command", ".desktop", ".exe", ".jar", ".js", ".lnk", ".msi",
    ".ps1", ".py", ".pyw", ".run", ".scr", ".sh", ".url", ".vbs", ".wsf",
}  # fmt: skip


def kind_of(path: Path) -> Kind:
    """What a file is. Raises OSError."""
    with path.open("rb") as file:
        start = file.read(16)
    for offset, beginning, kind in _BEGINNINGS:
        if start[offset:].startswith(beginning):
            return kind
    ending = path.suffix[1:].upper()
    return Kind(FILE, f"{ending} file" if ending.isalnum() and len(ending) <= 8 else "file")


def claims(name: str) -> str:
    """The kind that a name's ending claims."""
    ending = Path(name).suffix.lower()
    return next((kind for kind, endings in _ENDINGS.items() if ending in endings), FILE)


def is_program(name: str) -> bool:
    """Whether opening a file of this name may run it."""
    return Path(name).suffix.lower() in _PROGRAMS
