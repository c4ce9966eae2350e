"""The specification, labs/protocol.md, says what the reference does."""

import io
import re
import socket
from threading import Thread

import pytest

from reference.console import Console
from reference.protocol import (
    FEATURE_OF,
    FROM_CLIENT,
    FROM_SERVER,
    MAX_CHUNK,
    MAX_FILE_NAME,
    MAX_JSON,
    MAX_NUMBER,
    MAX_TEXT,
    MAX_WELCOME,
    Hello,
    Text,
    encode,
    wire_name,
)
from reference.server import Server
from tests.reference.vectors import LABS, load

PAGE = (LABS / "protocol.md").read_text(encoding="utf-8")
EXCHANGE = load("exchange")


@pytest.mark.parametrize("limit", [MAX_TEXT, MAX_FILE_NAME, MAX_JSON, MAX_CHUNK, MAX_WELCOME, MAX_NUMBER])
def test_the_page_has_the_limits_of_the_code(limit: int) -> None:
    """A limit that changes must change on the page and in the vectors as well."""
    assert f"{limit:,}" in PAGE


def test_the_page_lists_every_frame_with_its_sender_and_feature() -> None:
    """The table of frames is that of the code."""
    listed = set()
    for letter, name, senders, feature in re.findall(r"^\| `(\w)` \| (\w+) \| ([CS, ]+) \|.*\|(.*)\|$", PAGE, re.M):
        listed |= {(letter, name, sender, feature.strip(" `")) for sender in senders.split(", ")}
    assert listed == {
        (letter, wire_name(frame), sender, FEATURE_OF.get(frame, ""))
        for sender, table in (("C", FROM_CLIENT), ("S", FROM_SERVER))
        for letter, frame in table.items()
    }


def test_the_worked_exchange_on_the_page_is_that_of_the_vectors() -> None:
    """The hex on the page is the vectors' bytes, in their order."""
    shown = [
        bytes.fromhex("".join(re.findall(r"^[0-9a-f]{4}  (.{47})", block, re.M)))
        for block in re.findall(r"```\n(0000  .*?)```", PAGE, re.S)
    ]
    assert shown == [vector.data for vector in EXCHANGE]


def test_the_worked_exchange_is_what_the_server_says() -> None:
    """Played against the reference server, byte for byte."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener, Console(io.BytesIO()))
    serving = Thread(target=server.run)
    serving.start()
    try:
        address = listener.getsockname()
        with _connect(address) as sravya, _connect(address) as sanjay:
            for vector in EXCHANGE:
                match wire_name(type(vector.frames[0])), vector.side:
                    case "joined", _:
                        sanjay.sendall(encode(Hello("sanjay")))
                    case "text", "server":
                        sanjay.sendall(encode(Text("hi 😀")))
                    case "left", _:
                        sanjay.shutdown(socket.SHUT_WR)
                if vector.side == "client":
                    sravya.sendall(vector.data)
                else:
                    assert sravya.recv(len(vector.data), socket.MSG_WAITALL) == vector.data
            assert sravya.recv(1) == b""
    finally:
        server.stop()
        serving.join(30)


def _connect(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=30)
