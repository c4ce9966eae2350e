"""Wheats: correct programs in other styles. The stories must pass all of them.

Each is a folder with a `server.py` or a `client.py`, and `wheat.toml`, which says what stage it is of and which
stories it fails by being what it is (a server without threads fails the story of the architecture).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from labkit import ladder

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Wheat:
    """A program in another style."""

    name: str
    stage: int
    style: str
    fails: tuple[str, ...]
    """Stories, by the beginning of their names."""

    @property
    def server(self) -> Path:
        """The folder with its server: its own, or the stage's solution."""
        return self._side("server.py")

    @property
    def client(self) -> Path:
        """The folder with its client: its own, or the stage's solution."""
        return self._side("client.py")

    def _side(self, program: str) -> Path:
        own = HERE / self.name
        return own if (own / program).exists() else ladder.STAGES[self.stage]


def wheats() -> tuple[Wheat, ...]:
    """All of them."""
    found = []
    for file in sorted(HERE.glob("*/wheat.toml")):
        said = tomllib.loads(file.read_text(encoding="utf-8"))
        found.append(Wheat(file.parent.name, said["stage"], said["style"], tuple(said.get("fails", ()))))
    return tuple(found)
