# mypy: ignore-errors
"""A client with a prompt: what arrives meanwhile is printed behind it."""

import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import chat
from client import Client

PROMPT = "> "


def show(line):
    """Print a line, and the prompt again."""
    print(chat.printable(line) + "\n" + PROMPT, end="", flush=True)


def listen(client):
    """Show what comes, until the server ends."""
    try:
        while True:
            client.show_frame(*client.wait_for_frame())
    except (EOFError, OSError):
        show("The server has closed the chat")
        os._exit(0)


def main():
    """Run the client; returns the exit status."""
    client = Client(chat.show)  # no prompt before there is anything to type
    try:
        if (status := client.start()) is not None:
            return status
        client.show = show
        threading.Thread(target=listen, args=(client,), daemon=True).start()
        while True:
            client.say(input(PROMPT))
    except (EOFError, KeyboardInterrupt):
        return 0


sys.exit(main())
