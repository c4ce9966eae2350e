"""Captures, as the protocol and as tshark understand them: each a list of frames by stream and direction."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from reference.protocol import Decoder, Frame, ProtocolError, wire_name

ROOT = Path(__file__).resolve().parents[2]
DISSECTOR = ROOT / "labs" / "wireshark" / "gmc.lua"
TSHARK = shutil.which("tshark")
DEADLINE = 60.0

Shown: TypeAlias = dict[str, Any]
"""A frame's type, and its fields as tshark prints them; of a broken one, the error's code."""


def payloads(path: Path) -> dict[tuple[int, int], bytes]:
    """What each direction (source and destination port) carries in a capture of the tap's."""
    streams: dict[tuple[int, int], bytearray] = {}
    data = path.read_bytes()
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:
            (length,) = struct.unpack_from("<I", data, at + 20)
            packet = data[at + 28 : at + 28 + length]
            tcp = packet[20:] if packet[0] >> 4 == 4 else packet[40:]
            ports = struct.unpack_from(">HH", tcp)
            streams.setdefault(ports, bytearray()).extend(tcp[20:])
        at += size
    return {ports: bytes(carried) for ports, carried in streams.items()}


def by_protocol(stream: bytes, accepts: Mapping[str, type[Frame]]) -> list[Shown]:
    """What the reference's decoder makes of a stream, as tshark writes it."""
    decoder = Decoder(accepts)
    decoder.feed(stream)
    shown = []
    try:
        while (frame := decoder.next_frame()) is not None:
            shown.append(show(frame))
    except ProtocolError as error:
        shown.append({"error": error.code})
    return shown


def show(frame: Frame) -> Shown:
    """A frame's fields as tshark prints them: a file's bytes in hex with colons, a list's items one by one."""
    shown: Shown = {"type": wire_name(type(frame))}
    for field in dataclasses.fields(frame):
        value = getattr(frame, field.name)
        name = "from" if field.name == "sender" else field.name
        if isinstance(value, bytes):
            shown[name] = value.hex(":") if name == "data" else value.hex()
        elif isinstance(value, tuple):
            shown |= {name: [whole(item) for item in value]} if value else {}
        else:
            shown[name] = whole(str(value))
    return shown


def whole(text: str) -> str:
    """A text as Wireshark can hold it: it ends a string at a NUL, so the dissector shows the picture of one."""
    return text.replace("\0", "\u2400")


def by_tshark(path: Path, *options: str) -> dict[tuple[int, int], list[Shown]]:
    """What tshark makes of a capture with our dissector. Frames of unknown type are left out, as a receiver does."""
    output = tshark("-r", str(path), *options, "-Y", "gmc", "-T", "json", "-j", "gmc tcp")
    streams: dict[tuple[int, int], list[Shown]] = {}
    for packet in json.loads(output, object_pairs_hook=list):
        layers = dict(dict(packet)["_source"])["layers"]
        tcp = dict(next(layer for name, layer in layers if name == "tcp"))
        frames = streams.setdefault((int(tcp["tcp.srcport"]), int(tcp["tcp.dstport"])), [])
        for name, layer in layers:
            if name == "gmc" and (frame := _frame(layer)):
                frames.append(frame)
    return streams


def tshark(*arguments: str) -> str:
    """Run tshark with our dissector; return what it prints."""
    assert TSHARK
    done = subprocess.run(
        [TSHARK, "-X", f"lua_script:{DISSECTOR}", *arguments],
        capture_output=True,
        check=True,
        timeout=DEADLINE,
        env={**os.environ, "WIRESHARK_CONFIG_DIR": str(ROOT / "labs" / "wireshark")},  # nobody's own preferences
    )
    assert b"Lua" not in done.stderr, done.stderr.decode()
    return done.stdout.decode()


def _frame(layer: list[tuple[str, Any]]) -> Shown | None:
    fields: dict[str, list[Any]] = {}
    for name, value in layer:
        fields.setdefault(name.removeprefix("gmc."), []).append(value)
    assert "_ws.lua.error" not in str(layer), layer
    if "error" in fields:
        return {"error": fields["error"][0]}
    if "lost" in fields or fields["type"][0].startswith("type "):
        return None
    kept = {name: values for name, values in fields.items() if name not in ("length", "letter")}
    return {name: values if name in ("features", "roster") else values[0] for name, values in kept.items()}
