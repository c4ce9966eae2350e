"""Frames on a TCP stream.

TCP carries a stream of bytes, not messages: one send may arrive in three pieces, three sends in one. So every message
travels in a frame that says how long it is: 4 bytes of length (of what follows), 1 byte that says what kind of message
it is (an ASCII letter), and a body, which is a JSON object in UTF-8.
"""

import json
import struct
import threading

MAX_FRAME = 1024 * 1024  # bytes: who announces more is not heard, or one liar could fill our memory
MAX_TEXT = 4096  # bytes of UTF-8 in one text
JOINERS = "\u200c\u200d"  # not printable by themselves, but emoji and Indic scripts are spelled with them

# What this program can do besides text: hello and welcome tell the other side. And what a kind of frame needs of the
# program that it is sent to: nobody is sent what they do not know.
# BEGIN SOLUTION 3.1 Say that this program knows files, and that an offer is only for programs that do
FEATURES = ["roster", "files"]
NEEDS = {"J": "roster", "L": "roster", "O": "files"}
# WAS: FEATURES = ["roster"]
# WAS: NEEDS = {"J": "roster", "L": "roster"}
# END SOLUTION
# BEGIN SOLUTION 3.1 Choose how large the pieces are that files travel in
CHUNK = 16 * 1024  # bytes we ask for at once: they fit the system's buffers, so both sides may send at the same time
MAX_CHUNK = 256 * 1024  # bytes that others may ask us for
# END SOLUTION


class WireError(Exception):
    """The other side broke the rules of the wire; the text says how."""


def pack(kind, **fields):
    """Return a message as the bytes of its frame."""
    # BEGIN SOLUTION 3.1 Pack a file's bytes as they are: JSON would have to spell out each of them
    if kind == "D":
        body = bytes.fromhex(fields["id"]) + struct.pack(">Q", fields["offset"]) + fields["data"]
    else:
        body = json.dumps(fields).encode()
    # WAS: body = json.dumps(fields).encode()
    # END SOLUTION
    return struct.pack(">I", 1 + len(body)) + kind.encode() + body


class Connection:
    """A socket that sends and receives frames instead of bytes."""

    def __init__(self, sock):
        self.sock = sock
        self.lock = threading.Lock()  # held while writing to the socket: two threads at once would mix their frames

    def send(self, kind, **fields):
        """Send a message. Raises OSError when the connection is broken."""
        with self.lock:
            self.sock.sendall(pack(kind, **fields))

    def receive(self):
        """Wait for a message; (None, None) at the end of the stream. Raises OSError, WireError."""
        return receive(self.sock)


def receive(sock):
    """Wait for the next message and return its kind and its fields, or (None, None) at the end of the stream."""
    head = receive_exactly(sock, 4)
    if head is None:
        return None, None
    (length,) = struct.unpack(">I", head)
    if not 1 <= length <= MAX_FRAME:
        raise WireError(f"a frame of {length} bytes: the length must be from 1 to {MAX_FRAME}")
    frame = receive_exactly(sock, length)
    if frame is None:
        return None, None
    return unpack(frame[:1].decode("latin-1"), frame[1:])


def receive_exactly(sock, size):
    """Return exactly so many bytes, or None when the stream ends before."""
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return data


def unpack(kind, body):
    """Return kind and fields of a frame. Raises WireError for what is not JSON."""
    # BEGIN SOLUTION 3.1 Take a piece of a file apart: 16 bytes of id, 8 bytes of offset, and the rest
    if kind == "D":
        if len(body) <= 24:
            raise WireError("a piece of a file without bytes")
        return kind, {"id": body[:16].hex(), "offset": int.from_bytes(body[16:24], "big"), "data": body[24:]}
    # END SOLUTION
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise WireError("the body is not JSON") from None
    if not isinstance(fields, dict):
        raise WireError("the body is not a JSON object")
    return kind, fields


def text_of(fields, name):
    """Return a field that must be a text. Raises WireError when it is not there, or is something else."""
    value = fields.get(name)
    if not isinstance(value, str) or not can_be_utf8(value):
        raise WireError(f"the field '{name}' must be a text")
    return value


def list_of(fields, name):
    """Return a field that must be a list. Raises WireError."""
    value = fields.get(name)
    if not isinstance(value, list):
        raise WireError(f"the field '{name}' must be a list")
    return value


# BEGIN SOLUTION 3.1 Check the new kinds of fields
def number_of(fields, name):
    """Return a field that must be a whole number, and not negative. Raises WireError."""
    value = fields.get(name)
    if type(value) is not int or value < 0:
        raise WireError(f"the field '{name}' must be a whole number")
    return value


def id_of(fields):
    """Return the id of a file, which must be 16 bytes in hex. Raises WireError."""
    value = text_of(fields, "id")
    if len(value) != 32 or not set(value) <= set("0123456789abcdef"):
        raise WireError("the field 'id' must be 16 bytes in hex")
    return value


# END SOLUTION
def can_be_utf8(text):
    """JSON can spell half a character (\\ud800), which no UTF-8 can carry: nobody could send it on."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(text):
    """Return text as one line that a terminal shows and does not obey: line breaks and escapes become spaces."""
    return "".join(each if each.isprintable() or each in JOINERS else " " for each in text)
