"""The wire protocol: what every byte sequence means, and what ends a connection."""

from __future__ import annotations

import dataclasses
import hashlib
import string
from collections.abc import Mapping

import pytest

from reference.protocol import (
    _FIELDS,
    FEATURE_OF,
    FEATURES,
    FROM_CLIENT,
    FROM_SERVER,
    ID_SIZE,
    MAX_CHUNK,
    MAX_FILE_NAME,
    MAX_JSON,
    MAX_NUMBER,
    MAX_TEXT,
    MAX_WELCOME,
    Abort,
    Data,
    Decoder,
    End,
    Frame,
    Get,
    Hello,
    Offer,
    Ping,
    ProtocolError,
    Refused,
    Stored,
    Text,
    TextFrom,
    Welcome,
    encode,
    wire_name,
)
from reference.pull import Pull
from tests.reference.vectors import Vector, load, outcome

ID = bytes(range(ID_SIZE))
FRAMES = [*load("frames"), *load("exchange")]
VECTORS = [*FRAMES, *load("streams"), *load("errors")]
LONG = 8 * 1024  # bytes; cutting a megabyte at a million places would take hours

every_vector = pytest.mark.parametrize("vector", VECTORS, ids=str)


@every_vector
def test_a_vector_fed_whole(vector: Vector) -> None:
    """Bytes that come all at once give the vector's frames, and its error."""
    assert outcome(vector.decoder, [vector.data]) == (vector.frames, vector.error)


@every_vector
def test_a_vector_fed_byte_by_byte(vector: Vector) -> None:
    """Bytes that come one by one give the same."""
    pieces = (vector.data[index : index + 1] for index in range(len(vector.data)))
    assert outcome(vector.decoder, pieces) == (vector.frames, vector.error)


@every_vector
def test_a_vector_cut_in_two_at_every_position(vector: Vector) -> None:
    """Wherever the network cuts in two, the same comes out (of a long one: near both ends and here and there)."""
    size = len(vector.data)
    for cut in range(size + 1):
        if size <= LONG or cut < 64 or cut > size - 64 or cut % 9973 == 0:
            result = outcome(vector.decoder, [vector.data[:cut], vector.data[cut:]])
            assert result == (vector.frames, vector.error), f"cut at {cut}"


@pytest.mark.parametrize("vector", FRAMES, ids=str)
def test_a_frame_is_encoded_as_its_vector_says(vector: Vector) -> None:
    """The encoder writes the vector's bytes."""
    assert encode(vector.frames[0]) == vector.data


def test_the_vectors_have_every_frame_of_each_side() -> None:
    """Nothing that may be sent is without a vector."""
    for side, table in (("client", FROM_CLIENT), ("server", FROM_SERVER)):
        assert {type(vector.frames[0]) for vector in FRAMES if vector.side == side} == set(table.values())


def test_the_vectors_have_every_error_of_the_decoder() -> None:
    """No way for bytes to be wrong is without a vector."""
    codes = {vector.error for vector in load("errors")}
    assert codes == {"bad-length", "bad-utf8", "bad-json", "bad-field", "out-of-turn"}


WRONG: dict[str, Frame] = {
    "text one byte over": Text("a" * (MAX_TEXT + 1)),
    "text of half a surrogate pair": Text("\ud800"),
    "name of half a surrogate pair": Hello("\udfff"),
    "feature of half a surrogate pair": Hello("sravya", ("\ud800",)),
    "file name one byte over": Offer(ID, "n" * (MAX_FILE_NAME + 1), 1),
    "id one byte short": Offer(ID[1:], "a", 1),
    "id one byte over": Offer(ID + b"x", "a", 1),
    "size below zero": Offer(ID, "a", -1),
    "size beyond the limit": Offer(ID, "a", MAX_NUMBER + 1),
    "size true": Offer(ID, "a", True),
    "get of nothing": Get(ID, 0, 0),
    "get of too much": Get(ID, 0, MAX_CHUNK + 1),
    "get before the file": Get(ID, -1, 1),
    "hash too short": End(ID, b"short"),
    "data with a short id": Data(ID[1:], 0, b"x"),
    "data before the file": Data(ID, -1, b"x"),
    "data beyond the limit": Data(ID, MAX_NUMBER + 1, b"x"),
    "data of nothing": Data(ID, 0, b""),
}

