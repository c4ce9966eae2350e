"""A connection to the chat: join, say, send, leave; what happens comes back as events.

Two threads belong to it: one listens to the server, one sends what the network did not take at once (outbox.py). So no
method waits for the network, but for ``connect``, ``join`` and ``leave``.
"""

import socket
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from reference.client.events import Ended, Event, PersonJoined, PersonLeft, Said, Welcomed
from reference.client.transfers import Transfers
from reference.files import safe_name
from reference.outbox import Outbox, Writer
from reference.protocol import (
    BYE,
    FEATURES,
    FILES,
    FROM_SERVER,
    MAX_TEXT,
    PING,
    Abort,
    Bye,
    Data,
    Decoder,
    End,
    Frame,
    Get,
    Hello,
    Joined,
    Left,
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
)
from reference.streams import Stream

PATIENCE = 10.0
"""Seconds that a server has to answer a connect or a hello; and of silence after which it is asked with a ping."""

MAX_SILENCES = 5
"""Silences in a row after which the connection is lost. Not sooner: on a slow line, a ping and its answer wait behind
what is on its way."""

LEAVE_SECONDS = 3.0
"""How long leaving waits for what was said before to go out."""

AUTO_GET = 100 * 10**6
"""Bytes: larger files wait until they are asked for, so that nobody's disk fills by itself."""


class NameRefused(Exception):
    """The server does not take this name; the text is its reason. Join again with another."""


class JoinFailed(Exception):
    """The server does not let us in; the text is the reason."""


class _HungUp(JoinFailed):
    """The server had ended the connection before we asked."""


class TextTooLong(ValueError):
    """The text has more than MAX_TEXT bytes."""


def check_text(text: str) -> None:
    """Raises TextTooLong for what is too long to be said."""
    size = len(text.encode())
    if size > MAX_TEXT:
        raise TextTooLong(f"Not sent: the text has {size} bytes, {MAX_TEXT} at most")


class NoFiles(Exception):
    """The server does not take files."""


