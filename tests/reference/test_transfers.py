"""The files of a client without a network: what it is sent is handed in, and its questions are thrown away."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, cast

import pytest

from reference.client.transfers import GIVE_WAY_SECONDS, TYPING_SECONDS, Transfers
from reference.protocol import MAX_CHUNK, Data, OfferFrom


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
