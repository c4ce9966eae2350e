"""A client of bare frames: it can do what a polite one never would, and a test that uses it reads as a story."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterable
from types import TracebackType

from reference.protocol import (
    FROM_SERVER,
    MAX_CHUNK,
    Data,
    Decoder,
    End,
    Frame,
    Get,
    Hello,
    Offer,
    OfferFrom,
    Stored,
    Welcome,
    encode,
)
from tests.reference.people import BASIC, DEADLINE


class Raw:
    """A connection to a server. Every wait ends after DEADLINE seconds, with TimeoutError."""

    def __init__(self, address: tuple[str, int], source: str = "127.0.0.1", receive_buffer: int = 0) -> None:
        self.sock = socket.socket()
        self.sock.settimeout(DEADLINE)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.bind((source, 0))
        self.sock.connect(address)
        self._decoder = Decoder(FROM_SERVER)

    def __enter__(self) -> Raw:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Vanish."""
        self.sock.close()

    def send(self, *frames: Frame) -> None:
        """Send these."""
        self.send_bytes(b"".join(map(encode, frames)))

    def send_bytes(self, data: bytes) -> None:
        """Send whatever this is."""
        self.sock.sendall(data)

    def next(self) -> Frame | None:
        """The next frame, or None at the end of the stream."""
        while (frame := self._decoder.next_frame()) is None:
            data = self.sock.recv(65536)
            if not data:
                return None
            self._decoder.feed(data)
        return frame

    def until(self, wanted: Frame | type[Frame]) -> list[Frame]:
        """All frames up to the wanted one, that one being the last."""
        frames: list[Frame] = []
        while True:
            frame = self.next()
            assert frame is not None, f"the stream ended after {frames[-3:]}, before {wanted}"
            frames.append(frame)
            if frame == wanted or type(frame) is wanted:
                return frames

    def rest(self) -> list[Frame]:
        """All frames to the end of the stream, which must come."""
        frames: list[Frame] = []
        try:
            while (frame := self.next()) is not None:
                frames.append(frame)
        except ConnectionResetError:
            pass
        return frames

    def join(self, name: str, features: Iterable[str] = BASIC) -> Welcome:
        """Say hello and be welcomed."""
        self.send(Hello(name, tuple(features)))
        welcome = self.next()
        assert isinstance(welcome, Welcome), welcome
        return welcome

    def upload(self, file_id: bytes, name: str, content: bytes) -> None:
        """Offer a file and answer for it until it is stored."""
        self.send(Offer(file_id, name, len(content)))
        while True:
            frame = self.next()
            if isinstance(frame, Get) and frame.offset < len(content):
                self.send(Data(file_id, frame.offset, content[frame.offset : frame.offset + frame.size]))
            elif isinstance(frame, Get):
                self.send(End(file_id, hashlib.sha256(content).digest()))
            elif frame == Stored(file_id):
                return

    def fetch(self, offer: OfferFrom) -> bytes:
        """Ask for an offered file and return its bytes; the hash must be theirs."""
        content = b""
        while True:
            self.send(Get(offer.id, len(content), MAX_CHUNK))
            answer = self.until(End if len(content) == offer.size else Data)[-1]
            if isinstance(answer, End):
                assert answer.sha256 == hashlib.sha256(content).digest()
                return content
            assert isinstance(answer, Data)
            content += answer.data
