"""What happens in the chat, as a client tells its face. All of it is as the others sent it: show it harmlessly.

What people say and do needs no words of its own here: these events are the wire's frames.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from reference.protocol import Earlier as SaidEarlier
from reference.protocol import Joined as PersonJoined
from reference.protocol import Left as PersonLeft
from reference.protocol import TextFrom as Said


@dataclass(frozen=True, slots=True)
class Welcomed:
    """We are in; ``roster`` has everyone, ourselves last (empty when the server keeps none)."""

    roster: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The connection is broken, for ``reason``; the client is trying to get another. Then Reconnected, or Ended."""

    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """``count`` of our texts wait for the connection to come back."""

    count: int


@dataclass(frozen=True, slots=True)
class Reconnected:
    """We are back, and have said ``again`` texts again, or for the first time.

    Nobody knows how much we ``missed`` if that is None: the server has started anew, or has forgotten us.
    """

    missed: int | None
    again: int


@dataclass(frozen=True, slots=True)
class FileOffered:
    """Somebody else has a file. It is being fetched, unless ``waits``: then ``Client.get(number)`` fetches it."""

    number: int
    sender: str
    name: str
    size: int
    waits: bool


@dataclass(frozen=True, slots=True)
class FileSending:
    """We have offered a file."""

    number: int
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class FileProgress:
    """``done`` of ``size`` bytes are there. Comes a few times a second."""

    number: int
    name: str
    done: int
    size: int


@dataclass(frozen=True, slots=True)
class FileReceived:
    """A file is whole, and lies at ``path``."""

    number: int
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class FileSent:
    """The server has our whole file."""

    number: int
    name: str


@dataclass(frozen=True, slots=True)
class FileFailed:
    """A file was called off, by whomever, and nothing of it is left."""

    number: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is over: because we left, because the server closed the chat, or else for ``reason``.

    Of so many texts of ours we do not know that the server has heard them, and so many files it has not whole.
    """

    reason: str = ""
    by_server: bool = False
    can_resume: bool = False
    unsent_texts: int = 0
    unsent_files: int = 0

    @property
    def well(self) -> bool:
        """Whether somebody wanted it so, and nothing is lost."""
        return not (self.reason or self.unsent_texts or self.unsent_files)


Event: TypeAlias = (
    Welcomed | Said | SaidEarlier | PersonJoined | PersonLeft | ConnectionLost | Waiting | Reconnected
    | FileOffered | FileSending | FileProgress | FileReceived | FileSent | FileFailed | Ended
)  # fmt: skip

__all__ = [
    "ConnectionLost", "Ended", "Event", "FileFailed", "FileOffered", "FileProgress", "FileReceived", "FileSending",
    "FileSent", "PersonJoined", "PersonLeft", "Reconnected", "Said", "SaidEarlier", "Waiting", "Welcomed",
]  # fmt: skip
