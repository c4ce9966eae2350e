"""The client of the chat. It sends what you type, and shows what the others say: python3 client.py 127.0.0.1 5050"""

import os
import socket
import sys
import threading

import files
import start
import wire


class Chat:
    """One person's connection to the server."""

    def __init__(self, sock):
        self.connection = wire.Connection(sock)
        self.name = ""
        self.features = []  # what the server can do
        self.transfers = files.Transfers(self)

    def show(self, line):
        """Show a line to the person."""
        print(wire.printable(line), flush=True)

    # BEGIN SOLUTION 4.1 Show in a terminal that a file has arrived
    def show_file(self, path):
        """Show a file that has arrived."""
        self.show(f"Successfully received: {path}")

    # END SOLUTION
    def join(self):
        """Ask for a name until the server takes it."""
        while True:
            self.name = input("Enter your Name : ").strip()
            self.connection.send("H", name=self.name, features=wire.FEATURES)
            kind, fields = self.connection.receive()
            if kind == "W":
                self.welcome(fields)
                return
            if kind != "R":
                raise OSError("The server hung up")
            print(wire.printable(wire.text_of(fields, "reason")))

    def welcome(self, fields):
        """We are in."""
        self.features = wire.list_of(fields, "features")
        roster = fields.get("roster") or []
        if roster:
            self.show(f"Total No of Clients: {len(roster)}")
        for number, name in enumerate(roster, start=1):
            self.show(f"Client {number} : {name}")

    def run(self):
        """Chat until one side ends: one thread listens to the server, one reads what is typed."""
        threading.Thread(target=self.listen, daemon=True).start()
        self.read_lines()

    def read_lines(self):
        """Send what is typed, line by line, until Ctrl-D."""
        while True:
            line = input()
            if len(line.encode()) > wire.MAX_TEXT:
                self.show(f"Not sent: a text has at most {wire.MAX_TEXT} bytes")
            elif line.strip():
                self.say(line)

    def say(self, line):
        """Send a text to everyone else."""
        if line.split()[0] == "!send":
            if "files" in self.features:
                self.transfers.send(line)
            else:
                self.show("This server does not take files")
            return
        self.connection.send("T", text=line)

    def listen(self):
        """Show what comes from the server, until it ends. Then the whole program ends."""
        status = 0
        try:
            while True:
                kind, fields = self.connection.receive()
                if kind is None:
                    break
                self.handle(kind, fields)
            self.show("The server has closed the chat")
        except (OSError, wire.WireError) as error:
            self.show(f"Connection lost: {error}")
            status = 1
        self.end(status)

    def end(self, status):
        """End the program, from whichever thread."""
        os._exit(status)  # not sys.exit: that would end this thread alone, and the other one waits for a line

    def handle(self, kind, fields):
        """Do what one frame says. A kind that nobody here knows is ignored: the server may be newer than we are."""
        if kind == "T":
            self.show(f"[{wire.text_of(fields, 'from')}] {wire.text_of(fields, 'text')}")
        elif kind == "J":
            self.show(f"{wire.text_of(fields, 'name')} joined the chat!")
        elif kind == "L":
            self.show(f"{wire.text_of(fields, 'name')} exited the chat")
        elif kind in "OGDESA":
            self.transfers.handle(kind, fields)
        elif kind == "R":
            raise wire.WireError(wire.text_of(fields, "reason"))


def main():
    """Ask, connect and chat; returns the exit status."""
    ip, port = start.address("client.py")
    sys.stdin.reconfigure(errors="replace")  # a byte that is no text is no reason to end
    try:
        if start.wants_to_connect():
            chat = Chat(connect(ip, port))
            # BEGIN SOLUTION 4.1 Ask for the mode; load Kivy only when the window is wanted, for it takes its time
            window = None
            if start.wants_window():
                import gui

                window = gui.open_for(chat)
            # END SOLUTION
            chat.join()
            # BEGIN SOLUTION 4.1 Run the window on this thread, and listen on another
            if window:
                threading.Thread(target=chat.listen, daemon=True).start()
                window.run()
                return 0
            # END SOLUTION
            chat.run()
    except (OSError, UnicodeError, wire.WireError) as error:  # UnicodeError: not the name of a host
        print(getattr(error, "strerror", None) or error, file=sys.stderr)
        return 1
    except (EOFError, KeyboardInterrupt):
        print()  # Ctrl-D or Ctrl-C
    return 0


def connect(ip, port):
    """Return a socket that is connected to the server. Raises OSError with the system's reason."""
    sock = socket.create_connection((ip, port), timeout=10)
    sock.settimeout(None)  # the ten seconds were for connecting; reading waits as long as it takes
    return sock


if __name__ == "__main__":
    sys.exit(main())
