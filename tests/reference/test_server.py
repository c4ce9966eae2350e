"""The server over real sockets, in this process: bad input, limits, silence, slow readers, the end."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from reference import outbox as outbox_module
from reference import session as session_module
from reference.protocol import (
    BYE,
    FILES,
    PING,
    ROSTER,
    Abort,
    Bye,
    Data,
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
    Text,
    TextFrom,
    Welcome,
    encode,
)
from tests.reference.live import Live, serving
from tests.reference.people import BASIC
from tests.reference.raw import Raw

ID = bytes(range(16))
OVERSIZED = b"\xff\xff\xff\xffT"
Connect = Callable[..., Raw]


@pytest.fixture
def live() -> Iterator[Live]:
    """A server as it is."""
    with serving() as live:
        yield live


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """A server that waits for nothing as long as the real one does."""
    monkeypatch.setattr(session_module, "HELLO_SECONDS", 0.3)
    with serving(patience=0.2) as live:
        yield live


@pytest.fixture
def people(request: pytest.FixtureRequest) -> Iterator[Callable[..., Raw]]:
    """Connects to the test's server, and joins if a name is given."""
    with ExitStack() as stack:

        def connect(live: Live, name: str = "", *, features: tuple[str, ...] = BASIC, **options: object) -> Raw:
            raw = stack.enter_context(Raw(live.address, **options))  # type: ignore[arg-type]
            if name:
                raw.join(name, features)
            return raw

        yield connect


def nobody_noticed(live: Live, ann: Raw, people: Connect) -> None:
    """A fence: the next thing that ann sees is what bob does now."""
    people(live, "bob")
    assert ann.next() == Joined("bob")


# --- Bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(b"\x00\x00\x00\x02Zz" + os.urandom(200), "bad-length", id="garbage"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "bad-length", id="HTTP request"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "bad-length", id="TLS handshake"),
        pytest.param(b"\xff\xff\xff\xffH", "bad-length", id="oversized length"),
        pytest.param(b"\x00\x00\x00\x00T", "bad-length", id="length zero"),
        pytest.param(b"\x00\x00\x00\x04H{}}", "bad-json", id="no JSON"),
        pytest.param(b"\x00\x00\x00\x04H{\xff}", "bad-utf8", id="no UTF-8"),
        pytest.param(b"\x00\x00\x00\x03H{}", "bad-field", id="field missing"),
        pytest.param(encode(Text("hi")), "out-of-turn", id="text before hello"),
        pytest.param(encode(Offer(ID, "a", 1)), "out-of-turn", id="file before hello"),
        pytest.param(encode(Welcome()), "out-of-turn", id="a server's frame"),
    ],
)
def test_stranger_who_breaks_the_rules_is_told_why(live: Live, people: Connect, sent: bytes, code: str):
    """Whatever comes in place of hello: a reason, then the end, and nobody else notices."""
    ann = people(live, "ann")
    stranger = people(live)
    stranger.send_bytes(sent)
    (answer,) = stranger.rest()
    assert isinstance(answer, Refused)
    assert answer.code == code
    nobody_noticed(live, ann, people)


def unnamed(frame: Frame, feature: str) -> Any:
    """A frame sent by a client that named every feature but this one."""
    return pytest.param(tuple(each for each in BASIC if each != feature), encode(frame), id=f"no {feature}")


@pytest.mark.parametrize(
    ("features", "sent"),
    [
        pytest.param(BASIC, OVERSIZED, id="oversized length"),
        pytest.param(BASIC, encode(Hello("ann")), id="second hello"),
        unnamed(Offer(ID, "a", 1), FILES),
        unnamed(Bye(), BYE),
        unnamed(Ping(), PING),
    ],
)
def test_member_who_breaks_the_rules_goes(live: Live, people: Connect, features: tuple[str, ...], sent: bytes):
    """Once in the room as well: a reason, the end, and for the others it simply left."""
    ann = people(live, "ann")
    rude = people(live, "rude", features=features)
    ann.until(Joined("rude"))
    rude.send_bytes(sent)
    assert isinstance(rude.rest()[-1], Refused)
    assert ann.next() == Left("rude")
    live.shown.wait_for(lambda line: line.startswith("[rude] refused: "))


