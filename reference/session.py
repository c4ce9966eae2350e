"""The server's side of one client, on a thread of its own: from the first frame to the last."""

import time

from reference import protocol as wire
from reference.outbox import Outbox, Overflow
from reference.room import Member, NameRefused, Room
from reference.spool import Spool
from reference.streams import Stream

PATIENCE = 14.0
"""Seconds of silence after which a session looks at the clock. Silent in the midst of a frame: ended. Silent in the
chat: asked with a ping."""

MAX_SILENCES = 4
"""Silences in a row after which a member has gone: a pulled cable is known within a minute. Not sooner: on a slow line
the answer waits behind whatever is on its way."""

HELLO_SECONDS = 35.0
"""Seconds until somebody must have joined; noticed within PATIENCE, so within a minute. The client of somebody who
takes longer to think of a name connects anew by itself."""

LINGER_SECONDS = 2.0
"""How long a client gets to read what was sent last, as why it was refused."""

_LOST = "connection lost"

_PONG = wire.encode(wire.Pong())  # once: who asks much and reads nothing costs no memory for each


class Session:
    """One connected client. Only its own thread calls ``run``; ``dismiss`` is for the one that ends the server."""

    def __init__(
        self, stream: Stream, address: str, outbox: Outbox, room: Room, spool: Spool, features: tuple[str, ...]
    ) -> None:
        """``features`` is what this server can do."""
        self.address = address
        self._stream = stream
        self._outbox = outbox
        self._room = room
        self._spool = spool
        self._features = features
        self._member: Member | None = None
        self._since = time.monotonic()
        self._decoder = wire.Decoder(wire.FROM_CLIENT)
        self._ending = False  # bye was said
        self._silences = 0  # in a row
        self._dismissed = False

    def run(self) -> None:
        """Serve this client until it goes."""
        parting = _LOST
        try:
            parting = self._converse()
        except (wire.ProtocolError, Overflow) as error:
            parting = f"refused: {error}"
            self._outbox.send(wire.encode(wire.Refused(getattr(error, "code", "too-much"), str(error))))
        except OSError:
            pass  # reset, or gone: that is what "connection lost" says
        finally:
            self._outbox.finish()
            self._depart(parting)
            self._stream.end_politely(LINGER_SECONDS)
            self._stream.close()

    def dismiss(self) -> None:
        """The server ends: nobody need be told that this client goes."""
        self._dismissed = True

    def end(self) -> None:
        """End the connection: ``run`` then returns."""
        self._outbox.end()

    def _converse(self) -> str:
        """Read and handle frames to the end, and return how it ended. Raises ProtocolError, Overflow, OSError."""
        while not self._is_over():
            data = self._stream.receive()
            if data == b"":
                says_bye = self._member is not None and wire.BYE in self._member.features
                return _LOST if says_bye else "!DISCONNECT"
            self._look_at_the_clock(silent=data is None)
            if data is not None:
                self._silences = 0
                self._decoder.feed(data)
                while not self._is_over() and (frame := self._decoder.next_frame()) is not None:
                    self._handle(frame)
        return "!DISCONNECT" if self._ending else _LOST

    def _is_over(self) -> bool:
        """Bye was said; or the connection was given up, and whoever comes back says again what was not heard here."""
        member = self._member
        return self._ending or (self._outbox.closed and member is not None and wire.RESUME in member.features)

    def _look_at_the_clock(self, silent: bool) -> None:
        if self._member is None and time.monotonic() - self._since > HELLO_SECONDS:
            raise wire.ProtocolError("timeout", f"no name within {HELLO_SECONDS:.0f} seconds")
        if silent and self._decoder.in_frame:
            if self._member is not None and wire.RESUME in self._member.features:
                raise TimeoutError("a frame began and did not end")  # its network stands still: it may come back
            raise wire.ProtocolError("timeout", "a frame began and did not end")
        if silent and self._member is not None and wire.PING in self._member.features:
            self._silences += 1
            if self._silences == MAX_SILENCES:
                raise TimeoutError("no pong")
            if self._silences == 1:
                self._outbox.send(wire.encode(wire.Ping()))

    def _handle(self, frame: wire.Frame) -> None:
        member = self._member
        if isinstance(frame, wire.Hello | wire.Resume):
            self._join(frame)
            return
        if member is None:
            raise wire.ProtocolError("out-of-turn", "the first frame must be hello")
        feature = wire.FEATURE_OF.get(type(frame))
        if feature is not None and feature not in member.features:
            raise wire.ProtocolError(
                "out-of-turn", f"{wire.wire_name(type(frame))}: hello and welcome did not both name it"
            )
        match frame:
            case wire.Text():
                member.flood.admit(frame.text)
                self._room.say(member, frame)
            case wire.Offer():
                member.flood.admit(frame.name)  # everybody sees a line of it, too
                self._spool.offer(member, frame)
            case wire.Data():
                self._spool.data(member, frame)
            case wire.End():
                self._spool.end(member, frame)
            case wire.Get():
                self._spool.get(member, frame)
            case wire.Abort():
                self._spool.abort(member, frame)
            case wire.Ping():
                self._outbox.send(_PONG)
            case wire.Bye():
                self._ending = True

    def _join(self, frame: wire.Hello | wire.Resume) -> None:
        if self._member is not None:
            raise wire.ProtocolError("out-of-turn", f"{wire.wire_name(type(frame))}: you are in already")
        try:
            if isinstance(frame, wire.Resume):
                self._member = self._room.resume(frame, self._outbox, self._features)
            else:
                features = frozenset(frame.features) & frozenset(self._features)
                self._member = self._room.join(frame.name, features, self._outbox, self._features, self.address)
        except NameRefused as refused:
            self._outbox.send(wire.encode(wire.Refused(refused.code, str(refused))))

    def _depart(self, parting: str) -> None:
        member = self._member
        if member is None or self._dismissed:
            return
        line = f"[{member.name}] {parting}"
        if parting == _LOST and wire.RESUME in member.features:
            self._spool.lost(member)
            if self._room.hold(member, line):
                return
        self._room.leave(member, line)
        self._spool.gone(member)
