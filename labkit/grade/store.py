"""The folder of a class's results: every file is whole or not there, so a grading that was killed can go on."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.grade.result import Result, from_json

PAGES = ("html", "md", "xml")


def write(path: Path, text: str) -> None:
    """Write a file so that at any moment the old one or the new one is there, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(file, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


class Store:
    """What is kept of a class: `results/KEY.json`, `overrides.json`, `class.json`; the reports lie beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Make the folder, and take away what a killed run has left half-written. Raises OSError."""
        (self.folder / "results").mkdir(parents=True, exist_ok=True)
        for left in [*self.folder.glob(".*-*"), *(self.folder / "results").glob(".*-*")]:
            left.unlink()

    def read(self, key: str) -> Result | None:
        """One student's result; None if there is none, or none that this version can read."""
        try:
            return from_json(json.loads((self.folder / "results" / f"{key}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None

    def keep(self, result: Result) -> None:
        """Write one student's result."""
        text = json.dumps(result.to_json(), indent=1, ensure_ascii=False)
        write(self.folder / "results" / f"{result.key}.json", text + "\n")

    def results(self) -> Iterator[Result]:
        """All results, by their keys."""
        for path in sorted((self.folder / "results").glob("*.json")):
            if result := self.read(path.stem):
                yield result

    def about(self) -> dict[str, Any]:
        """What is kept of the class itself: its seed, and where its configuration and its roster are."""
        try:
            data = json.loads((self.folder / "class.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def remember(self, **what: Any) -> None:
        """Keep this of the class, too."""
        about = self.about()
        if {**about, **what} != about:
            write(self.folder / "class.json", json.dumps({**about, **what}) + "\n")

    def seed(self, wanted: int | None, fresh: int) -> int:
        """The class's seed: the one that is asked for, else that of before, else a fresh one, which is kept."""
        kept = self.about().get("seed")
        seed = wanted if wanted is not None else kept if isinstance(kept, int) else fresh
        self.remember(seed=seed)
        return seed

    def overrides(self) -> dict[str, dict[str, Any]]:
        """Marks that the instructor has set, by key, each with its reason."""
        try:
            data = json.loads((self.folder / "overrides.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return {str(key): dict(said) for key, said in data.items()}

    def override(self, key: str, mark: float | None, reason: str) -> None:
        """Set a mark, or with None go back to the computed one."""
        all_of_them = self.overrides()
        all_of_them.pop(key, None)
        if mark is not None:
            when = datetime.now(UTC).isoformat(timespec="seconds")
            all_of_them[key] = {"mark": mark, "reason": reason, "when": when}
        write(self.folder / "overrides.json", json.dumps(all_of_them, indent=1, ensure_ascii=False) + "\n")

    def rename(self, result: Result, key: str, student: dict[str, str]) -> None:
        """Keep a result, and a mark that was set for it, under another key. One that is there already stays."""
        override, old = self.overrides().get(result.key), result.key
        if self.read(key) is None:
            result.key, result.student = key, student
            self.keep(result)
            if override:
                self.override(key, override["mark"], override["reason"])
        self.forget(old)

    def forget(self, key: str) -> bool:
        """Delete all that is kept of a student, reports included; whether there was something."""
        found = key in self.overrides()
        if found:
            self.override(key, None, "")
        for folder in (
            self.folder / "results",
            self.folder / "students",
            self.folder / "gradescope",
            self.folder / "junit",
        ):
            for path in folder.glob(f"{key}.*"):
                path.unlink()
                found = True
            if (folder / key).is_dir():
                shutil.rmtree(folder / key)
        return found
