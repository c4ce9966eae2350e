"""The wire: bytes in, frames out, and back. No sockets, no threads, no I/O.

Every frame is a 4-byte big-endian length of what follows, one type byte (an ASCII letter) and a body. A body is one
JSON object in UTF-8; only ``Data`` is binary, because it carries a file's bytes. The specification, with the same
frames in hex, is labs/protocol.md.

TCP is a byte stream: one ``recv`` brings half a frame, or three and a half. So the decoder is fed whatever arrived and
is asked for frames until it has no more::

    decoder = Decoder(FROM_CLIENT)
    decoder.feed(sock.recv(65536))
    while (frame := decoder.next_frame()) is not None:
        ...
"""

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

# --- Limits: every one is checked before anything is buffered or believed ------------------------------------------

MAX_TEXT = 4096
"""Bytes of UTF-8 in one text: a screenful. (IRC has 512 bytes, RFC 2812 section 2.3; a terminal's line 4,096.)"""

MAX_CHUNK = 256 * 1024
"""File bytes in one ``data``. Larger does not go faster over loopback, and holds a text back for longer."""

MAX_FILE_NAME = 1024
"""Bytes of UTF-8 in a file's name: file systems take 255 (NAME_MAX), so that the limit is theirs."""

MAX_NUMBER = 2**53 - 1
"""Sizes and offsets: the largest whole number that every JSON reader keeps exactly (RFC 8259 section 6)."""

MAX_JSON = 32 * 1024
"""Bytes of an ordinary frame: a text of control characters grows sixfold in JSON (``\\u0007``), plus a name."""

MAX_WELCOME = 1024 * 1024
"""Bytes of a ``welcome``: the only frame that lists everybody; 5,000 names of 32 four-byte characters are 655 KB."""

ID_SIZE = 16
"""Bytes of a file's id. Drawn at random, so that two senders never choose the same (RFC 9562 section 6.9)."""

TOKEN_SIZE = 16
"""Bytes of a session's token: 128 random bits, which nobody guesses (RFC 4086)."""

_HEAD = struct.Struct(">IB")  # the length, and the first byte of what it counts: the type
_DATA_HEAD = struct.Struct(f">{ID_SIZE}sQ")

# --- What the other side can do, as named in hello and welcome -----------------------------------------------------

ROSTER = "roster"  # the roster in welcome; joined, left
FILES = "files"  # offer, get, data, end, stored, abort
BYE = "bye"  # bye, both ways
PING = "ping"  # ping, pong
HISTORY = "history"  # earlier
RESUME = "resume"  # numbers, ack, resume
FEATURES = (ROSTER, FILES, BYE, PING, HISTORY, RESUME)

# --- Frames --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """The client's first frame: who I am, what I can do. Sent again, with another name, after a refused one."""

    name: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Welcome:
    """The server's answer to hello: you are in. ``roster`` has everyone in order of joining, the newcomer last."""

    features: tuple[str, ...] = ()
    roster: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """No, and why. A code that begins with ``name-`` leaves the connection open for another hello; others end it."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Text:
    """What a client says to everyone else."""

    text: str


@dataclass(frozen=True, slots=True)
class TextFrom:
    """What somebody else said."""

    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Somebody came."""

    name: str


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody went."""

    name: str


@dataclass(frozen=True, slots=True)
class Offer:
    """I have a file of ``size`` bytes: ask me for it by ``id``."""

    id: bytes
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class OfferFrom:
    """Somebody else has a file: ask the server for it by ``id``. The name is theirs: never use it as a path."""

    sender: str
    id: bytes
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Get:
    """Send me at most ``size`` bytes from ``offset``. Answered by one data, or by end where the file ends."""

    id: bytes
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Data:
    """The bytes of a file from ``offset``: the answer to one get. Never empty. The only binary body."""

    id: bytes
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The file ends at the offset you asked for; ``sha256`` is over the whole of it."""

    id: bytes
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """The server has your whole file, and its SHA-256 is right."""

    id: bytes


