"""Reads what a student handed in, a folder or an archive, as plain files: nothing is trusted, nothing is extracted.

Files are read into memory, within limits, and named by a clean path. So a path that leads out, a link, a device or a
bomb does no harm: what cannot be taken is left out, and the reports say so.
"""

from __future__ import annotations

import io
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from reference.printable import one_line

MAX_FILES = 2_000
MAX_BYTES = 64 * 1024 * 1024
"""Of one submission: a hundred times what the stages have."""
MAX_NAME = 200
MOST_NESTED = 2
"""An archive in the archive is what platforms make of an upload; one more level is what students make of it."""

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

# What systems and editors leave, and what nobody wants run.
NOISE = {"__MACOSX", "__pycache__", ".git", ".idea", ".vscode", ".venv", "venv", "node_modules", ".DS_Store"}


@dataclass
class Unpacked:
    """The files of a submission by their paths, and in words what was left out."""

    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    total: int = 0
    seen: int = 0

    def leave_out(self, name: str, why: str) -> None:
        """Note it, once and in one harmless line."""
        line = f"{one_line(name)[:MAX_NAME]}: {why}"
        if line not in self.problems and len(self.problems) < 50:
            self.problems.append(line)


class TooMuch(Exception):
    """The submission is over a limit: no more of it is read."""


def is_archive(name: str) -> bool:
    """Whether a file is one of the archives that are understood, by its name."""
    return name.lower().endswith(ARCHIVES)


def unpack(path: Path) -> Unpacked:
    """Read a submission."""
    found = Unpacked()
    try:
        if path.is_dir():
            _read_folder(path, "", found, 0)
        elif is_archive(path.name):
            with path.open("rb") as file:
                _read_archive(path.name, file, "", found, 0)
        else:
            with path.open("rb") as file:
                _take(path.name, file.read, found, 0)
    except TooMuch as error:
        found.leave_out(path.name, f"{error}; the rest was left out")
    except OSError as error:
        found.leave_out(path.name, f"cannot be read: {error.strerror}")
    return found


def _read_folder(folder: Path, prefix: str, found: Unpacked, depth: int) -> None:
    for path in sorted(folder.iterdir()):
        if path.name in NOISE:
            continue
        name = f"{prefix}{path.name}"
        if path.is_symlink():
            found.leave_out(name, "a link")
        elif path.is_dir():
            _read_folder(path, f"{name}/", found, depth)
        elif path.is_file():
            with path.open("rb") as file:
                _take(name, file.read, found, depth)
        else:
            found.leave_out(name, "neither a file nor a folder")


def _read_archive(name: str, file: IO[bytes], prefix: str, found: Unpacked, depth: int) -> None:
    members = _zip_members if name.lower().endswith(".zip") else _tar_members
    try:
        for path, read, problem in members(file):
            found.seen += 1
            if found.seen > MAX_FILES:
                raise TooMuch(f"more than {MAX_FILES} files")
            if set(PurePosixPath(path).parts) & NOISE:
                continue
            if problem:
                found.leave_out(prefix + path, problem)
            else:
                _take(prefix + path, read, found, depth)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        found.leave_out(name, f"a damaged or encrypted archive ({one_line(str(error))[:100]})")
    except (OSError, zipfile.zlib.error, MemoryError) as error:  # type: ignore[attr-defined]
        found.leave_out(name, f"a damaged archive ({type(error).__name__})")


Members = Iterator[tuple[str, Callable[[int], bytes], str]]


def _zip_members(file: IO[bytes]) -> Members:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir():
                continue
            if kind not in (0, stat.S_IFREG):
                yield info.filename, lambda _: b"", "a link" if kind == stat.S_IFLNK else "neither a file nor a folder"
                continue
            with archive.open(info) as member:
                yield info.filename, member.read, ""


def _tar_members(file: IO[bytes]) -> Members:
    with tarfile.open(fileobj=file, mode="r:*") as archive:
        for info in archive:
            if info.isdir():
                continue
            if not info.isreg():
                what = "a link" if info.issym() or info.islnk() else "neither a file nor a folder"
                yield info.name, lambda _: b"", what
                continue
            member = archive.extractfile(info)
            assert member is not None
            yield info.name, member.read, ""


def _take(name: str, read: Callable[[int], bytes], found: Unpacked, depth: int) -> None:
    """Keep a file, or if it is an archive, what is in it. What a header says of its size is not believed."""
    clean = clean_path(name)
    if clean is None:
        found.leave_out(name, "not a name that every system can have")
        return
    content = read(MAX_BYTES - found.total + 1)
    found.total += len(content)
    if found.total > MAX_BYTES:
        raise TooMuch(f"more than {MAX_BYTES >> 20} MB")
    if is_archive(clean):
        if depth >= MOST_NESTED:
            found.leave_out(name, "an archive in an archive in an archive")
            return
        _read_archive(clean, io.BytesIO(content), _beside(clean), found, depth + 1)
    elif clean in found.files:
        found.leave_out(name, "there more than once")
    elif len(found.files) >= MAX_FILES:
        raise TooMuch(f"more than {MAX_FILES} files")
    else:
        found.files[clean] = content


def _beside(archive: str) -> str:
    """The folder that an archive's files are in: of its own name, so that two archives do not mix."""
    stem = re.sub(r"(\.tar)?\.\w+$", "", archive, flags=re.IGNORECASE)
    return f"{stem}/"


def clean_path(name: str) -> str | None:
    """The path as it may be written anywhere; None if it leads out or has what no path should have."""
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in parts or not parts:
        return None
    if any(len(part.encode(errors="replace")) > MAX_NAME or one_line(part) != part for part in parts):
        return None
    try:
        name.encode()
    except UnicodeEncodeError:
        return None
    return "/".join(parts)
