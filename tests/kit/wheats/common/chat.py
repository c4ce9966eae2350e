# mypy: ignore-errors
"""What these programs have in common: frames in and out, and the rules of the room, without sockets or threads."""

import json
import struct
import sys

MAX_FRAME = 1024 * 1024
MAX_TEXT = 4096
MAX_NAME = 32


class Broken(Exception):
    """The other side broke the rules; the text says how."""


def pack(kind, **fields):
    """One frame."""
    body = kind.encode() + json.dumps(fields, ensure_ascii=False).encode()
    return len(body).to_bytes(4, "big") + body


class Decoder:
    """Bytes in, frames out."""

    def __init__(self):
        self.buffer = b""

    def feed(self, data):
        """Yield kind and fields of each frame that is whole now. Raises Broken."""
        self.buffer += data
        while len(self.buffer) >= 4:
            (length,) = struct.unpack_from("!L", self.buffer)
            if not 0 < length <= MAX_FRAME:
                raise Broken("a frame cannot have this length")
            if len(self.buffer) < 4 + length:
                return
            frame, self.buffer = self.buffer[4 : 4 + length], self.buffer[4 + length :]
            try:
                fields = json.loads(frame[1:])
            except (ValueError, RecursionError):
                raise Broken("this is not JSON") from None
            if not isinstance(fields, dict):
                raise Broken("this is no JSON object")
            yield chr(frame[0]), fields


class Member:
    """Somebody connected. `send` takes bytes, and never waits."""

    def __init__(self, send):
        self.send = send
        self.name = None
        self.can = ()


class Room:
    """Who is in, and what happens when somebody says something."""

    def __init__(self):
        self.members = []

    def received(self, member, kind, fields):
        """A frame has come. Raises Broken."""
        if member.name is None:
            if kind != "H":
                raise Broken("say hello first")
            self._hello(member, text(fields, "name"), fields.get("features"))
        elif kind == "T":
            said = text(fields, "text")
            if len(said.encode()) > MAX_TEXT:
                raise Broken("this text is too long")
            show(f"[{member.name}] {said}")
            for other in self.members:
                if other is not member:
                    other.send(pack("T", **{"from": member.name, "text": said}))

    def gone(self, member):
        """Somebody has gone, or was never in."""
        if member in self.members:
            self.members.remove(member)
            self._tell(self.members, "L", member)

    def _hello(self, member, name, can):
        if not isinstance(can, list):
            raise Broken("features must be a list")
        if reason := self._refusal(name):
            member.send(pack("R", code="name-refused", reason=reason))
            return
        member.name, member.can = name, can
        before = list(self.members)
        self.members.append(member)
        show(name)
        member.send(pack("W", features=["roster"], roster=[each.name for each in self.members]))
        self._tell(before, "J", member)

    def _refusal(self, name):
        if not name.strip():
            return "nobody can read that"
        if len(name) > MAX_NAME:
            return "this name is too long"
        if printable(name) != name:
            return "this name has control characters"
        if name.casefold() in [each.name.casefold() for each in self.members]:
            return "somebody has this name"
        return None

    def _tell(self, members, kind, about):
        for member in members:
            if "roster" in member.can:
                member.send(pack(kind, name=about.name))


def refusal(error):
    """The last frame for one who broke the rules."""
    return pack("R", code="broken", reason=str(error))


def text(fields, name):
    """A field that must be a text. Raises Broken."""
    value = fields.get(name)
    try:
        value.encode()
    except (AttributeError, UnicodeEncodeError):
        raise Broken(f"{name} must be a text") from None
    return value


def printable(line):
    """A line that a terminal shows and does not obey."""
    return "".join(each if each.isprintable() or each in "\u200c\u200d" else " " for each in line)


def show(line):
    """Print a line at once."""
    print(printable(line), flush=True)


def address(program):
    """IP and port from the command line, or one line of usage and exit status 2."""
    arguments = sys.argv[1:]
    if len(arguments) != 2 or not arguments[1].isdecimal() or int(arguments[1]) > 65535:
        sys.exit(_usage(program))
    return arguments[0], int(arguments[1])


def _usage(program):
    print(f"usage: {program} <ip> <port>", file=sys.stderr)
    return 2


def welcome_lines(ip):
    """What a server prints when it listens."""
    show(ip)
    show("[ACTIVATING SERVER]")
    show("For Server Termination, use the Keyboard Interrupt (Ctrl-C)")
    show("[SERVER LISTENING]")


def cannot_listen(ip, port, error):
    """One line on stderr, and exit status 1."""
    print(f"{ip}:{port} cannot be had: {error.strerror}", file=sys.stderr)
    return 1
