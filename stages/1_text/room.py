"""The room: everyone who has joined. Every client's thread reads and changes it, so a lock guards it."""

import threading

import wire

clients = []  # everyone who is in, in the order in which they came
lock = threading.Lock()  # guards the list; held only to look and to change, never while sending


def add(client):
    """Let a client in."""
    with lock:
        clients.append(client)


def remove(client):
    """Forget a client that has gone, if it ever was in."""
    # BEGIN SOLUTION 1.5 Take it out of the list, or the room fills with dead connections
    with lock:
        if client not in clients:
            return
        clients.remove(client)
    # END SOLUTION


def broadcast(sender, kind, **fields):
    """Send a message to everyone but the sender."""
    # BEGIN SOLUTION 1.4 Choose all the others, under the lock: somebody may come or go just now
    with lock:
        others = [client for client in clients if client is not sender]
    send_to(others, kind, **fields)
    # END SOLUTION


def send_to(receivers, kind, **fields):
    """Send a message to each of these whose program knows this kind."""
    # BEGIN SOLUTION 1.4 Send it, without the room's lock; a broken connection must not cost the others their turn
    for client in receivers:
        if wire.NEEDS.get(kind) in (None, *client.features):
            try:
                client.connection.send(kind, **fields)
            except OSError:
                pass  # its own thread finds out too, and removes it
    # END SOLUTION
