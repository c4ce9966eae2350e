"""Files on a client's disk: one that is read to be sent, and one that arrives under a name somebody else chose."""

import contextlib
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from reference.printable import has_control
from reference.protocol import MAX_CHUNK, Data, End, Get

MAX_STEM = 180
"""Bytes of a safe name: file systems take 255 (NAME_MAX), and a number or ``.part`` must fit behind it."""

_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])([ .]|$)", re.IGNORECASE)
_RESERVED = re.compile(r'[<>:"|?*/\\\x00]')  # Windows takes none of these


class Changed(Exception):
    """The file is no longer the one that was offered."""


def safe_name(name: str) -> str:
    """A received file name as one that is safe on every system: no folder, no device, nothing hidden, not too long.

    What careless programs write to instead: ``../../.ssh/authorized_keys``, ``C:\\autoexec.bat``, ``CON``, ``.bashrc``.
    """
    base = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    base = "".join("_" if has_control(each) or _RESERVED.match(each) else each for each in base)
    base = base.strip().rstrip(". ")  # Windows drops dots and spaces at the end, and then finds another file
    if base.startswith("."):
        base = "_" + base.lstrip(".")
    if _DEVICES.match(base):
        base = "_" + base
    stem, dot, ending = base.rpartition(".")
    if not stem or len(ending.encode()) > 20:
        stem, dot, ending = base, "", ""
    return _cut(stem, MAX_STEM - len((dot + ending).encode())) + dot + ending or "file"


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore").rstrip(". ")


class Upload:
    """A file on this disk that others ask for."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, with the reason, for what cannot be sent."""
        if path.is_dir():
            raise IsADirectoryError(21, "Is a folder: send the files in it one by one")
        if not path.is_file():
            path.stat()  # raises the system's reason when there is nothing
            raise OSError(22, "Not a regular file")
        self.name = path.name.encode(errors="replace").decode()  # old disks have names that are not UTF-8
        self._file: BinaryIO = path.open("rb")
        self._state = _state(self._file)
        self.size = self._state[0]
        # Guards the file's position and the hash: a broken connection and the next may ask at the same time.
        self._lock = Lock()
        self._hash = hashlib.sha256()
        self._hashed = 0

    def answer(self, get: Get) -> Data | End:
        """What was asked for. Raises Changed, or OSError; ValueError when it has been closed."""
        with self._lock:
            return self._answer(get)

    def _answer(self, get: Get) -> Data | End:
        if _state(self._file) != self._state:
            raise Changed("it was changed while being sent")
        if get.offset >= self.size:
            for chunk in self._unhashed():
                self._add(chunk)
            return End(get.id, self._hash.digest())
        data = self._read(get.offset, min(get.size, self.size - get.offset))
        if get.offset == self._hashed:
            self._add(data)
        return Data(get.id, get.offset, data)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _unhashed(self) -> Iterator[bytes]:
        while self._hashed < self.size:
            yield self._read(self._hashed, min(MAX_CHUNK, self.size - self._hashed))

    def _read(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        data = self._file.read(size)
        if len(data) != size:
            raise Changed("it was changed while being sent")
        return data

    def _add(self, data: bytes) -> None:
        self._hash.update(data)
        self._hashed += len(data)


def _state(file: BinaryIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


class Download:
    """A file on its way into a folder: ``<name>….part`` until it is whole, then under a name that nobody has taken."""

    def __init__(self, folder: Path, name: str, file_id: bytes) -> None:
        """Raises OSError when it cannot be written there."""
        self._folder = folder
        self._name = safe_name(name)
        folder.mkdir(parents=True, exist_ok=True)
        # The whole id: a sender can make two begin alike. "x" neither overwrites nor follows a link: a sender can also
        # have sent a file by this very name before.
        self._part = folder / f"{self._name}.{file_id.hex()}.part"
        self._file: BinaryIO = self._part.open("xb")

    def write(self, data: bytes) -> None:
        """The next bytes. Raises OSError, as when the disk is full."""
        self._file.write(data)

    def finish(self) -> Path:
        """Give it its name, and return where it is. Raises OSError."""
        self._file.close()
        path = self._reserve()
        try:
            self._part.replace(path)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path

    def discard(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)

    def _reserve(self) -> Path:
        """A free name, taken by creating it: to look first and then write is a race that somebody else may win."""
        stem, dot, ending = self._name.rpartition(".")
        if not stem:
            stem, dot, ending = self._name, "", ""
        number = 0
        while True:
            path = self._folder / (self._name if not number else f"{stem} ({number}){dot}{ending}")
            try:
                path.open("xb").close()
            except FileExistsError:
                number += 1
            else:
                return path
