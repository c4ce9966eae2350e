"""People in a room without a network: each has an outbox that keeps what it is given, as frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock

from reference.outbox import Outbox
from reference.protocol import BYE, FEATURES, FILES, FROM_SERVER, PING, ROSTER, Decoder, Frame
from reference.room import Member, Room

DEADLINE = 30.0
"""Seconds to wait for anything to happen. Reached only when something is wrong, so it may be generous."""

BASIC = (ROSTER, FILES, BYE, PING)
"""What a client can do that cannot resume: it goes at once, and is shown nothing from before it came."""


class Mailbox(Outbox):
    """An outbox that nothing leaves: ``frames`` has all that was sent, in order."""

    def __init__(self) -> None:
        self._decoder = Decoder(FROM_SERVER)
        self._lock = Lock()  # texts and file frames may come from two threads
        self.frames: list[Frame] = []
        self.later: list[Callable[[], bytes]] = []
        self.dropped = False

    def send(self, frames: bytes) -> None:
        """Keep what is sent. Raises ProtocolError when it is no frame."""
        with self._lock:
            self._decoder.feed(frames)
            while (frame := self._decoder.next_frame()) is not None:
                self.frames.append(frame)
            assert not self._decoder.in_frame, "half a frame was sent"

    def send_later(self, make_frame: Callable[[], bytes]) -> None:
        """Keep the frame for when the network takes it: see ``deliver``."""
        self.later.append(make_frame)

    def deliver(self) -> None:
        """Have the network take the file frames that wait."""
        while self.later:
            self.send(self.later.pop(0)())

    def give_up(self) -> None:
        """Note that this reader was dropped."""
        self.dropped = True

    def take(self) -> list[Frame]:
        """What has come since the last time."""
        self.deliver()
        frames, self.frames = self.frames, []
        return frames


class Lines(list[str]):
    """What the server's terminal shows."""

    def show(self, texts: Iterable[str]) -> None:
        """Show these."""
        self.extend(texts)


def make_room(lines: Lines | None = None, hand_over: Callable[[], None] = lambda: None) -> Room:
    """A room whose lines go to ``lines``."""
    return Room((lines if lines is not None else Lines()).show, hand_over)


def enter(room: Room, name: str, features: Iterable[str] = BASIC, mailbox: Mailbox | None = None) -> Member:
    """Join the room by this name."""
    return room.join(name, frozenset(features), mailbox or Mailbox(), FEATURES)


def seen(member: Member) -> list[Frame]:
    """Everything a member was sent so far, the welcome included."""
    assert isinstance(member.outbox, Mailbox)
    return member.outbox.frames


def take(member: Member) -> list[Frame]:
    """What a member was sent since the last ``take``."""
    assert isinstance(member.outbox, Mailbox)
    return member.outbox.take()
