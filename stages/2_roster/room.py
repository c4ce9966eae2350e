"""The room: everyone who has joined. Every client's thread reads and changes it, so a lock guards it."""

import threading

import wire

# BEGIN SOLUTION 2.2 A name has at most 32 characters; write an exception class, NameRefused
MAX_NAME = 32  # characters: fits a line of the roster


class NameRefused(Exception):
    """Nobody can come in by this name; the text says why."""


# END SOLUTION
clients = []  # everyone who is in, in the order in which they came
lock = threading.Lock()  # guards the list; held only to look and to change, never while sending


def add(client):
    """Let a client in."""
    with lock:
        # BEGIN SOLUTION 2.2 Look and add under one lock: of two who want the same name at once, one must fail
        if client.name.casefold() in [each.name.casefold() for each in clients]:
            raise NameRefused("this name is taken")
        # END SOLUTION
        clients.append(client)


def remove(client):
    """Forget a client that has gone, if it ever was in."""
    with lock:
        if client not in clients:
            return
        clients.remove(client)
    # BEGIN SOLUTION 2.4 Tell the others who has gone; not under the lock, which broadcast takes itself
    broadcast(client, "L", name=client.name)
    # END SOLUTION


# BEGIN SOLUTION 2.2 Say what is wrong with a name
def check_name(name):
    """Raise NameRefused for a name that nobody could read, or tell from another."""
    if not name.strip():
        raise NameRefused("a name needs at least one visible character")
    if len(name) > MAX_NAME:
        raise NameRefused(f"a name has at most {MAX_NAME} characters")
    if wire.printable(name) != name:
        raise NameRefused("a name must not have control characters")


# END SOLUTION
# BEGIN SOLUTION 2.1 Say who is in, as a newcomer is to see it: those who came before it, and itself last
def names_up_to(client):
    """Return the names of everyone up to this client, in order. Those who come later it is told of one by one."""
    with lock:
        if client not in clients:
            return []  # it is out again already
        return [each.name for each in clients[: clients.index(client) + 1]]


# END SOLUTION
# BEGIN SOLUTION 2.3 Tell those who came before: who comes after has the newcomer in the roster already
def tell_earlier(client, kind, **fields):
    """Send a message to everyone who came before this client."""
    with lock:
        if client not in clients:
            return
        earlier = clients[: clients.index(client)]
    send_to(earlier, kind, **fields)


# END SOLUTION
def broadcast(sender, kind, **fields):
    """Send a message to everyone but the sender."""
    with lock:
        others = [client for client in clients if client is not sender]
    send_to(others, kind, **fields)


def send_to(receivers, kind, **fields):
    """Send a message to each of these whose program knows this kind."""
    for client in receivers:
        if wire.NEEDS.get(kind) in (None, *client.features):
            try:
                client.connection.send(kind, **fields)
            except OSError:
                pass  # its own thread finds out too, and removes it
