# mypy: ignore-errors
"""A client in a single thread: select tells whether a line was typed or something has come."""

import select
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import chat
from client import Client


def question(words):
    """Ask; raises EOFError when nobody answers."""
    print(words, end="", flush=True)
    line = sys.stdin.buffer.raw.readline()
    if not line:
        raise EOFError
    return line.decode(errors="replace").rstrip("\n")


def main():
    """Run the client; returns the exit status."""
    client = Client(chat.show)
    try:
        if (status := client.start(question)) is not None:
            return status
        while True:
            while client.frames:
                client.show_frame(*client.frames.pop(0))
            ready, _, _ = select.select([client.sock, sys.stdin], [], [])
            if client.sock in ready:
                try:
                    client.read()
                except (EOFError, OSError):
                    chat.show("The server has closed the chat")
                    return 0
            if sys.stdin in ready:
                client.say(question(""))
    except (EOFError, KeyboardInterrupt):
        return 0


sys.exit(main())