TOO_LONG: dict[str, Frame] = {
    "data": Data(ID, 0, bytes(MAX_CHUNK + 1)),
    "abort": Abort(ID, "\0" * (MAX_JSON // 6)),
    "welcome": Welcome((), ("a" * 1000,) * (MAX_WELCOME // 1000)),
}


@pytest.mark.parametrize("frame", WRONG.values(), ids=WRONG)
def test_a_frame_with_a_wrong_field_is_not_encoded(frame: Frame) -> None:
    """What the other side would refuse is an error on ours, before anything is sent."""
    with pytest.raises(ProtocolError) as caught:
        encode(frame)
    assert caught.value.code == "bad-field"


@pytest.mark.parametrize("frame", TOO_LONG.values(), ids=TOO_LONG)
def test_a_frame_that_is_too_long_is_not_encoded(frame: Frame) -> None:
    """A frame that only its length makes wrong is an error on our side too."""
    with pytest.raises(ProtocolError) as caught:
        encode(frame)
    assert caught.value.code == "bad-length"


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (Offer(ID, "a", -1), "offer: 'size' must be a whole number from 0 to 9007199254740991"),
        (TextFrom("\ud800", "hello"), "text: 'from' must be text that UTF-8 can carry"),
        (End(ID, b""), "end: 'sha256' must be 32 bytes in lower-case hex"),
    ],
    ids=["offer", "text", "end"],
)
def test_an_error_says_which_frame_and_field(frame: Frame, reason: str) -> None:
    """The reason, which people read, names the frame and the field and says what it must be."""
    with pytest.raises(ProtocolError) as caught:
        encode(frame)
    assert caught.value.reason == str(caught.value) == reason


def test_after_an_error_the_decoder_stays_in_error() -> None:
    """After a broken frame nobody knows where the next one begins: good frames behind it are not believed."""
    decoder = Decoder(FROM_CLIENT)
    decoder.feed(bytes(5))
    for _ in range(3):
        with pytest.raises(ProtocolError) as caught:
            decoder.next_frame()
        assert caught.value.code == "bad-length"
        decoder.feed(encode(Text("hello")))


def test_after_an_error_nothing_is_kept() -> None:
    """Who goes on sending after an error fills nobody's memory."""
    decoder = Decoder(FROM_CLIENT)
    assert outcome(decoder, [bytes(5)]) == ([], "bad-length")
    for _ in range(100):
        decoder.feed(bytes(1000))
    assert not decoder._buffer


def test_a_length_is_judged_before_its_frame_is_kept() -> None:
    """Five bytes are enough to refuse four gigabytes."""
    decoder = Decoder(FROM_CLIENT)
    assert outcome(decoder, [b"\xff\xff\xff\xffT"]) == ([], "bad-length")


@pytest.mark.parametrize("letter", [*sorted(FROM_CLIENT), "Z"])
def test_the_buffer_never_holds_more_than_one_frame(letter: str) -> None:
    """However long frames claim to be, a decoder keeps one of them at most, and what was fed last."""
    decoder = Decoder(FROM_CLIENT)
    most = 4 + (1 + ID_SIZE + 8 + MAX_CHUNK if letter == "D" else MAX_JSON)
    stream = (most - 4).to_bytes(4, "big") + letter.encode() + bytes(most)
    fed = 4096
    for start in range(0, len(stream), fed):
        try:
            decoder.feed(stream[start : start + fed])
            while decoder.next_frame() is not None:
                pass
        except ProtocolError:
            assert not decoder._buffer
        assert len(decoder._buffer) <= most + fed


def test_a_frame_given_out_is_not_kept() -> None:
    """After all frames have been taken, the decoder holds nothing."""
    decoder = Decoder(FROM_SERVER)
    decoder.feed(encode(Data(ID, 0, bytes(MAX_CHUNK))))
    assert isinstance(decoder.next_frame(), Data)
    assert decoder.next_frame() is None
    assert not decoder._buffer


def test_in_frame_tells_half_a_frame_from_none() -> None:
    """Silence between frames is rest, silence within one is a fault."""
    decoder = Decoder(FROM_CLIENT)
    frame = encode(Text("hello"))
    assert not decoder.in_frame
    for index in range(len(frame)):
        decoder.feed(frame[index : index + 1])
        assert decoder.in_frame
    assert decoder.next_frame() == Text("hello")
    assert not decoder.in_frame


def test_nesting_beyond_all_reason_is_a_frame_or_an_error() -> None:
    """An ignored field may be nested too deeply for our JSON reader: that must not be more than a ProtocolError."""
    for depth in (10, 1_000, 16_000):
        body = b'{"text":"hello","a":' + b"[" * depth + b"]" * depth + b"}"
        data = (1 + len(body)).to_bytes(4, "big") + b"T" + body
        assert outcome(Decoder(FROM_CLIENT), [data]) in (([Text("hello")], None), ([], "bad-json"))


def test_a_number_of_thousands_of_digits_is_an_error() -> None:
    """Python refuses to read integers of more than 4,300 digits (CVE-2020-10735): so do we, and without a crash."""
    body = b'{"text":"hello","a":' + b"9" * 30_000 + b"}"
    data = (1 + len(body)).to_bytes(4, "big") + b"T" + body
    assert outcome(Decoder(FROM_CLIENT), [data]) == ([], "bad-json")


# --- The tables


@pytest.mark.parametrize("frame_type", _FIELDS)
def test_the_fields_are_the_attributes_in_their_order(frame_type: type[Frame]) -> None:
    """The decoder fills attributes by position."""
    attributes = [field.name for field in dataclasses.fields(frame_type)]
    assert attributes == ["sender" if field == "from" else field for field in _FIELDS[frame_type]]


@pytest.mark.parametrize("table", [FROM_CLIENT, FROM_SERVER], ids=["client", "server"])
def test_every_letter_is_an_upper_case_letter_and_every_frame_has_fields(table: Mapping[str, type[Frame]]) -> None:
    """A type byte is one ASCII letter; data alone is binary."""
    assert set(table) <= set(string.ascii_uppercase)
    assert set(table.values()) <= {*_FIELDS, Data}
    assert len(set(table.values())) == len(table)


def test_every_frame_needs_a_known_feature_or_none() -> None:
    """Only what a stage-1 program knows may be sent without a feature."""
    everything = {*FROM_CLIENT.values(), *FROM_SERVER.values()}
    assert set(FEATURE_OF.values()) == set(FEATURES)
    assert everything - set(FEATURE_OF) == {Hello, Welcome, Refused, Text, TextFrom}


def test_a_letter_means_one_name_in_both_directions() -> None:
    """A letter that both sides use means the same frame, if with other fields."""
    for letter in FROM_CLIENT.keys() & FROM_SERVER.keys():
        assert wire_name(FROM_CLIENT[letter]) == wire_name(FROM_SERVER[letter])


# --- Two sides, and no network


class _Side:
    """A decoder, and what waits to be decoded by the other side."""

    def __init__(self, accepts: Mapping[str, type[Frame]]) -> None:
        self.decoder = Decoder(accepts)
        self.outgoing = b""

    def say(self, frame: Frame) -> None:
        self.outgoing += encode(frame)

    def hear(self, other: _Side, at_once: int) -> list[Frame]:
        data, other.outgoing = other.outgoing, b""
        frames, error = outcome(self.decoder, [data[i : i + at_once] for i in range(0, len(data), at_once)])
        assert error is None
        return frames


@pytest.mark.parametrize("at_once", [1, 7, 100_000])
def test_two_sides_joined_without_a_network_move_a_file(at_once: int) -> None:
    """A client and a server made of decoders alone: hello, an offer, questions and answers, the end."""
    client, server = _Side(FROM_SERVER), _Side(FROM_CLIENT)
    content = bytes(range(256)) * 300
    pull, arrived = Pull(ID, len(content), clock=lambda: 0.0), bytearray()
    stored = False
    client.say(Hello("sravya", FEATURES))
    client.say(Offer(ID, "image.jpg", len(content)))
    while client.outgoing or server.outgoing:
        for frame in server.hear(client, at_once):
            match frame:
                case Hello(name):
                    server.say(Welcome(FEATURES, (name,)))
                case Data(_, offset, data):
                    pull.take(frame)
                    arrived[offset:] = data
                case End():
                    pull.finish(frame)
                    server.say(Stored(ID))
            if not isinstance(frame, Hello):
                for question in pull.questions():
                    server.say(question)
        for frame in client.hear(server, at_once):
            match frame:
                case Get(_, offset, _) if offset == len(content):
                    client.say(End(ID, _sha256(content)))
                case Get(_, offset, size):
                    client.say(Data(ID, offset, content[offset : offset + size]))
                case Stored():
                    stored = True
    assert stored
    assert arrived == content


def test_what_a_newer_side_sends_does_not_disturb_an_older_one() -> None:
    """Unknown frames and fields between known ones are skipped."""
    newer = b"\0\0\0\4Xabc" + encode(Ping()) + b'\0\0\0\nP{"at": 1}'
    assert outcome(Decoder(FROM_CLIENT), [newer]) == ([Ping(), Ping()], None)


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
