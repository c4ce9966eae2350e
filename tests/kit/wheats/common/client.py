# mypy: ignore-errors
"""What these clients have in common: the questions, the frames, and what each frame is shown as."""

import socket
import sys

import chat


class Client:
    """A connection to the server; `show` prints a line as this client does."""

    def __init__(self, show):
        self.show = show
        self.decoder = chat.Decoder()
        self.frames = []
        self.sock = None

    def start(self, question=input):
        """Ask, connect and join; returns the exit status when that is all, or None."""
        ip, port = chat.address("client.py")
        while (answer := question("Would you like to connect (yes/no)? ").strip()) not in ("yes", "no"):
            pass
        if answer == "no":
            return 0
        try:
            self.sock = socket.create_connection((ip, port))
        except OSError as error:
            print(error.strerror, file=sys.stderr)
            return 1
        while True:
            name = question("Enter your Name : ").strip()
            self.sock.sendall(chat.pack("H", name=name, features=["roster"]))
            kind, fields = self.wait_for_frame()
            if kind == "W":
                break
            self.show(fields["reason"])
        roster = fields.get("roster", [])
        if roster:
            self.show(f"Total No of Clients: {len(roster)}")
        for number, name in enumerate(roster, 1):
            self.show(f"Client {number} : {name}")
        return None

    def wait_for_frame(self):
        """The next frame. Raises EOFError at the end, OSError, chat.Broken."""
        while not self.frames:
            self.read()
        return self.frames.pop(0)

    def read(self):
        """Take what has come. Raises EOFError at the end, OSError, chat.Broken."""
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.frames += self.decoder.feed(data)

    def show_frame(self, kind, fields):
        """Show what a frame says, or ignore it."""
        if kind == "T":
            self.show(f"[{fields['from']}] {fields['text']}")
        elif kind == "J":
            self.show(f"{fields['name']} joined the chat!")
        elif kind == "L":
            self.show(f"{fields['name']} exited the chat")

    def say(self, line):
        """Send a line."""
        if line.strip():
            self.sock.sendall(chat.pack("T", text=line))
