"""What happens in the chat, as a client tells its face. All of it is as the others sent it: show it harmlessly."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Welcomed:
    """We are in; ``roster`` has everyone, ourselves last (empty when the server keeps none)."""

    roster: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody else's text."""

    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class SaidEarlier:
    """Somebody's text from before we came."""

    sender: str
    text: str


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
    """We are back. Nobody knows how much we ``missed`` if it is None: the server has started anew, or forgotten us.

    ``again`` texts of ours were not acknowledged, and have been said again.
    """

    missed: int | None
    again: int


@dataclass(frozen=True, slots=True)
class PersonJoined:
    """Somebody came."""

    name: str


@dataclass(frozen=True, slots=True)
class PersonLeft:
    """Somebody went."""

    name: str


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
    """The connection is over: because we left, because the server closed the chat, or else for ``reason``."""

    reason: str = ""
    by_server: bool = False
    can_resume: bool = False

    @property
    def well(self) -> bool:
        """Whether somebody wanted it so."""
        return not self.reason


Event: TypeAlias = (
    Welcomed | Said | PersonJoined | PersonLeft | FileOffered | FileSending | FileProgress | FileReceived | FileSent
    | FileFailed | Ended | SaidEarlier | ConnectionLost | Waiting | Reconnected
)  # fmt: skip
