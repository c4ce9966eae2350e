"""What holds for every frame and for every byte sequence, and not just for those that somebody thought of."""

import itertools
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference.protocol import (
    _FIELDS,
    FEATURES,
    FROM_CLIENT,
    FROM_SERVER,
    ID_SIZE,
    MAX_CHUNK,
    MAX_NUMBER,
    Abort,
    Bye,
    Data,
    Decoder,
    End,
    Frame,
    Get,
    Hello,
    Joined,
    Left,
    Offer,
    OfferFrom,
    Ping,
    Pong,
    Refused,
    Stored,
    Text,
    TextFrom,
    Welcome,
    encode,
)
from tests.reference.vectors import load, outcome

# The same inputs in every run: a failure here is a failure everywhere, and nobody's luck decides. No deadline: how
# long one input takes says more about what else runs on this machine.
reliably = settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))

# --- Frames

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
word_lists = st.lists(words | st.sampled_from(FEATURES), max_size=5).map(tuple)
ids = st.binary(min_size=ID_SIZE, max_size=ID_SIZE)
numbers = st.integers(0, MAX_NUMBER)
sizes = st.integers(1, MAX_CHUNK)
nothing = st.builds(Bye) | st.builds(Ping) | st.builds(Pong)

both = (
    st.builds(Get, ids, numbers, sizes)
    | st.builds(Data, ids, numbers, st.binary(min_size=1, max_size=100))
    | st.builds(End, ids, st.binary(min_size=32, max_size=32))
    | st.builds(Abort, ids, words)
    | nothing
)
from_client = (
    st.builds(Hello, words, word_lists) | st.builds(Text, words) | st.builds(Offer, ids, words, numbers) | both
)
from_server = (
    st.builds(Welcome, word_lists, word_lists)
    | st.builds(Refused, words, words)
    | st.builds(TextFrom, words, words)
    | st.builds(Joined, words)
    | st.builds(Left, words)
    | st.builds(OfferFrom, words, ids, words, numbers)
    | st.builds(Stored, ids)
    | both
)


def cut(data: bytes, positions: list[int]) -> list[bytes]:
    """The data in pieces; positions are taken modulo its length."""
    borders = [0, *sorted(position % (len(data) + 1) for position in positions), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(borders)]


@reliably
@given(st.lists(from_client, max_size=5), st.lists(st.integers(0, 10_000), max_size=20))
def test_what_a_client_encodes_a_server_decodes(frames: list[Frame], cuts: list[int]) -> None:
    """Any frames, in any pieces, come out as they went in."""
    assert outcome(Decoder(FROM_CLIENT), cut(b"".join(map(encode, frames)), cuts)) == (frames, None)


@reliably
@given(st.lists(from_server, max_size=5), st.lists(st.integers(0, 10_000), max_size=20))
def test_what_a_server_encodes_a_client_decodes(frames: list[Frame], cuts: list[int]) -> None:
    """Any frames, in any pieces, come out as they went in."""
    assert outcome(Decoder(FROM_SERVER), cut(b"".join(map(encode, frames)), cuts)) == (frames, None)


# --- Anything: outcome() catches ProtocolError alone, so whatever else is raised fails the test

KNOWN_BYTES = [vector.data for vector in load("frames") + load("streams") + load("errors") if len(vector.data) < 300]
directions = st.sampled_from([FROM_CLIENT, FROM_SERVER])
mutations = st.binary(min_size=3, max_size=12)  # each three bytes are one accident: quicker to draw than tuples


def mutate(data: bytes, accidents: bytes) -> bytes:
    """The data after some accidents: which, where, and with what."""
    result = bytearray(data)
    for which, where, value in zip(accidents[::3], accidents[1::3], accidents[2::3], strict=False):
        at = where % (len(result) + 1)
        match which % 4:
            case 0:
                result[at : at + 1] = bytes([value])
            case 1:
                result[at:at] = bytes([value])
            case 2:
                del result[at : at + value % 8]
            case _:
                result[at:at] = result[at : at + value % 32]
    return bytes(result)


@settings(reliably, max_examples=5_000)
@given(st.binary(max_size=64), directions)
def test_random_bytes_give_frames_or_a_protocol_error(data: bytes, accepts: Any) -> None:
    """5,000 times anything at all."""
    outcome(Decoder(accepts), [data])


@settings(reliably, max_examples=3_000)
@given(st.sampled_from(KNOWN_BYTES), mutations, directions)
def test_mutated_frames_give_frames_or_a_protocol_error(data: bytes, changes: bytes, accepts: Any) -> None:
    """3,000 times good and bad frames after a few accidents."""
    outcome(Decoder(accepts), [mutate(data, changes)])


@settings(reliably, max_examples=2_000)
@given(st.sampled_from(sorted({*FROM_CLIENT, *FROM_SERVER, "Z"})), st.binary(max_size=100), directions)
def test_random_bodies_give_frames_or_a_protocol_error(letter: str, body: bytes, accepts: Any) -> None:
    """2,000 times a good head with any body."""
    outcome(Decoder(accepts), [(1 + len(body)).to_bytes(4, "big") + letter.encode() + body])


simple = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | ids.map(bytes.hex)
anything_in_json = simple | st.lists(simple, max_size=3) | st.dictionaries(words, simple, max_size=2)
any_fields = st.fixed_dictionaries(
    {}, optional={field: anything_in_json for kinds in _FIELDS.values() for field in kinds}
)


@settings(reliably, max_examples=500)
@given(st.sampled_from(sorted({*FROM_CLIENT, *FROM_SERVER})), any_fields, directions)
def test_fields_of_any_value_give_frames_or_a_protocol_error(letter: str, values: Any, accepts: Any) -> None:
    """500 times good JSON with any values, NaN and halves of surrogate pairs among them."""
    body = json.dumps(values).encode()
    outcome(Decoder(accepts), [(1 + len(body)).to_bytes(4, "big") + letter.encode() + body])


@reliably
@given(st.sampled_from(KNOWN_BYTES), mutations, directions, st.lists(st.integers(0, 300), max_size=10))
def test_how_bytes_are_cut_changes_nothing(data: bytes, changes: bytes, accepts: Any, cuts: list[int]) -> None:
    """Good or bad, whole or in pieces: the same frames, and the same error."""
    mutated = mutate(data, changes)
    assert outcome(Decoder(accepts), cut(mutated, cuts)) == outcome(Decoder(accepts), [mutated])


@reliably
@given(st.sampled_from(KNOWN_BYTES), mutations, directions)
def test_a_frame_that_is_decoded_can_be_encoded(data: bytes, changes: bytes, accepts: Any) -> None:
    """What a decoder accepts, a server can pass on: encoded anew it means the same."""
    frames, _ = outcome(Decoder(accepts), [mutate(data, changes)])
    assert outcome(Decoder(accepts), [b"".join(map(encode, frames))]) == (frames, None)
