"""The server of the chat. What one client says, it passes on to all the others: python3 server.py 127.0.0.1 5050"""

import socket
import sys
import threading

import room
import start
import wire


class Client:
    """One connected client."""

    def __init__(self, sock):
        self.connection = wire.Connection(sock)
        self.name = ""
        self.features = []  # what its program can do


def show(line):
    """Print a line on the server's terminal."""
    print(wire.printable(line), flush=True)


def main():
    """Listen, and serve whoever connects; returns the exit status."""
    ip, port = start.address("server.py")
    try:
        listener = socket.create_server((ip, port))
    except (OSError, UnicodeError) as error:  # UnicodeError: not the name of a host
        print(f"cannot listen on {ip} port {port}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return 1
    show(ip)
    show("[ACTIVATING SERVER]")
    show("For Server Termination, use the Keyboard Interrupt (Ctrl-C)")
    show("[SERVER LISTENING]")
    try:
        accept_clients(listener)
    except KeyboardInterrupt:
        pass
    show("[SERVER TERMINATED]")
    return 0


def accept_clients(listener):
    """Accept connections for ever."""
    while True:
        sock, _ = listener.accept()
        client = Client(sock)
        threading.Thread(target=serve, args=[client], daemon=True).start()


def serve(client):
    """What a client's thread does: let it in, pass on what it says, and forget it when it goes."""
    try:
        if join(client):
            converse(client)
    except wire.WireError as error:
        refuse(client, "broken", str(error))
    except OSError:
        pass  # the connection broke
    finally:
        room.remove(client)
        client.connection.sock.close()


def join(client):
    """Wait for hello and let the client in; returns False when it goes before that."""
    while True:
        kind, fields = client.connection.receive()
        if kind is None:
            return False
        if kind != "H":
            raise wire.WireError("the first frame must be hello")
        client.name = wire.text_of(fields, "name")
        client.features = wire.list_of(fields, "features")
        # BEGIN SOLUTION 2.2 Refuse a bad name with the reason, and wait for another one on the same connection
        try:
            room.check_name(client.name)
            welcome(client)
            return True
        except room.NameRefused as refused:
            refuse(client, "name-refused", str(refused))
        # WAS: welcome(client)
        # WAS: return True
        # END SOLUTION


def welcome(client):
    """Let a client in, and tell it so."""
    with client.connection.lock:  # once it is in the room others send to it, but its welcome must come first
        room.add(client)
        show(client.name)  # before the welcome, so that names appear in the order in which people came
        # BEGIN SOLUTION 2.1 Tell it who is in
        roster = room.names_up_to(client)
        client.connection.sock.sendall(wire.pack("W", features=wire.FEATURES, roster=roster))
        # WAS: client.connection.sock.sendall(wire.pack("W", features=wire.FEATURES))
        # END SOLUTION
    # BEGIN SOLUTION 2.3 Tell the others who has come
    room.tell_earlier(client, "J", name=client.name)
    # END SOLUTION


def refuse(client, code, reason):
    """Tell a client what we do not accept."""
    try:
        client.connection.send("R", code=code, reason=reason)
    except OSError:
        pass  # it has gone already


def converse(client):
    """Handle what a client sends, until it goes."""
    while True:
        kind, fields = client.connection.receive()
        if kind is None:
            return
        handle(client, kind, fields)


def handle(client, kind, fields):
    """Do what a message asks for. A kind that nobody here knows is ignored: the client may be newer than we are."""
    if kind == "T":
        text = wire.text_of(fields, "text")
        if len(text.encode()) > wire.MAX_TEXT:
            raise wire.WireError(f"a text has at most {wire.MAX_TEXT} bytes")
        show(f"[{client.name}] {text}")
        room.broadcast(client, "T", **{"from": client.name, "text": text})


if __name__ == "__main__":
    sys.exit(main())
