"""What every watcher is told."""

from labkit.wiretap.follower import Part
from labkit.wiretap.talk import Talk


class Watcher:
    """Is told what passes, by one thread at a time, and holds up the connection meanwhile. Does nothing itself.

    ``time`` is in seconds since the epoch; ``direction`` is "to_server" or "to_client".
    """

    def opened(self, time: float, talk: Talk) -> None:
        """A client has connected."""

    def passed(self, time: float, talk: Talk, direction: str, segment: bytes, parts: list[Part]) -> None:
        """The receiver gets these bytes, and with them these parts of frames."""

    def ended(self, time: float, talk: Talk, direction: str) -> None:
        """The receiver is told that nothing follows (FIN)."""

    def closed(self, time: float, talk: Talk, reason: str) -> None:
        """Both directions are over; with a reason if they were reset (RST)."""

    def finish(self) -> None:
        """The tap ends: nothing follows."""