@dataclass(frozen=True, slots=True)
class Abort:
    """This file is called off, by the one who offers it or the one who asks for it."""

    id: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Bye:
    """I am leaving: what comes next is the end of the stream."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there? Answered by pong."""


@dataclass(frozen=True, slots=True)
class Pong:
    """I am here."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What somebody said before you came. It has no number: what counts begins after ``numbers``."""

    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """Follows welcome: the room's next entry is ``number`` + 1, and ``token`` brings you back here.

    ``said`` of your texts are among the entries so far, ``heard`` have arrived in all, and ``missed`` of the others'
    entries, which you have not seen, are kept no more.
    """

    token: bytes
    number: int
    said: int = 0
    heard: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Ack:
    """Stands where your own entry has its place, which is ``number``; ``said`` of your texts are in the room by now."""

    number: int
    said: int


@dataclass(frozen=True, slots=True)
class Resume:
    """In place of hello: I am who has this token, ``number`` is the last I saw, ``said`` the last ack's."""

    token: bytes
    number: int
    said: int


Frame: TypeAlias = (
    Hello | Welcome | Refused | Text | TextFrom | Joined | Left | Offer | OfferFrom | Get | Data | End
    | Stored | Abort | Bye | Ping | Pong | Earlier | Numbers | Ack | Resume
)  # fmt: skip

FROM_CLIENT: Mapping[str, type[Frame]] = {
    "H": Hello, "T": Text, "O": Offer, "G": Get, "D": Data, "E": End, "A": Abort, "B": Bye, "P": Ping, "Q": Pong,
    "C": Resume,
}  # fmt: skip
"""What a client may send: type byte and frame."""

FROM_SERVER: Mapping[str, type[Frame]] = {
    "W": Welcome, "R": Refused, "T": TextFrom, "J": Joined, "L": Left, "O": OfferFrom, "G": Get, "D": Data, "E": End,
    "S": Stored, "A": Abort, "B": Bye, "P": Ping, "Q": Pong, "F": Earlier, "N": Numbers, "K": Ack,
}  # fmt: skip
"""What a server may send."""

FEATURE_OF: Mapping[type[Frame], str] = {
    Joined: ROSTER, Left: ROSTER, Offer: FILES, OfferFrom: FILES, Get: FILES, Data: FILES, End: FILES, Stored: FILES,
    Abort: FILES, Bye: BYE, Ping: PING, Pong: PING, Earlier: HISTORY, Numbers: RESUME, Ack: RESUME, Resume: RESUME,
}  # fmt: skip
"""The feature that both sides must have named before this frame is sent. What is not here needs none."""

_KNOWN = {**FROM_CLIENT, **FROM_SERVER}
_LETTERS = {frame: letter for table in (FROM_CLIENT, FROM_SERVER) for letter, frame in table.items()}
_LIMITS = {"D": 1 + _DATA_HEAD.size + MAX_CHUNK, "W": MAX_WELCOME}


def wire_name(frame_type: type[Frame]) -> str:
    """What the specification calls the frame: "text" for Text and for TextFrom."""
    return frame_type.__name__.removesuffix("From").lower()


