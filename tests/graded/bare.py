"""Parties of bare frames: a client and a server that can do what no polite program would."""

from __future__ import annotations

import hashlib
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from reference.protocol import (
    FEATURES,
    FROM_CLIENT,
    FROM_SERVER,
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
    ProtocolError,
    Refused,
    Stored,
    Text,
    TextFrom,
    Welcome,
    encode,
    wire_name,
)
from tests.graded.party import NAME, Person
from tests.graded.report import Unmet

if TYPE_CHECKING:
    from tests.graded.story import Story

AnyFrame = TypeVar("AnyFrame", bound=Frame)

CHUNK = 16 * 1024
LONGEST_SHOWN = 80
OUR_LIMIT = " (the protocol's limit for this kind of frame; MAX_FRAME is for the largest kind)"


def features(stage: int) -> tuple[str, ...]:
    """What a program of this stage can do."""
    return FEATURES[: {1: 0, 2: 1, 3: 2, 4: 2, 5: 4}[stage]]


def raw_frame(letter: str, body: bytes) -> bytes:
    """A frame of any type, also a byte that is no letter, with any body."""
    return struct.pack(">I", 1 + len(body)) + letter.encode("latin-1") + body


class Bare:
    """One end of a connection that reads and writes the frames itself. Formats as its name."""

    def __init__(
        self, story: Story, name: str, sock: socket.socket, accepts: Mapping[str, type[Frame]], other: str
    ) -> None:
        self.story = story
        self.name = name
        self.sock = sock
        self.sock.settimeout(story.patience)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.other = other
        self.answers_pings = True
        self.sees: list[Frame] = []
        self._decoder = Decoder(accepts)
        self._begun = b""  # what it has sent of a frame that has no end yet
        self._owed = 0  # pongs

    def __str__(self) -> str:
        return self.name

    # What it sends.

    def sends(self, *frames: Frame) -> None:
        """These, in one piece."""
        with self.story.step(f"{self} sends {', '.join(map(shown, frames))}"):
            self._send(b"".join(map(encode, frames)))

    def sends_bytes(self, what: str, data: bytes) -> None:
        """Just these bytes, right or wrong."""
        with self.story.step(f"{self} sends {what}"):
            self._send(data)

    def sends_if_it_can(self, data: bytes, seconds: float) -> bool:
        """Bytes to one who perhaps does not read any more; False when they did not go for so long."""
        self.sock.settimeout(seconds)
        try:
            self.sock.sendall(data)
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(self.story.patience)
        return True

    def says_no_more(self) -> None:
        """Ends its direction (FIN), and goes on listening."""
        with self.story.step(f"{self} ends its side of the connection"):
            self.sock.shutdown(socket.SHUT_WR)

    def vanishes(self) -> None:
        """Resets the connection (RST), as the system does for a program that dies with something unread."""
        with self.story.step(f"{self} resets the connection"):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()

    def goes(self) -> None:
        """Closes the connection."""
        with self.story.step(f"{self} closes the connection"):
            self.sock.close()

    # What it gets.

    def gets(self, wanted: type[AnyFrame], which: Callable[[AnyFrame], bool] = lambda _: True) -> AnyFrame:
        """The next frame of this type, and perhaps just such a one; others before it are passed over."""
        expected = f"{self} gets {_called(wanted)}"
        deadline = self._deadline()
        with self.story.step(expected):
            while True:
                frame = self._next(expected, deadline)
                if frame is None:
                    raise Unmet(expected, f"{self.other} has ended the connection{self._last_words()}")
                if isinstance(frame, wanted) and which(frame):
                    return frame

    def gets_exactly(self, wanted: Frame) -> None:
        """This frame; others before it are passed over."""
        expected = f"{self} gets {shown(wanted)}"
        deadline = self._deadline()
        with self.story.step(expected):
            while (frame := self._next(expected, deadline)) != wanted:
                if frame is None:
                    raise Unmet(expected, f"{self.other} has ended the connection{self._last_words()}")

    def gets_next(self, wanted: type[AnyFrame]) -> AnyFrame:
        """A frame of this type, before any other."""
        expected = f"{self} gets {_called(wanted)} next"
        with self.story.step(expected):
            frame = self._next(expected)
            if not isinstance(frame, wanted):
                raise Unmet(expected, f"it got {'the end of the connection' if frame is None else shown(frame)}")
            return frame

    def gets_any(self, *wanted: type[Frame]) -> Any:
        """The next frame of one of these types; others before it are passed over."""
        expected = f"{self} gets {' or '.join(map(wire_name, wanted))}"
        deadline = self._deadline()
        with self.story.step(expected):
            while not isinstance(frame := self._next(expected, deadline), wanted):
                if frame is None:
                    raise Unmet(expected, f"{self.other} has ended the connection{self._last_words()}")
            return frame

    def is_hung_up_on(self) -> None:
        """Whatever comes before it, the connection ends."""
        expected = f"{self.other} ends the connection with {self}"
        deadline = self._deadline()
        with self.story.step(expected):
            while self._next(expected, deadline) is not None:
                pass

    def got(self, wanted: type[Frame]) -> list[Frame]:
        """All frames of this type that it has read so far."""
        return [frame for frame in self.sees if isinstance(frame, wanted)]

    # Inside.

    def _stop_going_round_in_circles(self, asked: int, content: bytes) -> None:
        if asked > 100 + len(content) // 1_000:
            raise Unmet(f"{self.other} asks for one piece after the other", f"it has asked {asked} times")

    def _send(self, data: bytes) -> None:
        """These bytes, and the pongs that it owes: but none into the midst of a frame."""
        self._put(data)
        self._begun = without_whole_frames(self._begun + data)
        if self._owed and not self._begun:
            pongs, self._owed = self._owed * encode(Pong()), 0
            self._put(pongs)

    def _put(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except TimeoutError:
            raise Unmet(f"{self.other} reads what {self} sends", "it does not", hung=True) from None
        except OSError:
            pass  # it has ended the connection: what it says or shows tells the rest

    def _deadline(self) -> float:
        return time.monotonic() + self.story.patience

    def _next(self, expected: str, deadline: float | None = None) -> Frame | None:
        """The next frame, by the deadline: others may come all the time, and none of them be the wanted one."""
        try:
            while (frame := self._decoder.next_frame()) is None:
                if deadline is not None:
                    self.sock.settimeout(max(0.001, deadline - time.monotonic()))
                data = self.sock.recv(65536)
                if not data:
                    return None
                self._decoder.feed(data)
            if isinstance(frame, Ping) and self.answers_pings:
                self._owed += 1
                self._send(b"")
        except ProtocolError as error:
            limit = OUR_LIMIT if error.code == "bad-length" else ""
            raise Unmet(f"{self.other} sends frames as the specification has them", f"{error}{limit}") from None
        except TimeoutError:
            raise Unmet(expected, f"{self.story.patience:.0f} seconds went by{self._last_words()}", hung=True) from None
        except OSError:
            return None
        finally:
            if deadline is not None and self.sock.fileno() >= 0:
                self.sock.settimeout(self.story.patience)
        self.sees.append(frame)
        return frame

    def _last_words(self) -> str:
        last = [*map(shown, self.sees[-3:]), *unfinished(bytes(self._decoder._buffer))]
        return f"; the last to come: {', '.join(last)}" if last else "; nothing came before"


class BareClient(Bare):
    """A client of bare frames, at the server under test."""

    def __init__(self, story: Story, name: str, sock: socket.socket) -> None:
        super().__init__(story, name, sock, FROM_SERVER, "the server")

    def joins(self, can: tuple[str, ...] | None = None) -> Welcome:
        """Says hello and is welcomed."""
        with self.story.step(f"{self} joins with bare frames"):
            self.sends(Hello(self.name, features(self.story.setting.stage) if can is None else can))
            return self.gets_next(Welcome)

    def says(self, text: str) -> None:
        """A text."""
        self.sends(Text(text))

    def hears(self, sender: object, text: str) -> None:
        """A text of somebody."""
        self.gets_exactly(TextFrom(str(sender), text))

    def answers_get(self, file_id: bytes, content: bytes) -> Get:
        """Waits until the server asks for a piece of its file, and sends that piece or the end."""
        get = self.gets(Get, lambda get: get.id == file_id)
        with self.story.step(f"{self} answers {shown(get)}"):
            self.sends(piece(get, content))
        return get

    def uploads(self, file_id: bytes, name: str, content: bytes) -> None:
        """Offers a file and answers for it until it is stored."""
        with self.story.step(f"{self} sends a file {name!r} of {len(content)} bytes, piece by piece"):
            self.sends(Offer(file_id, name, len(content)))
            at, asked = -1, 0
            while at < len(content):
                at = self.answers_get(file_id, content).offset
                self._stop_going_round_in_circles(asked := asked + 1, content)
            self.gets_exactly(Stored(file_id))

    def downloads(self, offer: OfferFrom) -> bytes:
        """Asks for a file piece by piece, and returns it."""
        with self.story.step(f"{self} fetches the file {offer.name!r}"):
            content = b""
            while len(content) < offer.size:
                content += self.asks(offer.id, len(content), CHUNK)
            self.sends(Get(offer.id, len(content), CHUNK))
            end = self.gets(End, lambda end: end.id == offer.id)
            if end.sha256 != hashlib.sha256(content).digest():
                raise Unmet("the hash in end is that of the file", "it is another")
            return content

    def asks(self, file_id: bytes, offset: int, size: int) -> bytes:
        """Asks for one piece of a file, and returns it."""
        with self.story.step(f"{self} asks for {size} bytes from {offset}"):
            self.sends(Get(file_id, offset, size))
            data = self.gets(Data, lambda data: data.id == file_id)
            if data.offset != offset or len(data.data) > size:
                raise Unmet(f"a piece of at most {size} bytes from {offset}", f"it got {shown(data)}")
            return data.data


class BareServer(Bare):
    """A server of bare frames, for one client under test: it knows nobody else, and says what it is told to say."""

    def __init__(self, story: Story, person: Person, sock: socket.socket) -> None:
        super().__init__(story, "a server of bare frames", sock, FROM_CLIENT, f"{person}'s client")

    def says(self, sender: str, text: str) -> None:
        """A text in somebody's name."""
        self.sends(TextFrom(sender, text))

    def sends_file(self, offer: OfferFrom, content: bytes) -> None:
        """Offers a file and hands it out piece by piece, until the client has all of it."""
        with self.story.step(f"{self} offers a file called {offer.name!r}, and hands it out"):
            self.sends(offer)
            at, asked = -1, 0
            while at < len(content):
                get = self.gets(Get, lambda get: get.id == offer.id)
                at = get.offset
                self.sends(piece(get, content))
                self._stop_going_round_in_circles(asked := asked + 1, content)


def without_whole_frames(data: bytes) -> bytes:
    """What follows the last whole frame: the beginning of another, or nothing."""
    at = 0
    while len(data) - at >= 4 and len(data) - at >= (size := 4 + struct.unpack_from(">I", data, at)[0]):
        at += size
    return data[at:]


def unfinished(begun: bytes) -> list[str]:
    """How much has come of a frame that has no end yet, if one has begun."""
    if len(begun) < 4:
        return [f"{len(begun)} of the 4 bytes of a length"] if begun else []
    return [f"{len(begun)} of {4 + struct.unpack_from('>I', begun)[0]} bytes of a frame"]


def piece(get: Get, content: bytes) -> Data | End:
    """The right answer to a question for a file of this content."""
    if get.offset >= len(content):
        return End(get.id, hashlib.sha256(content).digest())
    return Data(get.id, get.offset, content[get.offset : get.offset + get.size])


def greet(story: Story, listener: socket.socket, person: Person) -> BareServer:
    """Wait for a person's client, and for its hello."""
    person.answers_up_to_the_name()
    person.answers(NAME, person.name)
    listener.settimeout(story.patience)
    try:
        sock, _ = listener.accept()
    except TimeoutError:
        raise Unmet("the client connects", "it does not", hung=True) from None
    server = BareServer(story, person, sock)
    hello = server.gets_next(Hello)
    if hello.name != person.name:
        raise Unmet(f"hello has the name {person.name!r}", f"it has {hello.name!r}")
    return server


def _called(frame_type: Any) -> str:
    return wire_name(frame_type)


def shown(frame: Frame) -> str:
    """A frame in a few words."""
    match frame:
        case Text(text) | TextFrom(_, text):
            said: Any = text
        case Hello(name) | Joined(name) | Left(name):
            said = name
        case Refused(code, reason):
            said = f"{code}: {reason}"
        case Offer() | OfferFrom():
            said = f"{frame.name} ({frame.size} bytes)"
        case Get():
            said = f"{frame.size} bytes from {frame.offset}"
        case Data():
            said = f"{len(frame.data)} bytes from {frame.offset}"
        case Welcome() | Bye() | Ping() | Pong() | End() | Stored():
            return wire_name(type(frame))
        case _:
            said = ""
    said = repr(said)
    return f"{wire_name(type(frame))} {said if len(said) <= LONGEST_SHOWN else said[:LONGEST_SHOWN] + '…'}"
