"""Writes what passed as a capture for Wireshark: a pcapng file (draft-ietf-opsawg-pcapng) with one packet a segment.

The tap has no packets, only the bytes that it passed on. So each connection is written as TCP would have sent it: a
handshake, one packet for each segment with the right sequence numbers and checksums, and its end. Wireshark, tshark
and tcpdump read it; no rights are needed to make it.
"""

import socket
import struct
from collections.abc import Callable
from pathlib import Path

from labkit.wiretap.follower import Part
from labkit.wiretap.talk import TO_CLIENT, TO_SERVER, Talk
from labkit.wiretap.watcher import Watcher

RAW_IP = 101  # LINKTYPE_RAW: a packet begins with its IP header, of version 4 or 6 (tcpdump.org/linktypes.html)
MAX_PAYLOAD = 32 * 1024  # an IP packet has at most 65,535 bytes; a larger segment is written as several

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
WINDOW = 65535
TCP = 6


class Capture(Watcher):
    """Writes packets as they pass, each at once: whoever kills the tap has all but the last.

    Raises OSError if the file cannot be opened. If the disk is full later, ``failed`` is told once and nothing more is
    written: the chat goes on.
    """

    def __init__(self, path: Path, failed: Callable[[str], None]) -> None:
        self._path = path
        self._failed = failed
        self._file = path.open("wb", buffering=0)
        self._next: dict[tuple[Talk, str], int] = {}  # the sequence number of the next byte
        self._last: dict[Talk, str] = {}  # which direction was the last to end
        self._write(_section() + _interface())

    def opened(self, time: float, talk: Talk) -> None:
        """The three packets of a handshake."""
        self._next[talk, TO_SERVER] = self._next[talk, TO_CLIENT] = 0
        self._packet(time, talk, TO_SERVER, SYN)
        self._packet(time, talk, TO_CLIENT, SYN | ACK)
        self._packet(time, talk, TO_SERVER, ACK)

    def passed(self, time: float, talk: Talk, direction: str, segment: bytes, parts: list[Part]) -> None:
        """A packet with these bytes."""
        for start in range(0, len(segment), MAX_PAYLOAD):
            self._packet(time, talk, direction, PSH | ACK, segment[start : start + MAX_PAYLOAD])

    def ended(self, time: float, talk: Talk, direction: str) -> None:
        """A packet that says that nothing follows."""
        self._packet(time, talk, direction, FIN | ACK)
        self._last[talk] = direction

    def closed(self, time: float, talk: Talk, reason: str) -> None:
        """A reset, if it was one; else the acknowledgement of the last FIN is all that is left to say."""
        last = self._last.pop(talk, TO_SERVER)
        self._packet(time, talk, _back(last), RST | ACK if reason else ACK)
        del self._next[talk, TO_SERVER], self._next[talk, TO_CLIENT]

    def finish(self) -> None:
        """Close the file."""
        self._file.close()

    def _packet(self, time: float, talk: Talk, direction: str, flags: int, payload: bytes = b"") -> None:
        source, sink = (talk.client, talk.tap) if direction == TO_SERVER else (talk.tap, talk.client)
        sequence = self._next[talk, direction]
        acknowledged = self._next[talk, _back(direction)] if flags & ACK else 0
        self._write(_block(time, packet(source, sink, sequence, acknowledged, flags, payload)))
        # SYN and FIN count as one byte each (RFC 9293 section 3.4).
        self._next[talk, direction] = (sequence + len(payload) + bool(flags & (SYN | FIN))) & 0xFFFFFFFF

    def _write(self, data: bytes) -> None:
        if self._file.closed:
            return
        try:
            self._file.write(data)
        except OSError as error:
            self._file.close()
            self._failed(f"{self._path}: {error.strerror}: no longer saved")


def _back(direction: str) -> str:
    return TO_CLIENT if direction == TO_SERVER else TO_SERVER


def packet(
    source: tuple[str, int], sink: tuple[str, int], sequence: int, acknowledged: int, flags: int, payload: bytes
) -> bytes:
    """An IP packet with a TCP segment in it (RFC 791, RFC 8200, RFC 9293)."""
    family = socket.AF_INET6 if ":" in source[0] else socket.AF_INET
    addresses = b"".join(socket.inet_pton(family, place[0].partition("%")[0]) for place in (source, sink))
    ports = struct.pack(">HH", source[1], sink[1])
    head = ports + struct.pack(">IIBBHHH", sequence, acknowledged, 5 << 4, flags, WINDOW, 0, 0)
    size = len(head) + len(payload)
    sums = _checksum(addresses + struct.pack(">II", size, TCP) + head + payload)
    segment = head[:16] + sums + head[18:] + payload
    if family == socket.AF_INET6:
        return struct.pack(">IHBB", 6 << 28, size, TCP, 64) + addresses + segment
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0, 64, TCP, 0) + addresses
    return ip[:10] + _checksum(ip) + ip[12:] + segment


def _checksum(data: bytes) -> bytes:
    """The Internet checksum (RFC 1071): a sum of 16-bit words modulo 65,535 is the whole number modulo 65,535."""
    even = data + b"\0" * (len(data) % 2)
    return struct.pack(">H", 65535 - int.from_bytes(even, "big") % 65535)


def _section() -> bytes:
    return struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


def _interface() -> bytes:
    return struct.pack("<IIHHII", 1, 20, RAW_IP, 0, 0, 20)


def _block(time: float, data: bytes) -> bytes:
    """An Enhanced Packet Block; its time is in microseconds."""
    microseconds = int(time * 1_000_000)
    padding = b"\0" * (-len(data) % 4)
    size = 32 + len(data) + len(padding)
    head = struct.pack("<IIIIIII", 6, size, 0, microseconds >> 32, microseconds & 0xFFFFFFFF, len(data), len(data))
    return head + data + padding + struct.pack("<I", size)
