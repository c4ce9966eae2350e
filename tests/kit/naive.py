"""What everybody writes first: one recv is one message. It works on every loopback, until the network is a network."""

import json
import socket
import sys


def main(host: str, port: str) -> None:
    """Join, and print who is in the room."""
    connection = socket.create_connection((host, int(port)))
    body = json.dumps({"name": "naive", "features": ["roster"]}).encode()
    connection.sendall((1 + len(body)).to_bytes(4, "big") + b"H" + body)
    welcome = connection.recv(1024)
    print("In the room:", ", ".join(json.loads(welcome[5:])["roster"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
