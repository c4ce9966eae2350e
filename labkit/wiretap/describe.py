"""A frame's type and body in words, short enough for one line."""

from labkit.wiretap.follower import DATA_HEAD, LENGTH, Broken, Part, Whole
from labkit.wiretap.talk import Files
from reference.printable import one_line
from reference.protocol import (
    FROM_CLIENT,
    FROM_SERVER,
    Abort,
    Ack,
    Data,
    Earlier,
    End,
    Frame,
    Get,
    Hello,
    Joined,
    Left,
    Numbers,
    Offer,
    OfferFrom,
    Refused,
    Resume,
    Stored,
    Text,
    TextFrom,
    Welcome,
    wire_name,
)

_NAMES = {letter: wire_name(frame) for letter, frame in {**FROM_CLIENT, **FROM_SERVER}.items()}
BAR = 5


def type_name(letter: str) -> str:
    """What the specification calls the type, or the letter itself."""
    return _NAMES.get(letter) or f"type {visible(letter)}"


def visible(letter: str) -> str:
    """A type byte as it can be shown: a letter, or its number in hex."""
    return f'"{letter}"' if letter.isascii() and letter.isprintable() else f"{ord(letter):02x}"


def body(whole: Whole, files: Files) -> list[tuple[str, str]]:
    """What the frame says: (field, value), the most telling first. A value may come without a field's name.

    Everything that comes from the wire is made harmless here.
    """
    return [(field, one_line(value)) for field, value in _body(whole.frame, whole.size, files)]


def _body(frame: Frame | None, size: int, files: Files) -> list[tuple[str, str]]:
    match frame:
        case None:
            return [("", "nobody knows this type: skipped")]
        case Hello():
            return [("name", frame.name), ("features", " ".join(frame.features) or "none")]
        case Welcome():
            return [("roster", ", ".join(frame.roster) or "none"), ("features", " ".join(frame.features) or "none")]
        case Refused():
            return [("", frame.code), ("", frame.reason)]
        case Text():
            return [("", quoted(frame.text))]
        case TextFrom() | Earlier():
            return [("from", frame.sender), ("", quoted(frame.text))]
        case Joined() | Left():
            return [("name", frame.name)]
        case Offer():
            return [("", frame.name), ("size", f"{frame.size:,}")]
        case OfferFrom():
            return [("from", frame.sender), ("", frame.name), ("size", f"{frame.size:,}")]
        case Get():
            return [("", files.name(frame.id)), ("", f"{frame.size:,}"), ("from", f"{frame.offset:,}")]
        case Data():
            return [
                ("", files.name(frame.id)),
                *_progress(frame.id, frame.offset + size - DATA_HEAD, files),
                ("from", f"{frame.offset:,}"),
            ]
        case End():
            return [("", files.name(frame.id)), ("sha256", f"{frame.sha256[:4].hex()}…")]
        case Stored():
            return [("", files.name(frame.id))]
        case Abort():
            return [("", files.name(frame.id)), ("", frame.reason)]
        case Numbers():
            counts = ("number", "said", "heard", "missed")
            return [(each, str(getattr(frame, each))) for each in counts]
        case Ack() | Resume():
            return [("number", str(frame.number)), ("said", str(frame.said))]
        case _:  # bye, ping and pong have no fields
            return []


def quoted(text: str) -> str:
    """A text as it was said. Line breaks become their pictures, as all control characters do."""
    return f"“{text}”"


def _progress(file_id: bytes, reached: int, files: Files) -> list[tuple[str, str]]:
    size = files.size(file_id)
    if not size:
        return []
    share = min(1.0, reached / size)
    full = int(share * BAR)
    return [("", f"{'█' * full}{'░' * (BAR - full)} {share:.0%}")]


def segment(parts: list[Part]) -> str:
    """What one recv brought, in words: "hello + text + bytes 1 to 3 of 21"."""
    shown = [_part(part) for part in parts[:6]]
    if len(parts) > 6:
        shown.append(f"{len(parts) - 6} more")
    return " + ".join(shown)


def _part(part: Part) -> str:
    if part.lost:
        return f"{count(part.size)} behind the break"
    name = "broken frame" if isinstance(part.result, Broken) else _name(part)
    if part.start == 0 and part.result is not None:
        return name
    first, last = part.start + 1, part.start + part.size
    place = f"byte {first:,}" if first == last else f"bytes {first:,} to {last:,}"
    total = f" of {part.total:,}" if part.total is not None else ""
    return f"{place}{total} ({name if part.result is not None else _what(part)})"


def _name(part: Part) -> str:
    return type_name(part.result.letter) if isinstance(part.result, Whole) else "a frame"


def _what(part: Part) -> str:
    if part.start >= LENGTH + 1:
        return "body"
    if part.start + part.size <= LENGTH:
        return "length"
    if part.start == LENGTH and part.size == 1:
        return "type"
    return "begins" if part.start == 0 else "goes on"


def count(size: int) -> str:
    """A number of bytes."""
    return "1 byte" if size == 1 else f"{size:,} bytes"
