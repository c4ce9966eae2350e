"""The files of a client without a network: what it is sent is handed in, and its questions are thrown away."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest

from reference.client.events import Event, FileFailed, FileReceived
from reference.client.transfers import GIVE_WAY_SECONDS, TYPING_SECONDS, Transfers, _Incoming
from reference.protocol import FROM_CLIENT, MAX_CHUNK, Abort, Data, Decoder, End, Frame, Get, OfferFrom
from reference.pull import Pull
from tests.reference.people import DEADLINE

ID = bytes(range(16))


class Kept:
    """An outbox that keeps what it is given, as frames."""

    def __init__(self) -> None:
        self._decoder = Decoder(FROM_CLIENT)
        self.frames: list[Frame] = []

    def send(self, frames: bytes) -> None:
        """Keep it."""
        self._decoder.feed(frames)
        while (frame := self._decoder.next_frame()) is not None:
            self.frames.append(frame)


class Deaf:
    """An outbox that forgets what it is given."""

    def send(self, frames: bytes) -> None:
        """Nobody hears it."""


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """At once."""
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time that the transfers go by."""
    clock = Clock()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    return clock


def test_a_file_that_is_offered_again_goes_on(tmp_path: Path) -> None:
    """Its sender came back late, or the server is a new one: the copy that is half here becomes whole."""
    seen: list[Event] = []
    transfers = Transfers(cast(Any, Deaf()), tmp_path, 10**9, seen.append)
    transfers.offered(OfferFrom("sanjay", ID, "a.txt", 5))
    transfers.offered(OfferFrom("sanjay", ID, "a.txt", 5))
    transfers.data(Data(ID, 0, b"hello"))
    transfers.ended(End(ID, hashlib.sha256(b"hello").digest()))
    assert seen[-1] == FileReceived(1, "a.txt", tmp_path / "a.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("can_resume", [True, False])
def test_a_server_that_keeps_the_file_for_us_is_told_when_it_has_arrived(tmp_path: Path, can_resume: bool) -> None:
    """And no other: to one that knows nothing of it, the file is none of our business any more."""
    outbox = Kept()
    transfers = Transfers(cast(Any, outbox), tmp_path, 10**9, lambda event: None, can_resume)
    transfers.offered(OfferFrom("sanjay", ID, "empty.txt", 0))
    transfers.ended(End(ID, hashlib.sha256().digest()))
    assert outbox.frames[1:] == ([Abort(ID, "it has arrived")] if can_resume else [])


def test_a_file_gives_way_while_somebody_types_and_no_longer(clock: Clock, tmp_path: Path) -> None:
    """Each piece waits a little until half a second after the last key."""
    transfers = Transfers(cast(Any, Deaf()), tmp_path, 10**9, lambda event: None)
    offer = OfferFrom("sanjay", os.urandom(16), "big.bin", 100 * MAX_CHUNK)
    transfers.offered(offer)
    pieces = iter(range(0, offer.size, 16 * 1024))

    def piece_comes() -> None:
        transfers.data(Data(offer.id, next(pieces), bytes(16 * 1024)))

    piece_comes()
    assert clock.slept == []
    transfers.give_way()
    piece_comes()
    piece_comes()
    assert clock.slept == [GIVE_WAY_SECONDS] * 2
    clock.now += TYPING_SECONDS
    piece_comes()
    assert clock.slept == [GIVE_WAY_SECONDS] * 2
    transfers.end("the test is over")


def test_what_was_called_off_while_away_is_told_on_each_new_connection(tmp_path: Path) -> None:
    """Nobody knows whether the server has read it on the one before, which may break at once, too."""
    path = tmp_path / "film.mp4"
    path.write_bytes(b"film")
    transfers = Transfers(cast(Any, Deaf()), tmp_path, 10**9, lambda event: None, can_resume=True)
    transfers.send_file(path)
    transfers.cancel(1)
    broken, good = Kept(), Kept()
    transfers.reconnected(cast(Any, broken))
    transfers.reconnected(cast(Any, good))
    assert [type(frame) for frame in good.frames] == [Abort]


def test_a_name_that_this_disk_cannot_hold_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an emoji in a locale of ASCII: the thread that listens goes on."""
    seen: list[Event] = []
    transfers = Transfers(cast(Any, Deaf()), tmp_path, 10**9, seen.append)
    monkeypatch.setattr(Path, "open", lambda path, mode: path.name.encode("ascii"))
    transfers.offered(OfferFrom("sanjay", ID, "\U0001f600.txt", 5))
    assert seen[-1] == FileFailed(1, "\U0001f600.txt", f"cannot write to {tmp_path}: no file can have this name here")


def meanwhile(transfers: Transfers, function: Callable[[], None]) -> Thread:
    """Another thread comes in between, if the transfers' lock does not keep it out."""
    thread = Thread(target=function)
    thread.start()
    if not transfers._lock.locked():
        thread.join(DEADLINE)
    return thread


def test_a_file_wanted_again_comes_though_its_last_answer_comes_in_that_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`!get` sees that it is called off, and the other thread makes it one that waits."""
    outbox, threads = Kept(), list[Thread]()
    transfers = Transfers(cast(Any, outbox), tmp_path, 10**9, lambda event: None)
    transfers.offered(OfferFrom("sanjay", ID, "a.txt", 5))
    transfers.cancel(1)
    transfers.data(Data(ID, 0, b"hello"))
    answers = iter([End(ID, hashlib.sha256(b"hello").digest())])

    def look(incoming: _Incoming) -> Any:
        called_off = vars(incoming)["called_off"]
        for answer in answers:
            threads.append(meanwhile(transfers, partial(transfers.ended, answer)))
        return called_off

    watched = property(look, lambda incoming, value: vars(incoming).update(called_off=value))
    monkeypatch.setattr(_Incoming, "called_off", watched, raising=False)
    assert transfers.get(1)
    threads[0].join(DEADLINE)
    transfers.data(Data(ID, 0, b"again"))
    transfers.ended(End(ID, hashlib.sha256(b"again").digest()))
    assert (tmp_path / "a.txt").read_bytes() == b"again"


def test_questions_made_before_a_reconnection_are_not_asked_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that reconnects asks them itself, and nobody takes a second answer."""
    old, new, threads = Kept(), Kept(), list[Thread]()
    transfers = Transfers(cast(Any, old), tmp_path, 0, lambda event: None)
    transfers.offered(OfferFrom("sanjay", ID, "a.txt", 5))
    ask, connections = Pull.questions, iter([new])

    def questions(pull: Pull) -> list[Get]:
        made = list(ask(pull))
        for connection in connections:
            threads.append(meanwhile(transfers, partial(transfers.reconnected, cast(Any, connection))))
        return made

    monkeypatch.setattr(Pull, "questions", questions)
    assert transfers.get(1)
    threads[0].join(DEADLINE)
    assert [frame.offset for frame in new.frames if isinstance(frame, Get)] == [0, 5]