def test_nobody_speaks_in_anothers_name(live: Live, people: Connect):
    """The server says who spoke, whatever the frame says."""
    ann, rude = people(live, "ann"), people(live, "rude")
    rude.send(TextFrom("bob", "forged"))
    assert ann.until(TextFrom)[-1] == TextFrom("rude", "forged")


def test_welcome_comes_before_any_answer(live: Live, people: Connect):
    """Who does not wait for the welcome is answered after it all the same, however busy the room is."""
    talking = threading.Event()
    ann = people(live, "ann", features=())

    def talk() -> None:
        while not talking.is_set():
            ann.send(*[Text("x")] * 50)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        for number in range(50):
            hasty = people(live)
            hasty.send(Hello(f"hasty {number}", BASIC), Ping(), Offer(bytes([number]) * 16, "a", 1))
            assert isinstance(hasty.next(), Welcome)
            hasty.close()
    finally:
        talking.set()
        thread.join()


def test_reason_arrives_though_more_was_sent(live: Live, people: Connect):
    """Bytes that nobody will read turn a close into a reset, and a reset may destroy the reason: it must not."""
    stranger = people(live)
    stranger.send_bytes(OVERSIZED + bytes(500_000))
    assert isinstance(stranger.next(), Refused)


def test_others_do_not_wait_for_a_refused_one(live: Live, people: Connect, monkeypatch: pytest.MonkeyPatch):
    """One who was refused and stays connected has left the room at once all the same."""
    monkeypatch.setattr(session_module, "LINGER_SECONDS", 3600.0)
    ann, rude = people(live, "ann"), people(live, "rude")
    ann.until(Joined("rude"))
    rude.send_bytes(OVERSIZED)
    assert ann.next() == Left("rude")


def test_refused_one_cannot_hold_on(live: Live, people: Connect, monkeypatch: pytest.MonkeyPatch):
    """Somebody who goes on sending after the refusal is hung up on within the time for reading it."""
    monkeypatch.setattr(session_module, "LINGER_SECONDS", 0.3)
    rude = people(live, "rude")
    rude.send_bytes(OVERSIZED)
    with contextlib.suppress(ConnectionError):
        while True:  # ends only when the server has hung up
            rude.send_bytes(bytes(10))


# --- Silence -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "ann"], ids=["stranger", "member"])
def test_half_a_frame_and_then_silence(quick: Live, people: Connect, name: str):
    """Who begins a frame and does not end it is told so, and hung up on."""
    raw = people(quick, name)
    raw.send_bytes(encode(Text("hello"))[:-3])
    answer = raw.rest()[-1]
    assert isinstance(answer, Refused)
    assert answer.code == "timeout"


@pytest.mark.parametrize("sent", [b"", encode(Hello(""))], ids=["silent", "bad name"])
def test_no_name_in_time(quick: Live, people: Connect, sent: bytes):
    """Who does not join within the time for it makes room for others."""
    raw = people(quick)
    raw.send_bytes(sent)
    answer = raw.rest()[-1]
    assert isinstance(answer, Refused)
    assert answer.code == "timeout"


