"""The protocol's test vectors, labs/protocol-vectors.json, as the tests use them. Its format: labs/protocol.md."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference.protocol import FROM_CLIENT, FROM_SERVER, Decoder, Frame, ProtocolError, wire_name

LABS = Path(__file__).parents[2] / "labs"

_HEX = {"id", "sha256", "data", "token"}
_LISTS = {"features", "roster"}


@dataclass(frozen=True)
class Vector:
    """Bytes from one side, and what a decoder makes of them."""

    name: str
    side: str
    data: bytes
    frames: list[Frame]
    error: str | None = None

    @property
    def decoder(self) -> Decoder:
        """A new decoder for what this side sends."""
        return Decoder(accepts(self.side))

    def __str__(self) -> str:
        return self.name


def accepts(side: str) -> Mapping[str, type[Frame]]:
    """What "client" or "server" may send."""
    return FROM_CLIENT if side == "client" else FROM_SERVER


def load(section: str) -> list[Vector]:
    """The vectors of one section of the file."""
    document = json.loads((LABS / "protocol-vectors.json").read_text(encoding="utf-8"))
    assert document["version"] == 1
    return [_vector(f"{section} {number}", unfold(entry)) for number, entry in enumerate(document[section], start=1)]


def unfold(value: Any) -> Any:
    """JSON without the two abbreviations for long strings: repeat and join."""
    if isinstance(value, list):
        return [unfold(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "repeat" in value:
        return value["repeat"] * value["times"]
    if "join" in value:
        return "".join(unfold(value["join"]))
    return {key: unfold(item) for key, item in value.items()}


def outcome(decoder: Decoder, pieces: Iterator[bytes] | list[bytes]) -> tuple[list[Frame], str | None]:
    """The frames that come out when these pieces go in, and the error's code if there is one."""
    frames: list[Frame] = []
    try:
        for piece in pieces:
            decoder.feed(piece)
            while (frame := decoder.next_frame()) is not None:
                frames.append(frame)
    except ProtocolError as error:
        return frames, error.code
    return frames, None


def _vector(name: str, entry: dict[str, Any]) -> Vector:
    side = entry["from"]
    frames = entry["frames"] if "frames" in entry else [entry["frame"]]
    data = bytes.fromhex(entry["hex"])
    return Vector(entry.get("name", name), side, data, [_frame(side, frame) for frame in frames], entry.get("error"))


def _frame(side: str, fields: dict[str, Any]) -> Frame:
    values = dict(fields)
    wanted = values.pop("type")
    (frame_type,) = (each for each in accepts(side).values() if wire_name(each) == wanted)
    if "from" in values:
        values["sender"] = values.pop("from")
    for name, value in values.items():
        if name in _HEX:
            values[name] = bytes.fromhex(value)
        elif name in _LISTS:
            values[name] = tuple(value)
    return frame_type(**values)
