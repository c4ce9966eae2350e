# mypy: ignore-errors
"""A client in colour: names are blue, notices grey, and the server's end is red."""

import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import chat
from client import Client


def show(line):
    """Print a line in its colour."""
    line = chat.printable(line)
    if line.startswith("["):
        name, _, rest = line.partition("] ")
        print(f"\x1b[1;34m{name}]\x1b[0m {rest}", flush=True)
    else:
        print(f"\x1b[90m{line}\x1b[0m", flush=True)


def listen(client):
    """Show what comes, until the server ends."""
    try:
        while True:
            client.show_frame(*client.wait_for_frame())
    except (EOFError, OSError):
        print("\x1b[31mThe server has closed the chat\x1b[0m", flush=True)
        os._exit(0)


def main():
    """Run the client; returns the exit status."""
    client = Client(show)
    try:
        if (status := client.start()) is not None:
            return status
        threading.Thread(target=listen, args=(client,), daemon=True).start()
        while True:
            client.say(input())
    except (EOFError, KeyboardInterrupt):
        return 0


sys.exit(main())