class ProtocolError(Exception):
    """The bytes break a rule. ``code`` is for programs, ``reason`` for people; both go into ``refused``."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


# --- Fields: what each may hold. A reader takes a value from JSON, and raises ValueError with what it must be ------

_Reader: TypeAlias = Callable[[Any], Any]


def _text(limit: int) -> _Reader:
    def read(value: Any) -> str:
        if type(value) is not str:
            raise ValueError("must be a string")
        try:
            size = len(value.encode())
        except UnicodeEncodeError:  # JSON's \ud800 gives half of a surrogate pair: nobody could send it on
            raise ValueError("must be text that UTF-8 can carry") from None
        if size > limit:
            raise ValueError(f"must be at most {limit} bytes of UTF-8, not {size}")
        return value

    return read


def _number(least: int, most: int) -> _Reader:
    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:  # "is": true is an int in Python
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return read


def _hex(size: int) -> _Reader:
    def read(value: Any) -> bytes:
        if type(value) is str and len(value) == 2 * size and set(value) <= set("0123456789abcdef"):
            return bytes.fromhex(value)
        raise ValueError(f"must be {size} bytes in lower-case hex")

    return read


_word = _text(MAX_JSON)


def _words(value: Any) -> tuple[str, ...]:
    if type(value) not in (list, tuple):
        raise ValueError("must be a list of strings")
    return tuple(_word(word) for word in value)


_id = _hex(ID_SIZE)
_token = _hex(TOKEN_SIZE)
_size = _number(0, MAX_NUMBER)

_FIELDS: Mapping[type[Frame], Mapping[str, _Reader]] = {
    Hello: {"name": _word, "features": _words},
    Welcome: {"features": _words, "roster": _words},
    Refused: {"code": _word, "reason": _word},
    Text: {"text": _text(MAX_TEXT)},
    TextFrom: {"from": _word, "text": _text(MAX_TEXT)},
    Joined: {"name": _word},
    Left: {"name": _word},
    Offer: {"id": _id, "name": _text(MAX_FILE_NAME), "size": _size},
    OfferFrom: {"from": _word, "id": _id, "name": _text(MAX_FILE_NAME), "size": _size},
    Get: {"id": _id, "offset": _size, "size": _number(1, MAX_CHUNK)},
    End: {"id": _id, "sha256": _hex(32)},
    Stored: {"id": _id},
    Abort: {"id": _id, "reason": _word},
    Bye: {},
    Ping: {},
    Pong: {},
    Earlier: {"from": _word, "text": _text(MAX_TEXT)},
    Numbers: {"token": _token, "number": _size, "said": _size, "heard": _size, "missed": _size},
    Ack: {"number": _size, "said": _size},
    Resume: {"token": _token, "number": _size, "said": _size},
}
"""The JSON fields of each frame, in the order of its attributes. ("from" is a Python keyword: there it is sender.)"""

_OPTIONAL: Mapping[type[Frame], Mapping[str, Any]] = {Welcome: {"roster": []}}
"""Fields that may be missing, and what they are then: a server without the roster feature knows of none."""


def _read_fields(frame_type: type[Frame], values: Mapping[str, Any]) -> list[Any]:
    """The fields as the frame's attributes have them. Raises ProtocolError for one that is wrong or missing."""
    attributes = []
    for field, read in _FIELDS[frame_type].items():
        try:
            attributes.append(read(values[field]))
        except KeyError:
            raise ProtocolError("bad-field", f"{wire_name(frame_type)}: '{field}' is missing") from None
        except ValueError as error:
            raise ProtocolError("bad-field", f"{wire_name(frame_type)}: '{field}' {error}") from None
    return attributes


def _check_length(letter: str, length: int) -> None:
    limit = _LIMITS.get(letter, MAX_JSON)
    if not 1 <= length <= limit:
        raise ProtocolError("bad-length", f"a frame of {length} bytes: the length must be from 1 to {limit}")


# --- Encoding ------------------------------------------------------------------------------------------------------

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode(frame: Frame) -> bytes:
    """The frame as it goes on the wire. Raises ProtocolError for what the other side's decoder would refuse."""
    letter = _LETTERS[type(frame)]
    pieces = _encode_data(frame) if isinstance(frame, Data) else [_encode_fields(frame)]
    length = 1 + sum(map(len, pieces))
    _check_length(letter, length)
    return b"".join([_HEAD.pack(length, ord(letter)), *pieces])  # one copy of a file's bytes, where each + makes one


def _encode_fields(frame: Frame) -> bytes:
    values = {}
    for field in _FIELDS[type(frame)]:
        value = getattr(frame, "sender" if field == "from" else field)
        values[field] = value.hex() if type(value) is bytes else value
    _read_fields(type(frame), values)
    return _to_json(values).encode()