class Client:
    """One person's side of the chat."""

    def __init__(
        self,
        host: str,
        port: int,
        on_event: Callable[[Event], None],
        downloads: Path = Path("downloads"),
        auto_get: int = AUTO_GET,
    ) -> None:
        """``on_event`` is called by several threads, and should not keep them: they are the ones that listen."""
        self.name = ""
        self._server = (host, port)
        self._on_event = on_event
        self._downloads = downloads
        self._auto_get = auto_get
        self._writer = Writer()
        self._features: frozenset[str] = frozenset()
        self._roster: list[str] = []
        self._leaving = False
        self._listener: Thread | None = None

    @property
    def roster(self) -> tuple[str, ...]:
        """Who is here, ourselves among them, in order of joining."""
        return tuple(self._roster)

    def connect(self) -> None:
        """Reach the server. Raises OSError with the system's reason."""
        try:
            sock = socket.create_connection(self._server, timeout=PATIENCE)
        except UnicodeError as error:  # a part of the name is empty, or longer than 63 characters
            raise OSError("Not the name of a host") from error
        self._stream = Stream(sock, PATIENCE)
        self._decoder = Decoder(FROM_SERVER)
        self._outbox = Outbox(self._stream, self._writer)

    def join(self, name: str) -> None:
        """Enter the chat by this name, and begin to listen. Raises NameRefused, JoinFailed, OSError.

        A server hangs up on who takes long to choose a name: then this connects anew, and nobody notices.
        """
        try:
            welcome = self._ask_in(name)
        except (_HungUp, ConnectionError):
            self._stream.close()
            self.connect()
            welcome = self._ask_in(name)
        self.name = name
        self._features = frozenset(welcome.features) & frozenset(FEATURES)
        self._roster = list(welcome.roster)
        self._transfers = Transfers(self._outbox, self._downloads / safe_name(name), self._auto_get, self._on_event)
        self._writer.start()
        self._on_event(Welcomed(welcome.roster))
        self._listener = Thread(target=self._listen, name="listener", daemon=True)
        self._listener.start()

    def say(self, text: str) -> None:
        """Say something to everyone else. Raises TextTooLong."""
        check_text(text)
        self._outbox.send(encode(Text(text)))

    def send_file(self, path: Path) -> None:
        """Offer a file to everyone else. Raises OSError when it cannot be read, NoFiles when nobody would take it."""
        if FILES not in self._features:
            raise NoFiles("This server does not take files")
        self._transfers.send_file(path)

    def get(self, number: int) -> bool:
        """Fetch an offered file that waits. False when none of that number does."""
        return self._transfers.get(number)

    def cancel(self, number: int) -> bool:
        """Call a file off that is under way; one that was coming can be fetched again. False when none is."""
        return self._transfers.cancel(number)

    def leave(self) -> None:
        """Say goodbye, and come back when the connection is over. Also for one that has not joined, or only half."""
        self._leaving = True
        if BYE in self._features:
            self._outbox.send(encode(Bye()))
        if self._listener is None or self._listener.ident is None:  # a Ctrl-C may come just before it has started
            self._stream.end_politely(LEAVE_SECONDS)
            return
        self._writer.stop(LEAVE_SECONDS)
        self._stream.end_sending()
        self._listener.join(LEAVE_SECONDS)
        self._stream.end()
        self._listener.join(LEAVE_SECONDS)  # not for ever: it may be stuck in what shows its events

    def close(self) -> None:
        """Give up a connection that has not joined."""
        self._stream.close()

    # --- joining

    def _ask_in(self, name: str) -> Welcome:
        try:
            hello = encode(Hello(name, FEATURES))
        except ProtocolError as error:
            raise NameRefused(str(error)) from None
        self._outbox.send(hello)
        try:
            answer = self._next_frame()
        except ProtocolError as error:
            raise JoinFailed(f"This is not a chat server: {error}") from None
        if isinstance(answer, Welcome):
            return answer
        if isinstance(answer, Refused) and answer.code.startswith("name-"):
            raise NameRefused(answer.reason)
        if answer is None or (isinstance(answer, Refused) and answer.code == "timeout"):
            raise _HungUp("The server hung up")
        if isinstance(answer, Refused):
            raise JoinFailed(f"The server refused: {answer.reason}")
        raise JoinFailed("The server did not answer with a welcome")

    def _next_frame(self) -> Frame | None:
        """The next frame; None at the end. Raises ProtocolError, OSError."""
        while (frame := self._decoder.next_frame()) is None:
            data = self._stream.receive()
            if data is None:
                raise TimeoutError(f"No answer for {PATIENCE:.0f} seconds")
            if not data:
                return None
            self._decoder.feed(data)
        return frame

    # --- listening

    def _listen(self) -> None:
        """What the listening thread runs."""
        ended = Ended("The connection is broken")
        try:
            ended = self._converse()
        except ProtocolError as error:
            ended = Ended(f"The server broke the protocol: {error}")
        except OSError as error:
            ended = Ended(f"Connection lost: {error.strerror or error}")
        if self._leaving:
            ended = Ended()
        self._outbox.close()
        self._transfers.end("the connection is over")
        self._on_event(ended)
        self._stream.end()

    def _converse(self) -> Ended:
        silences = 0
        while True:
            while (frame := self._decoder.next_frame()) is not None:
                ended = self._handle(frame)
                if ended is not None:
                    return ended
            data = self._stream.receive()
            if data == b"":
                # A server that knows bye says it: without one the network, or the server, has died.
                return Ended("Connection lost") if BYE in self._features else Ended(by_server=True)
            if data is not None:
                silences = 0
                self._decoder.feed(data)
            elif PING in self._features:
                silences += 1
                if silences == MAX_SILENCES:
                    raise TimeoutError(f"no answer for {MAX_SILENCES * PATIENCE:.0f} seconds")
                if silences == 1:
                    self._outbox.send(encode(Ping()))

    def _handle(self, frame: Frame) -> Ended | None:
        match frame:
            case TextFrom(sender, text):
                self._on_event(Said(sender, text))
            case Joined(name):
                self._roster.append(name)
                self._on_event(PersonJoined(name))
            case Left(name):
                if name in self._roster:
                    self._roster.remove(name)
                self._on_event(PersonLeft(name))
            case OfferFrom():
                self._transfers.offered(frame)
            case Get():
                self._transfers.asked(frame)
            case Data():
                self._transfers.data(frame)
            case End():
                self._transfers.ended(frame)
            case Stored():
                self._transfers.stored(frame)
            case Abort():
                self._transfers.aborted(frame)
            case Ping():
                self._outbox.send(encode(Pong()))
            case Refused(_, reason):
                return Ended(f"The server refused: {reason}")
            case Bye():
                return Ended(by_server=True)
        return None
