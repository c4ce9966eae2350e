"""Flood control: who says much at once is read more slowly. The clock and the sleep are ours, so nothing waits."""

from __future__ import annotations

import contextlib
import math

import pytest

from reference import flood
from reference.flood import MAX_COST, RATE, FloodControl
from reference.protocol import Get, Offer, Text, TextFrom
from tests.reference.live import ServerProgram, serving
from tests.reference.raw import Raw

BURST = 200.0


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept = 0.0

    def clock(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Time, at the limits of a real server."""
    monkeypatch.setattr(flood, "BURST", BURST)
    return Time()


@pytest.fixture
def control(time: Time) -> FloodControl:
    """One client's."""
    return FloodControl(time.clock, time.sleep)


def test_a_burst_passes_at_once(time: Time, control: FloodControl):
    """Somebody pastes a page."""
    for _ in range(int(BURST)):
        control.admit("line")
    assert time.slept == 0


def test_a_flood_is_slowed_to_a_steady_rate(time: Time, control: FloodControl):
    """However long it lasts."""
    for _ in range(int(BURST) + 1000):
        control.admit("line")
    assert math.isclose(time.now, 1000 / RATE)


def test_who_pauses_has_a_burst_again(time: Time, control: FloodControl):
    """And no more than that, however long the pause."""
    for _ in range(3):
        time.now += 3600
        test_a_burst_passes_at_once(time, control)


def test_a_text_of_many_lines_counts_for_them(time: Time, control: FloodControl):
    """But it never makes anybody wait for long."""
    for _ in range(int(BURST)):
        control.admit("\n" * 4000)
    assert math.isclose(time.now, (BURST * MAX_COST - BURST) / RATE)
    assert MAX_COST / RATE <= 1.0


def test_offers_are_counted_like_texts(monkeypatch: pytest.MonkeyPatch):
    """Everybody sees a line of each."""
    monkeypatch.setattr(FloodControl, "admit", lambda self, text: admitted.append(text))
    admitted: list[str] = []
    with serving() as live, Raw(live.address) as ann:
        ann.join("ann")
        ann.send(Text("look"), Offer(bytes(16), "photo.jpg", 3))
        ann.until(Get)
    assert admitted == ["look", "photo.jpg"]


def test_a_flooder_is_slowed_and_not_dropped():
    """All it says arrives, in its time; somebody else is heard meanwhile."""
    code = "import reference.flood; reference.flood.RATE = 400"
    with ServerProgram(flood_control=True, code=code) as server, contextlib.ExitStack() as stack:
        ann, bob, eve = (stack.enter_context(Raw(server.address)) for _ in range(3))
        for name, raw in (("ann", ann), ("bob", bob), ("eve", eve)):
            raw.join(name)
        eve.send(*(Text(str(number)) for number in range(800)))
        bob.send(Text("-1"))
        seen = [frame.text for frame in ann.until(TextFrom("eve", "799")) if isinstance(frame, TextFrom)]
    assert seen.index("-1") < 700
    assert [text for text in seen if text != "-1"] == [str(number) for number in range(800)]