def _encode_data(data: Data) -> list[bytes]:
    if len(data.id) != ID_SIZE or not 0 <= data.offset <= MAX_NUMBER or not data.data:
        raise ProtocolError("bad-field", f"data: needs an id of {ID_SIZE} bytes, an offset and some bytes")
    return [_DATA_HEAD.pack(data.id, data.offset), data.data]


# --- Decoding ------------------------------------------------------------------------------------------------------


class Decoder:
    """Turns a byte stream into frames, however the network cut it.

    ``accepts`` is what the other side may send: ``FROM_CLIENT`` in a server, ``FROM_SERVER`` in a client. Frames of
    unknown type are skipped, so that a newer program can talk to an older one. Everything else that is wrong raises
    ProtocolError, and then again at every call: after a broken frame nobody knows where the next one begins.

    Holds at most one frame beyond what was last fed.
    """

    def __init__(self, accepts: Mapping[str, type[Frame]]) -> None:
        self._accepts = accepts
        self._buffer = bytearray()
        self._error: ProtocolError | None = None

    @property
    def in_frame(self) -> bool:
        """Whether a frame has begun and not ended: silence now is a fault, between frames it is not."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take what one ``recv`` brought. Ask for frames before feeding more."""
        if self._error is None:
            self._buffer += data

    def next_frame(self) -> Frame | None:
        """The next whole frame, or None until more has been fed."""
        if self._error is not None:
            raise self._error
        try:
            return self._next_frame()
        except ProtocolError as error:
            self._error = error
            self._buffer.clear()
            raise

    def _next_frame(self) -> Frame | None:
        while len(self._buffer) >= _HEAD.size:
            length, type_byte = _HEAD.unpack_from(self._buffer)
            letter = chr(type_byte)
            _check_length(letter, length)
            if letter in _KNOWN and letter not in self._accepts:
                raise ProtocolError("out-of-turn", f"this side may not send {wire_name(_KNOWN[letter])}")
            end = _HEAD.size - 1 + length
            if len(self._buffer) < end:
                return None
            with memoryview(self._buffer)[_HEAD.size : end] as body:  # a view: a file's bytes are copied once, below
                frame = _decode(self._accepts[letter], body) if letter in self._accepts else None
            del self._buffer[:end]
            if frame is not None:
                return frame
        return None


def _decode(frame_type: type[Frame], body: memoryview) -> Frame:
    if frame_type is Data:
        return _decode_data(body)
    return frame_type(*_read_fields(frame_type, {**_OPTIONAL.get(frame_type, {}), **_decode_json(frame_type, body)}))


def _decode_data(body: memoryview) -> Data:
    if len(body) <= _DATA_HEAD.size:
        raise ProtocolError("bad-field", f"data: needs an id, an offset and some bytes, not {len(body)} bytes in all")
    file_id, offset = _DATA_HEAD.unpack_from(body)
    if offset > MAX_NUMBER:
        raise ProtocolError("bad-field", f"data: the offset must be at most {MAX_NUMBER}")
    return Data(file_id, offset, bytes(body[_DATA_HEAD.size :]))


def _not_json(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")  # Python's reader takes NaN and Infinity; RFC 8259 does not


_from_json = json.JSONDecoder(parse_constant=_not_json).decode


def _decode_json(frame_type: type[Frame], body: memoryview) -> dict[str, Any]:
    name = wire_name(frame_type)
    try:
        values = _from_json(str(body, "utf-8"))
    except UnicodeDecodeError as error:
        raise ProtocolError("bad-utf8", f"{name}: not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError) as error:  # RecursionError: 10,000 opening brackets
        raise ProtocolError("bad-json", f"{name}: not JSON: {error}") from None
    if type(values) is not dict:
        raise ProtocolError("bad-json", f"{name}: the body must be a JSON object")
    return values
