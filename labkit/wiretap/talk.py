"""One connection as the watchers know it."""

from collections import OrderedDict

from labkit.wiretap.follower import Follower
from reference.protocol import FROM_CLIENT, FROM_SERVER, Frame, Hello, Offer, OfferFrom, Welcome

Address = tuple[str, int]

UNKNOWN = "0.0.0.0:0 0.0.0.0:0"
"""Of a client that was gone before it could be asked."""

MAX_FILES = 1000
"""Names that are remembered, of the files last offered: more than fit a screen."""

TO_SERVER = "to_server"
TO_CLIENT = "to_client"


class Files:
    """What the offers said: from then on a file's frames are shown with its name, not with 32 digits of an id."""

    def __init__(self) -> None:
        self._offers: OrderedDict[bytes, tuple[str, int]] = OrderedDict()

    def learn(self, offer: Offer | OfferFrom) -> None:
        """Remember an offer."""
        self._offers[offer.id] = (offer.name, offer.size)
        while len(self._offers) > MAX_FILES:
            self._offers.popitem(last=False)

    def name(self, file_id: bytes) -> str:
        """The file's name; of one that nobody has offered, the beginning of its id."""
        name, _ = self._offers.get(file_id, (f"{file_id[:4].hex()}…", 0))
        return name

    def size(self, file_id: bytes) -> int:
        """The file's size, 0 if unknown."""
        return self._offers.get(file_id, ("", 0))[1]


class Talk:
    """One connection: who it is, and how far each direction has come."""

    def __init__(self, number: int, ends: tuple[Address, Address], files: Files) -> None:
        self.number = number
        """From 1, in order of connecting."""
        self.client, self.tap = ends
        self.name = ""
        """Who the client is, once the server has welcomed it."""
        self.files = files
        """Of all connections: the server passes on the sender's id."""
        self.followers = {TO_SERVER: Follower(FROM_CLIENT), TO_CLIENT: Follower(FROM_SERVER)}
        self._asked = ""

    @property
    def label(self) -> str:
        """The client's name, or how to call it before it has one."""
        return self.name or f"client {self.number}"

    def learn(self, frame: Frame | None) -> None:
        """Take a name or an offer from a frame."""
        if isinstance(frame, Hello):
            self._asked = frame.name
        elif isinstance(frame, Welcome):
            self.name = self._asked
        elif isinstance(frame, Offer | OfferFrom):
            self.files.learn(frame)


def parse_ends(data: bytes) -> tuple[Address, Address]:
    """The client's address and the tap's, as the proxy names them when it opens a connection."""
    client, _, tap = (data.decode() or UNKNOWN).partition(" ")
    return _address(client), _address(tap)


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)
