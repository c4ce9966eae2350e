"""The one configuration file of a class (TOML): points and weights, who sees what when, limits, lateness."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_type_hints

from labkit import ladder
from tests.graded.network import NETWORKS

__all__ = ["BadConfig", "Config", "Late", "Limits", "points_of", "read", "replace"]


class BadConfig(Exception):
    """The file is wrong; the text is one line that says where, and what would be right."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Memory, files and processor time are for each of its programs."""

    minutes: float = 30.0  # for all its stages; a correct one takes two to five
    patience: float = 10.0  # seconds that a story waits for anything to happen
    memory_mb: int = 1024
    all_memory_mb: int = 2048  # of all its programs at the same time
    disk_mb: int = 512  # of all the programs of a story: a file of 30 MB is there four times
    file_mb: int = 128
    cpu_seconds: int = 120
    processes: int = 32  # of all its programs; a fork bomb has more
    threads: int = 512  # processes and threads: twenty clients and their server have about ninety


@dataclass(frozen=True)
class Stage:
    """A stage's part of the mark. Without a weight, stages count by their points."""

    weight: float | None = None


@dataclass(frozen=True)
class Late:
    """What lateness costs."""

    grace_minutes: float = 0.0
    percent_per_day: float = 0.0  # of what was earned, for each day begun
    most_days: int = 365  # later than this earns nothing


@dataclass(frozen=True)
class Visibility:
    """Stories by patterns of their names; all others are visible."""

    hidden: tuple[str, ...] = ()
    after_due: tuple[str, ...] = ()


@dataclass(frozen=True)
class Canvas:
    """How Canvas calls the assignment: as the head of its column in the exported gradebook, "Lab 1 (12345)"."""

    assignment: str = ""


@dataclass(frozen=True)
class Config:
    """All of it."""

    title: str = "GroupMediaChat Lab"
    due: datetime | None = None
    out_of: float = 100.0
    decimals: int = 2
    seed: int | None = None
    networks: tuple[str, ...] = NETWORKS  # ("direct",) alone is quick, and misses what goes wrong with framing
    retries: int = 1  # of a story that could not be run through no fault of the submission
    stages: Mapping[int, Stage] = field(default_factory=dict)
    points: Mapping[str, int] = field(default_factory=dict)  # of stories by patterns of their names; with 0, left out
    late: Late = Late()
    limits: Limits = Limits()
    visibility: Visibility = Visibility()
    canvas: Canvas = Canvas()

    def visibility_of(self, test: str) -> str:
        """Who may see a story, by its name: "visible", "hidden" or "after_due"."""
        if any(fnmatchcase(test, pattern) for pattern in self.visibility.hidden):
            return "hidden"
        return "after_due" if any(fnmatchcase(test, pattern) for pattern in self.visibility.after_due) else "visible"

    def points_of(self, test: str, own: int) -> int:
        """What a story is worth here, where its own mark says `own`."""
        return points_of(self.points, test, own)

    def weight_of(self, stage: int) -> float | None:
        """A stage's weight, if it has one."""
        return self.stages.get(stage, Stage()).weight

    @property
    def fingerprint(self) -> str:
        """What a result depends on: a change of it means that all is to be graded anew."""
        asked = {
            "limits": asdict(self.limits),
            "retries": self.retries,
            "networks": self.networks,
            "points": dict(self.points),
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def points_of(points: Mapping[str, int], test: str, own: int) -> int:
    """What a story is worth: by the last pattern that its name fits, else its own points."""
    for pattern, worth in points.items():
        own = worth if fnmatchcase(test, pattern) else own
    return own


def read(path: Path | None) -> Config:
    """The configuration in a file, or the defaults. Raises BadConfig."""
    if path is None:
        return Config()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfig(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        config: Config = _table(Config, data, "")
        _check(config)
    except BadConfig as error:
        raise BadConfig(f"{path}: {error}") from None
    return config


def _table(kind: Any, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise BadConfig(f"{where} must be a table, as [{where}]")
    hints = get_type_hints(kind)
    known = {each.name for each in fields(kind)}
    if unknown := sorted(data.keys() - known):
        raise BadConfig(f"there is no {_join(where, unknown[0])}: {where or 'it'} has {', '.join(sorted(known))}")
    return kind(**{name: _value(name, hints[name], value, _join(where, name)) for name, value in data.items()})


def _value(name: str, hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint):
        return _table(hint, value, where)
    if name in ("stages", "points") and not isinstance(value, dict):
        raise BadConfig(f"{where} must be a table, as [{where}]")
    if name == "stages":
        return {_stage(number): _table(Stage, said, f"{where}.{number}") for number, said in value.items()}
    if name == "points":
        return {test: _number(int, worth, _join(where, test)) for test, worth in value.items()}
    if hint in (int, float, int | None, float | None):
        return _number(int if hint in (int, int | None) else float, value, where)
    if name == "due":
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise BadConfig(f"{where} must be a time with its zone, as 2026-11-30T23:59:00+01:00")
        return value
    if hint is str:
        if not isinstance(value, str):
            raise BadConfig(f"{where} must be text")
        return value
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadConfig(f'{where} must be a list of names, as ["test_wire_*"]')
    return tuple(value)


def _number(kind: type, value: Any, where: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise BadConfig(f"{where} must be a number, and not below 0")
    if kind is int and value != int(value):
        raise BadConfig(f"{where} must be a whole number")
    return kind(value)


def _stage(number: str) -> int:
    if number not in map(str, ladder.STAGES):
        raise BadConfig(f"there is no stage {number}: stages.1 to stages.{max(ladder.STAGES)}")
    return int(number)


def _check(config: Config) -> None:
    if config.out_of <= 0:
        raise BadConfig("out_of must be more than 0: the full mark")
    if "direct" not in config.networks or not set(config.networks) <= set(NETWORKS):
        raise BadConfig(f"networks must be among {', '.join(NETWORKS)}, and direct one of them")
    for limit in fields(Limits):
        if getattr(config.limits, limit.name) <= 0:
            raise BadConfig(f"limits.{limit.name} must be more than 0")
    weights = [stage.weight for stage in config.stages.values()]
    if any(weight is None for weight in weights) and any(weight is not None for weight in weights):
        raise BadConfig("either every stage in [stages] has a weight, or none")


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
