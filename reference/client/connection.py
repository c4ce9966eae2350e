"""A connection to the chat: join, say, send, leave; what happens comes back as events.

Two threads belong to it: one listens to the server, one sends what the network did not take at once (outbox.py). So no
method waits for the network, but for ``connect``, ``join`` and ``leave``.

When the connection breaks, the one that listens makes another: it resumes after the last entry that it saw, and says
again what the server has not heard. What is said meanwhile waits.
"""

import random
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Condition, Lock, Thread
from threading import Event as Flag

from reference import protocol as wire
from reference.client import events
from reference.client.transfers import Transfers
from reference.files import safe_name
from reference.outbox import Outbox, Writer
from reference.streams import Stream

PATIENCE = 10.0
"""Seconds that a server has to answer a connect or a hello; and of silence after which it is asked with a ping."""

MAX_SILENCES = 5
"""Silences in a row after which the connection is lost. Not sooner: on a slow line, a ping and its answer wait behind
what is on its way."""

LEAVE_SECONDS = 3.0
"""How long leaving waits for what was said before to go out, and for each word of the server that it was heard: flood
control answers a text at least once a second."""

TELL_SECONDS = 1.0
"""How long leaving waits for the end to be shown by another thread than the one that listens."""

AUTO_GET = 100 * 10**6
"""Bytes: larger files wait until they are asked for, so that nobody's disk fills by itself."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0
"""Seconds before the first attempt to reconnect, and before a later one: twice as long each time (backoff), and shorter
by chance (jitter), so that a class whose access point restarts does not come back in one moment."""

RECONNECT_SECONDS = 600.0
"""How long it is tried."""

MAX_UNHEARD = 1024 * 1024
"""Bytes of texts that wait for the server: nobody types so much while a network is away."""


class NameRefused(Exception):
    """The server does not take this name; the text is its reason. Join again with another."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class JoinFailed(Exception):
    """The server does not let us in; the text is the reason."""


class _HungUp(JoinFailed):
    """The server had ended the connection before we asked."""


class TextTooLong(ValueError):
    """The text has more than MAX_TEXT bytes, or too many wait to be sent."""


def check_text(text: str) -> None:
    """Raises TextTooLong for what is too long to be said."""
    size = len(text.encode())
    if size > wire.MAX_TEXT:
        raise TextTooLong(f"Not sent: the text has {size} bytes, {wire.MAX_TEXT} at most")


class NoFiles(Exception):
    """The server does not take files."""


