"""Finds the submissions in a folder (or archive) as platforms export it, and whose each is."""

from __future__ import annotations

import hashlib
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.grade.roster import Roster
from labkit.grade.unpack import NOISE, Unpacked, is_archive, unpack
from reference.printable import one_line

# 'doejane_LATE_1234_5678_lab1.zip': the name without blanks, the user, the attachment, and the file's own name.
CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_\d+_(?P<file>.+)", re.DOTALL)
# 'Jane Doe_1234_assignsubmission_file_/lab1.zip', or a file of that beginning.
MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)", re.DOTALL)
GRADESCOPE = re.compile(r"submission_(?P<id>\d+)")
METADATA = ("submission_metadata.yml", "submission_metadata.yaml")

MAX_EXPORT = 4 * 1024**3


@dataclass
class Submission:
    """What one student handed in. `paths` are its files or folders, before anything of it was read."""

    key: str
    name: str
    id: str = ""
    email: str = ""
    submitted: datetime | None = None
    late: bool = False
    paths: list[Path] = field(default_factory=list)

    @property
    def file(self) -> str:
        """What it is called in the inbox."""
        return ", ".join(path.name for path in self.paths)

    @property
    def student(self) -> dict[str, str]:
        """Who that is, as it stands in the result."""
        return {"name": self.name, "id": self.id, "email": self.email}

    def read(self) -> Unpacked:
        """All its files; of several that are called the same, the first."""
        if len(self.paths) == 1:
            return unpack(self.paths[0])
        together = Unpacked()
        came_in: dict[str, str] = {}
        for path in self.paths:
            found = unpack(path)
            # A platform that knows no folders gives each file a long name; its own is the last part.
            match = CANVAS.fullmatch(path.name) or MOODLE.fullmatch(path.name)
            for name, content in found.files.items():
                own = re.sub(r"-\d+(?=\.\w+$)", "", match["file"]) if match and name == path.name else name
                if together.files.setdefault(own, content) != content:
                    together.problems.append(f"handed in twice: {own} of {came_in[own]} counts, not of {path.name}")
                came_in.setdefault(own, path.name)
            together.problems += found.problems
        return together


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """The folder with the submissions; the platform's own zip is unpacked for as long as it is needed."""
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="grade-") as scratch, zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > MAX_EXPORT:
            raise ValueError(f"{path} has more than {MAX_EXPORT >> 30} GB in it: unpack it, and name the folder")
        archive.extractall(scratch)  # zipfile makes no links, and keeps paths below the folder
        yield Path(scratch)


def find(folder: Path, roster: Roster) -> list[Submission]:
    """All submissions, by their keys. A student who handed in several files has one."""
    folder, entries = _entries(folder)
    metadata = _metadata(folder)
    found: dict[str, Submission] = {}
    for path in entries:
        if not _is_submission(path):
            continue
        submission = _whose(path, metadata, roster)
        if submission.key in found:
            found[submission.key].paths.append(path)
            found[submission.key].late |= submission.late
        else:
            found[submission.key] = submission
    return sorted(found.values(), key=lambda each: each.key)


def passed_over(folder: Path) -> list[str]:
    """What lies beside the submissions, and is none: a loose program, or an archive of a kind that is not read."""
    return [path.name for path in _entries(folder)[1] if not _is_submission(path) and not _is_about_them(path)]


def _entries(folder: Path) -> tuple[Path, list[Path]]:
    """The folder that the submissions are in, and what is in it."""
    while True:  # exports are often one folder in the archive
        entries = [path for path in sorted(folder.iterdir()) if path.name not in NOISE and path.name[0] != "."]
        inner = entries[0] if len(entries) == 1 and entries[0].is_dir() else None
        if inner is None or _is_somebodys(inner):
            return folder, entries
        folder = inner


def _is_about_them(path: Path) -> bool:
    return path.name in METADATA or path.suffix in (".csv", ".toml", ".md", ".json") or _is_results(path)


def _is_results(path: Path) -> bool:
    """Whether somebody has let the results be written among the submissions."""
    return (path / "class.json").is_file() and (path / "results").is_dir()


def _is_submission(path: Path) -> bool:
    return not _is_about_them(path) and bool(path.is_dir() or is_archive(path.name) or _of_platform(path))


def _is_somebodys(folder: Path) -> bool:
    """Whether a folder that is alone in the inbox is a submission, rather than one more folder around all."""
    if _of_platform(folder) or GRADESCOPE.fullmatch(folder.name):
        return True
    inside = [path for path in folder.iterdir() if path.name not in NOISE]
    return any(path.suffix == ".py" or re.match(r"[1-9]_", path.name) for path in inside)


def _of_platform(path: Path) -> re.Match[str] | None:
    return MOODLE.fullmatch(path.name) or CANVAS.fullmatch(path.name)


def _whose(path: Path, metadata: dict[str, Any], roster: Roster) -> Submission:
    name, number, email, late = _stem(path), "", "", False
    submitted = None
    if match := _of_platform(path):
        name, number = match["name"], match["id"]
        late = bool(match.groupdict().get("late"))
    elif path.name in metadata:
        said = metadata[path.name]
        people = said.get(":submitters") or [{}]
        name = " and ".join(str(each.get(":name", "")) for each in people) or name
        number, email = str(people[0].get(":sid") or ""), str(people[0].get(":email") or "")
        submitted = time_of(said.get(":created_at"))
    elif match := GRADESCOPE.fullmatch(path.name):
        number = match["id"]
    person = roster.find(ids={number, name}, name=name, email=email)
    if person is not None:
        name, number, email = person.name or name, person.id or number, person.email or email
        submitted = time_of(person.submitted) or submitted
    # What a page, a table or a terminal shows of it is harmless from here on.
    name, number, email = (one_line(each).strip()[:100] for each in (name, number, email))
    return Submission(key_of(number or path_key(path, name)), name, number, email, submitted, late, [path])


def path_key(path: Path, name: str) -> str:
    """What tells students apart of whom there is no id."""
    return name if _of_platform(path) else _stem(path)


def key_of(text: str) -> str:
    """A file name for somebody: readable, and unlike every other's even where what is readable is the same."""
    readable = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:40]
    if readable == text and readable:
        return readable
    return f"{readable or 'student'}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:6]}"


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else re.sub(r"(\.tar)?\.\w+$", "", path.name)


def _metadata(folder: Path) -> dict[str, Any]:
    """Gradescope's list of who handed in what."""
    for name in METADATA:
        if (folder / name).is_file():
            import yaml  # late: only here

            try:
                data = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
            except (yaml.YAMLError, OSError, UnicodeDecodeError):
                return {}
            return (
                {str(key): said for key, said in data.items() if isinstance(said, dict)}
                if isinstance(data, dict)
                else {}
            )
    return {}


def time_of(said: object) -> datetime | None:
    """A time as a platform writes it; None for what is none."""
    if isinstance(said, datetime):
        return said if said.tzinfo else said.replace(tzinfo=UTC)
    try:
        time = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return time if time.tzinfo else time.astimezone()
