"""The vectors as questions: bytes to decode, whole and in pieces, and frames to encode."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).resolve().parents[2] / "labs" / "protocol-vectors.json"

EVERY_CUT = 64
"""Bytes up to which a vector is cut at every position; a longer one only near its ends."""

NEAR = 16

SINGLE_BYTES = 8 * 1024
"""Bytes up to which a vector comes byte by byte; a megabyte in single bytes takes too long for no more insight."""

PIECE = 4093  # a prime: its borders fall everywhere


@dataclass(frozen=True, slots=True)
class Vector:
    """Bytes from one side, the frames that they are, and the code of the error they end in, if any."""

    name: str
    side: str
    data: bytes
    frames: list[dict[str, Any]]
    error: str | None
    encodable: bool
    """Whether the frame, encoded, is these bytes."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question: the vector, and the pieces in which its bytes come; None asks to encode the frame."""

    vector: Vector
    pieces: list[bytes] | None

    @property
    def question(self) -> dict[str, Any]:
        """The line that the program gets."""
        if self.pieces is None:
            return {"from": self.vector.side, "frame": self.vector.frames[0]}
        return {"from": self.vector.side, "hex": [piece.hex() for piece in self.pieces]}

    @property
    def how(self) -> str:
        """How the bytes come, in words."""
        if self.pieces is None:
            return "encoded"
        if len(self.pieces) == 1:
            return "decoded whole"
        if len(self.pieces) == 2:
            return f"decoded, cut after byte {len(self.pieces[0])}"
        return "decoded byte by byte" if len(self.pieces[0]) == 1 else f"decoded in pieces of {PIECE:,} bytes"


def load(path: Path = VECTORS) -> list[Vector]:
    """All vectors. Raises OSError or ValueError if there are none to read."""
    document = json.loads(path.read_text(encoding="utf-8"))
    sections = ("frames", "exchange", "streams", "errors")
    return [
        _vector(f"{section} {number}", section in ("frames", "exchange"), _unfold(entry))
        for section in sections
        for number, entry in enumerate(document[section], start=1)
    ]


def cases(vector: Vector) -> Iterator[Case]:
    """Every question about a vector."""
    data = vector.data
    yield Case(vector, [data])
    if len(data) > 1:
        size = 1 if len(data) <= SINGLE_BYTES else PIECE
        yield Case(vector, [data[at : at + size] for at in range(0, len(data), size)])
    for cut in range(1, len(data)):
        if len(data) <= EVERY_CUT or cut <= NEAR or cut >= len(data) - NEAR:
            yield Case(vector, [data[:cut], data[cut:]])
    if vector.encodable:
        yield Case(vector, None)


def _vector(number: str, encodable: bool, entry: dict[str, Any]) -> Vector:
    frames = entry["frames"] if "frames" in entry else [entry["frame"]]
    data = bytes.fromhex(entry["hex"])
    return Vector(entry.get("name", number), entry["from"], data, frames, entry.get("error"), encodable)


def _unfold(value: Any) -> Any:
    """JSON without the file's two abbreviations for long strings, repeat and join (see labs/protocol.md)."""
    if isinstance(value, list):
        return [_unfold(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "repeat" in value:
        return value["repeat"] * value["times"]
    if "join" in value:
        return "".join(_unfold(value["join"]))
    return {key: _unfold(item) for key, item in value.items()}
