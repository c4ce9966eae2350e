"""Where an answer differs from what the vector says."""

from typing import Any

from labkit.vectors.cases import Case, Vector
from reference.protocol import FROM_CLIENT, FROM_SERVER, Decoder, Frame, ProtocolError, wire_name

SHOWN = 60
"""Characters of a value in the report."""

AROUND = 8
"""Bytes shown before and behind the one that differs."""


def differs(case: Case, answer: Any) -> str | None:
    """What is wrong with the answer, in words; None if it is right."""
    if not isinstance(answer, dict):
        return f"the answer must be a JSON object, not {shorten(answer)}"
    return _encoded(case.vector, answer) if case.pieces is None else _decoded(case.vector, answer)


# --- Decoding ------------------------------------------------------------------------------------------------------


def _decoded(vector: Vector, answer: dict[str, Any]) -> str | None:
    frames = answer.get("frames")
    if not isinstance(frames, list):
        return f'the answer must be {{"frames": [...], "error": ...}}, not {shorten(answer)}'
    starts = frame_starts(vector)
    for number, (expected, found) in enumerate(zip(vector.frames, frames, strict=False), start=1):
        if expected != found:
            return f"frame {number}, from byte {starts[number - 1]} on: {_fields(expected, found)}"
    at = starts[min(len(frames), len(vector.frames))]
    if len(frames) < len(vector.frames):
        missing = vector.frames[len(frames)]["type"]
        return f"frame {len(frames) + 1} is missing: a {missing} from byte {at} on (error: {answer.get('error')})"
    if len(frames) > len(vector.frames):
        instead = f", where the error must be {vector.error}" if vector.error else ""
        return f"one frame too many, from byte {at} on{instead}: {shorten(frames[len(vector.frames)])}"
    if answer.get("error") != vector.error:
        return f"at byte {at}: the error must be {vector.error}, not {shorten(answer.get('error'))}"
    return None


def frame_starts(vector: Vector) -> list[int]:
    """At which byte each frame of the vector begins, and what comes behind the last one."""
    starts = []
    at = 0
    for _ in vector.frames:
        at = _skip_unknown(vector.data, at)
        starts.append(at)
        at += 4 + int.from_bytes(vector.data[at : at + 4], "big")
    return [*starts, _skip_unknown(vector.data, at)]


def _skip_unknown(data: bytes, at: int) -> int:
    """The next place where no whole frame of unknown type begins."""
    while len(data) >= at + 5 and chr(data[at + 4]) not in {**FROM_CLIENT, **FROM_SERVER}:
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if not at + 5 <= end <= len(data):
            break
        at = end
    return at


def _fields(expected: dict[str, Any], found: Any) -> str:
    if not isinstance(found, dict):
        return f"must be {shorten(expected)}, not {shorten(found)}"
    for field in [*expected, *found]:
        if expected.get(field) != found.get(field) or (field in expected) != (field in found):
            return f"'{field}' must be {_value(expected, field)}, not {_value(found, field)}"
    return f"must be {shorten(expected)}, not {shorten(found)}"


def _value(frame: dict[str, Any], field: str) -> str:
    return shorten(frame[field]) if field in frame else "missing"


# --- Encoding ------------------------------------------------------------------------------------------------------


def _encoded(vector: Vector, answer: dict[str, Any]) -> str | None:
    try:
        found = bytes.fromhex(answer["hex"])
    except (KeyError, TypeError, ValueError):
        return f'the answer must be {{"hex": "..."}}, not {shorten(answer)}'
    if found == vector.data:
        return None
    # How JSON is spaced, ordered and escaped is the sender's choice: other bytes may be the same frame.
    problem = _other_frame(vector, found)
    return f"{problem}; {first_difference(vector.data, found)}" if problem else None


def _other_frame(vector: Vector, found: bytes) -> str | None:
    accepts = FROM_CLIENT if vector.side == "client" else FROM_SERVER
    decoder = Decoder(accepts)
    decoder.feed(found)
    try:
        frame = decoder.next_frame()
    except ProtocolError as error:
        return f"{error.code}: {error.reason}"
    if frame is None or decoder.in_frame:
        return "not one whole frame"
    expected = vector.frames[0]
    said = _as_vector(frame, expected)
    return None if said == expected else _fields(expected, said)


def _as_vector(frame: Frame, like: dict[str, Any]) -> dict[str, Any]:
    """A frame as the vectors write it."""
    said: dict[str, Any] = {"type": wire_name(type(frame))}
    for field in like.keys() - {"type"}:
        value = getattr(frame, "sender" if field == "from" else field, None)
        if isinstance(value, bytes):
            value = value.hex()
        said[field] = list(value) if isinstance(value, tuple) else value
    return said


def first_difference(expected: bytes, found: bytes) -> str:
    """At which byte two encodings part, with some bytes around it."""
    at = next(
        (at for at, (one, other) in enumerate(zip(expected, found, strict=False)) if one != other),
        min(len(expected), len(found)),
    )
    start = max(0, at - AROUND)
    return f"differs at byte {at}: must be {_around(expected, start, at)}, is {_around(found, start, at)}"


def _around(data: bytes, start: int, at: int) -> str:
    before, here, behind = data[start:at].hex(" "), data[at : at + 1].hex(), data[at + 1 : at + AROUND].hex(" ")
    return " ".join(filter(None, ["…" if start else "", before, f"[{here or 'the end'}]", behind]))


def shorten(value: Any) -> str:
    """A value for the report: harmless (ASCII) and short."""
    text = ascii(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"