def test_no_name_in_time_though_not_silent(quick: Live, people: Connect):
    """A byte now and then does not keep a place."""
    raw = people(quick)
    raw.sock.settimeout(0.05)
    for byte in encode(Hello("x" * 5000)):
        raw.send_bytes(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            answer = raw.next()
            assert isinstance(answer, Refused)
            assert answer.code == "timeout"
            return
    raise AssertionError("it could have gone on for ever")


def test_silent_member_is_asked_and_lost_without_an_answer(quick: Live, people: Connect):
    """A pulled cable is known after some silences; who answers the ping stays."""
    ann, gone = people(quick, "ann"), people(quick, "gone")
    while (frame := ann.next()) != Left("gone"):
        if frame == Ping():
            ann.send(Pong())
    assert gone.rest()[-1] == Ping()
    quick.shown.wait_for("[gone] connection lost")


def test_silent_member_that_knows_no_ping_is_left_alone(quick: Live, people: Connect):
    """Nobody is asked in words they did not name: TCP's own keepalive must do there."""
    old = people(quick, "old", features=(ROSTER,))
    ann = people(quick, "ann")
    for _ in range(3):
        ann.until(Ping())
        ann.send(Pong())
    ann.send(Text("still there?"))
    assert old.until(TextFrom)[-1] == TextFrom("ann", "still there?")


# --- Names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "   ", "x" * 33, "a\x1b[1mb", "Ann", "\uff41\uff4e\uff4e"])
def test_refused_name_is_asked_again(live: Live, people: Connect, name: str):
    """Empty, blank, too long, control characters, taken: the reason comes, and the next name on the same connection."""
    people(live, "ann")
    bob = people(live)
    bob.send(Hello(name, BASIC))
    answer = bob.next()
    assert isinstance(answer, Refused)
    assert answer.code.startswith("name-")
    assert answer.reason
    assert bob.join("bob").roster == ("ann", "bob")


# --- Limits --------------------------------------------------------------------------------------------------------


def refused_full(raw: Raw) -> bool:
    """Whether this one was not let in."""
    frames = raw.rest()
    return [type(each) for each in frames] == [Refused] and frames[0].code == "full"  # type: ignore[union-attr]


def test_connections_from_one_address_are_limited(people: Connect):
    """The rest is refused at once with a reason; elsewhere there is room, and here once they are gone."""
    with serving(max_per_address=5) as live:
        silent = [people(live) for _ in range(5)]
        assert all(refused_full(people(live)) for _ in range(20))
        people(live, "elsewhere", source="127.0.0.2")
        silent[0].close()
        gets_in(live, people, "ann")


def test_connections_are_limited_in_all(people: Connect):
    """Whoever comes from wherever when all places are taken is told so, and gets in when one is free."""
    with serving(max_connections=5) as live:
        silent = [people(live, source=f"127.0.0.{number + 2}") for number in range(5)]
        assert refused_full(people(live))
        silent[0].close()
        gets_in(live, people, "ann")


def gets_in(live: Live, people: Connect, name: str) -> None:
    """Try until there is a place: the server learns of a close by itself, and a little later."""
    while True:
        raw = people(live)
        raw.send(Hello(name, BASIC))
        if isinstance(raw.next(), Welcome):
            return


def test_reason_arrives_though_hello_was_said(people: Connect):
    """Who says hello before it is refused can read why, though the server never read the hello."""
    with serving(max_connections=0) as live:
        for _ in range(20):
            raw = people(live)
            raw.send(Hello("ann", BASIC))
            assert isinstance(raw.next(), Refused)


# --- Slow readers --------------------------------------------------------------------------------------------------


def test_one_that_never_reads_is_dropped_when_it_stalls(live: Live, people: Connect, monkeypatch: pytest.MonkeyPatch):
    """The others' texts flow all the time, and for them it has left in the end."""
    monkeypatch.setattr(outbox_module, "STALL_SECONDS", 0.3)
    # Without ping: on a busy machine bob hears for so long that he would be asked whether he is there.
    ann, bob = people(live, "ann"), people(live, "bob", features=(ROSTER,))
    people(live, "stuck", receive_buffer=4096)
    ann.until(Joined("stuck"))
    bob.until(Joined("stuck"))
    texts = [str(number).ljust(4000) for number in range(1500)]  # 6 MB: more than the system's buffers take
    heard = []
    for text in texts:
        ann.send(Text(text))
        heard.append(bob.next())
    heard.append(bob.next())
    assert Left("stuck") in heard
    assert [each for each in heard if each != Left("stuck")] == [TextFrom("ann", text) for text in texts]
    live.shown.wait_for("[stuck] connection lost")


def test_one_that_reads_again_has_lost_nothing(live: Live, people: Connect):
    """Texts wait for a slow reader, in order, as long as the bound allows."""
    ann, slow = people(live, "ann"), people(live, "slow", receive_buffer=4096)
    texts = [str(number).ljust(3000) for number in range(1000)]
    ann.send(*map(Text, texts))
    ann.send(Ping())
    ann.until(Pong())
    assert [slow.next() for _ in texts] == [TextFrom("ann", text) for text in texts]


def test_slow_receiver_of_a_file_delays_nobody(live: Live, people: Connect):
    """One asks for chunks and does not read; the other has the whole file meanwhile, and texts pass."""
    content = os.urandom(10_000_000)
    chunk = 250_000
    ann, slow, bob = people(live, "ann"), people(live, "slow", receive_buffer=4096), people(live, "bob")
    ann.upload(ID, "film.mp4", content)
    slow.until(OfferFrom)
    slow.send(*(Get(ID, offset, chunk) for offset in range(0, len(content), chunk)))
    offer = bob.until(OfferFrom)[-1]
    assert isinstance(offer, OfferFrom)
    assert bob.fetch(offer) == content
    bob.send(Text("got it"))
    chunks = [frame for frame in slow.until(TextFrom("bob", "got it")) if isinstance(frame, Data)]
    assert len(chunks) < len(content) // chunk, "the text waited behind the file"
    for offset in range(len(chunks) * chunk, len(content), chunk):
        assert slow.next() == Data(ID, offset, content[offset : offset + chunk])


# --- Files ---------------------------------------------------------------------------------------------------------


def test_sender_that_vanishes_calls_its_file_off(live: Live, people: Connect):
    """Receivers are told, whatever the sender's end was."""
    ann, bob = people(live, "ann"), people(live, "bob")
    ann.send(Offer(ID, "a.txt", 1000))
    ann.until(Get)
    ann.close()
    assert bob.until(Abort)[-1] == Abort(ID, "ann has left")


def test_server_without_files_does_not_name_them(people: Connect):
    """Clients see it in the welcome, and an offer in spite of that breaks the rules."""
    with serving(files=False) as live:
        raw = people(live)
        assert FILES not in raw.join("ann").features
        raw.send(Offer(ID, "a.txt", 1))
        assert isinstance(raw.rest()[-1], Refused)


# --- The end -------------------------------------------------------------------------------------------------------


def test_end_tells_everyone_and_leaves_no_thread(live: Live, people: Connect):
    """Bye is the last word to all who know it, the others see the stream end; nobody is told that others leave."""
    before = threading.active_count()
    ann, old = people(live, "ann"), people(live, "old", features=(ROSTER,))
    stuck = people(live, "stuck", receive_buffer=4096)
    people(live)  # says nothing
    ann.until(Joined("stuck"))
    live.stop()
    assert ann.rest() == [Bye()]
    assert old.rest() == [Joined("stuck")]
    assert stuck.rest()[-1] == Bye()
    assert threading.active_count() < before  # the accepting thread and the writer have gone as well


def test_end_in_the_midst_of_a_transfer(live: Live, people: Connect):
    """Nobody waits for a file to be whole."""
    ann, bob = people(live, "ann"), people(live, "bob")
    ann.send(Offer(ID, "a.txt", 10**6))
    ann.until(Get)
    bob.until(OfferFrom)
    bob.send(Get(ID, 0, 1000))
    live.stop()
    assert ann.rest()[-1] == Bye()
    assert bob.rest() == [Bye()]