class Client:
    """One person's side of the chat."""

    def __init__(
        self,
        host: str,
        port: int,
        on_event: Callable[[events.Event], None],
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
        self._leaving = Flag()
        self._listener: Thread | None = None
        self._numbers: wire.Numbers | None = None  # of a server that we can come back to
        self._number = 0  # the last entry we saw
        # Guards the rest, and that texts go out in the order of their numbers.
        self._lock = Lock()
        self._changed = Condition(self._lock)  # fewer texts or files wait, or the connection is broken
        self._connected = False
        self._over = False  # no connection will come any more
        self._said = 0  # our last text's number
        self._acknowledged = 0  # the last one's that has its place in the room
        self._unheard: deque[tuple[int, bytes]] = deque()
        self._unheard_bytes = 0

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
        self._decoder = wire.Decoder(wire.FROM_SERVER)
        self._outbox = Outbox(self._stream, self._writer)

    def join(self, name: str) -> None:
        """Enter the chat by this name, and begin to listen. Raises NameRefused, JoinFailed, OSError.

        A server hangs up on who takes long to choose a name: then this connects anew, and nobody notices.
        """
        try:
            welcome = self._ask(wire.Hello(name, wire.FEATURES))
        except (_HungUp, ConnectionError):
            self._stream.close()
            self.connect()
            welcome = self._ask(wire.Hello(name, wire.FEATURES))
        self.name = name
        self._features = frozenset(welcome.features) & frozenset(wire.FEATURES)
        self._roster = list(welcome.roster)
        folder, can_resume = self._downloads / safe_name(name), wire.RESUME in self._features
        self._transfers = Transfers(self._outbox, folder, self._auto_get, self._tell_of_file, can_resume)
        self._connected = True
        self._writer.start()
        self._on_event(events.Welcomed(welcome.roster))
        self._listener = Thread(target=self._listen, name="listener", daemon=True)
        self._listener.start()

    def say(self, text: str) -> None:
        """Say something to everyone else, now or when the connection is back. Raises TextTooLong."""
        check_text(text)
        frame = wire.encode(wire.Text(text))
        with self._lock:
            if self._unheard_bytes > MAX_UNHEARD:
                raise TextTooLong(f"Not sent: {len(self._unheard)} texts still wait to be sent")
            if self._numbers is not None:
                self._said += 1
                self._unheard.append((self._said, frame))
                self._unheard_bytes += len(frame)
            waiting = 0 if self._connected else len(self._unheard)
            if self._connected:
                self._outbox.send(frame)
        if waiting:
            self._on_event(events.Waiting(waiting))

    def send_file(self, path: Path) -> None:
        """Offer a file to everyone else. Raises OSError when it cannot be read, NoFiles when nobody would take it."""
        if wire.FILES not in self._features:
            raise NoFiles("This server does not take files")
        self._transfers.send_file(path)

    def get(self, number: int) -> bool:
        """Fetch an offered file that waits. False when none of that number does."""
        return self._transfers.get(number)

    def cancel(self, number: int) -> bool:
        """Call a file off that is under way; one that was coming can be fetched again. False when none is."""
        return self._transfers.cancel(number)

    def under_way(self) -> list[tuple[int, str]]:
        """Number and name of each file that can be cancelled."""
        return self._transfers.under_way()

    def give_way(self) -> None:
        """Somebody types: files come slower for a moment, so that the letters are there at once."""
        self._transfers.give_way()

    def wait_for_room(self) -> None:
        """Come back when a text is not refused because too many wait, or when nobody will hear it any more."""
        with self._lock:
            self._changed.wait_for(lambda: self._over or self._unheard_bytes <= MAX_UNHEARD)

    def finish(self) -> None:
        """Come back when the server has every text and file of ours, perhaps by another connection, or never will."""
        with self._lock:
            self._changed.wait_for(lambda: self._over or not (self._unheard or self._transfers.sending()))

    def leave(self) -> None:
        """Say goodbye, and come back when the connection is over. Also for one that has not joined, or only half."""
        again = self._leaving.is_set()  # somebody has no patience
        self._leaving.set()
        all_heard = not again and self._wait_until_heard()
        if wire.BYE in self._features:
            self._outbox.send(wire.encode(wire.Bye()))
        if self._listener is None or self._listener.ident is None:  # a Ctrl-C may come just before it has started
            self._stream.end_politely(LEAVE_SECONDS)
            return
        self._writer.stop(LEAVE_SECONDS)
        self._stream.end_sending()
        if all_heard:  # else the network has died, and the server's end does not come either
            self._listener.join(LEAVE_SECONDS)
        self._stream.end()
        self._listener.join(LEAVE_SECONDS)
        if self._listener.is_alive():
            # Stuck, in a connect that nobody answers or in what shows its events. In that, this may be stuck as well.
            telling = Thread(target=self._end, args=[events.Ended()], name="end", daemon=True)
            telling.start()
            telling.join(TELL_SECONDS)

    def _wait_until_heard(self) -> bool:
        """Before the goodbye, because the server acknowledges nothing after it. False when the acks stay away."""
        with self._lock:
            while self._connected and self._unheard and self._changed.wait(LEAVE_SECONDS):
                pass
            return not self._unheard

    # --- joining

    def _ask(self, question: wire.Hello | wire.Resume) -> wire.Welcome:
        try:
            self._outbox.send(wire.encode(question))
        except wire.ProtocolError as error:
            raise NameRefused("name-bad", str(error)) from None
        try:
            answer = self._next_frame()
        except wire.ProtocolError as error:
            raise JoinFailed(f"This is not a chat server: {error}") from None
        if isinstance(answer, wire.Welcome):
            return answer
        if isinstance(answer, wire.Refused) and answer.code.startswith("name-"):
            raise NameRefused(answer.code, answer.reason)
        if answer is None or (isinstance(answer, wire.Refused) and answer.code == "timeout"):
            raise _HungUp("The server hung up")
        if isinstance(answer, wire.Refused):
            raise JoinFailed(f"The server refused: {answer.reason}")
        raise JoinFailed("The server did not answer with a welcome")

    def _next_frame(self) -> wire.Frame | None:
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
        while True:
            ended = self._listen_once()
            with self._lock:
                self._connected = False
                self._changed.notify_all()
            self._outbox.close()
            self._stream.end()
            if not ended.can_resume or self._numbers is None or self._leaving.is_set():
                break
            self._stream.close()
            failure = self._come_back(ended.reason)
            if failure is not None:
                ended = failure
                break
        self._end(events.Ended() if self._leaving.is_set() else ended)

    def _end(self, ended: events.Ended) -> None:
        """Tell of the end, once: the listener does, or who could not wait for it."""
        with self._lock:
            if self._over:
                return
            self._over = True
            texts = len(self._unheard)
            self._changed.notify_all()
        files = self._transfers.end("the connection is over")
        self._on_event(replace(ended, unsent_texts=texts, unsent_files=files))

    def _listen_once(self) -> events.Ended:
        """Until this connection ends: how it did."""
        try:
            return self._converse()
        except wire.ProtocolError as error:
            return events.Ended(f"The server broke the protocol: {error}")
        except OSError as error:
            return events.Ended(f"Connection lost: {error.strerror or error}", can_resume=True)

    def _converse(self) -> events.Ended:
        silences = 0
        while True:
            while (frame := self._decoder.next_frame()) is not None:
                ended = self._handle(frame)
                if ended is not None:
                    return ended
            data = self._stream.receive()
            if data == b"":
                # A server that knows bye says it: without one the network, or the server, has died.
                if wire.BYE not in self._features:
                    return events.Ended(by_server=True)
                return events.Ended("Connection lost", can_resume=True)
            if data is not None:
                silences = 0
                self._decoder.feed(data)
            elif wire.PING in self._features:
                silences += 1
                if silences == MAX_SILENCES:
                    raise TimeoutError(f"no answer for {MAX_SILENCES * PATIENCE:.0f} seconds")
                if silences == 1:
                    self._outbox.send(wire.encode(wire.Ping()))

    def _handle(self, frame: wire.Frame) -> events.Ended | None:
        match frame:
            case wire.TextFrom() | wire.Joined() | wire.Left() | wire.OfferFrom():
                self._number += 1
                self._tell_entry(frame)
            case wire.Ack(number, said):
                self._number += 1
                if number != self._number:
                    raise wire.ProtocolError("out-of-turn", f"ack: entry {number} came in place of {self._number}")
                self._acknowledged = said
                self._drop_heard(said)
            case wire.Earlier():
                self._on_event(frame)
            case wire.Numbers():
                self._numbers, self._number = frame, frame.number
            case wire.Get():
                self._transfers.asked(frame)
            case wire.Data():
                self._transfers.data(frame)
            case wire.End():
                self._transfers.ended(frame)
            case wire.Stored():
                self._transfers.stored(frame)
            case wire.Abort():
                self._transfers.aborted(frame)
            case wire.Ping():
                self._outbox.send(wire.encode(wire.Pong()))
            case wire.Refused(_, reason):
                return events.Ended(f"The server refused: {reason}")
            case wire.Bye():
                return events.Ended(by_server=True)
        return None

    def _tell_entry(self, entry: wire.TextFrom | wire.Joined | wire.Left | wire.OfferFrom) -> None:
        if isinstance(entry, wire.OfferFrom):
            self._transfers.offered(entry)
            return
        if isinstance(entry, wire.Joined) and entry.name not in self._roster:  # as it may be, from before we came back
            self._roster.append(entry.name)
        if isinstance(entry, wire.Left) and entry.name in self._roster:
            self._roster.remove(entry.name)
        self._on_event(entry)

    def _tell_of_file(self, event: events.Event) -> None:
        self._on_event(event)
        if isinstance(event, events.FileSent | events.FileFailed):
            with self._lock:
                self._changed.notify_all()

    def _drop_heard(self, said: int) -> None:
        """The server has these texts of ours: they need not be said again."""
        with self._lock:
            while self._unheard and self._unheard[0][0] <= said:
                self._unheard_bytes -= len(self._unheard.popleft()[1])
                self._changed.notify_all()

    # --- reconnecting

    def _come_back(self, reason: str) -> events.Ended | None:
        """Connect again, and go on where the connection broke. Returns why it cannot be done; None when it is."""
        self._on_event(events.ConnectionLost(reason))
        pause, give_up_at = FIRST_PAUSE, time.monotonic() + RECONNECT_SECONDS
        while time.monotonic() < give_up_at:
            if self._leaving.wait(pause * random.uniform(0.5, 1.0)):
                return events.Ended()
            pause = min(2 * pause, LONGEST_PAUSE)
            try:
                self.connect()
            except OSError as error:
                reason = f"Connection lost: {error.strerror or error}"
                continue
            if self._leaving.is_set():  # while nobody answered: then it has been told what was not sent
                self._stream.close()
                return events.Ended()
            try:
                self._on_event(self._resume())
                return None
            except (JoinFailed, NameRefused, OSError, wire.ProtocolError) as error:
                self._stream.close()
                if isinstance(error, NameRefused) and error.code != "name-held":
                    return events.Ended(f"Cannot come back as {self.name}: {error}")
                reason = f"Connection lost: {error}"
        return events.Ended(reason)

    def _resume(self) -> events.Reconnected:
        """Enter again: by the token, or under the name when the server does not know it, as after a restart."""
        assert self._numbers is not None
        try:
            welcome = self._ask(wire.Resume(self._numbers.token, self._number, self._acknowledged))
            known = True
        except NameRefused as error:
            if error.code != "name-unknown":
                raise
            welcome = self._ask(wire.Hello(self.name, wire.FEATURES))
            known = False
        numbers = self._next_frame()
        if not isinstance(numbers, wire.Numbers):
            raise JoinFailed("The server cannot resume any more")
        self._numbers, self._number, self._acknowledged = numbers, numbers.number, numbers.said
        if numbers.missed or not known:
            self._roster = list(welcome.roster)
        if known:
            self._drop_heard(numbers.heard)
        with self._lock:
            if not known:  # it counts from one again
                self._unheard = deque((number, frame) for number, (_, frame) in enumerate(self._unheard, start=1))
                self._said = len(self._unheard)
            for _, frame in self._unheard:
                self._outbox.send(frame)
            self._connected = True
            again = len(self._unheard)
        self._transfers.reconnected(self._outbox)
        return events.Reconnected(numbers.missed if known else None, again)
