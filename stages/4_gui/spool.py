"""The server's files: fetched from the one who offers, a piece at a time, and handed to those who ask.

Nobody waits here. Each function does one small step and returns: a question is answered by a piece, and a piece leads
to the next question. So a client's thread stays free for texts while a film goes by.
"""

import hashlib
import tempfile
import threading

import room
import wire

MAX_FILE = 2**30  # bytes: a film; more would fill the server's disk

files = {}  # id: File
lock = threading.Lock()  # guards the dictionary


class File:
    """A file that somebody has offered."""

    def __init__(self, sender, fields):
        self.id = wire.id_of(fields)
        self.name = wire.text_of(fields, "name")
        self.size = wire.number_of(fields, "size")
        self.sender = sender
        self.store = tempfile.TemporaryFile()  # it has no name, and goes when the server ends, however that happens
        self.lock = threading.Lock()  # guards the store's position: many may read at once
        self.hash = hashlib.sha256()
        self.have = 0  # bytes
        self.whole = False


def offered(client, fields):
    """A client offers a file: take note of it, and ask for its first piece. Raises WireError."""
    file = File(client, fields)
    with lock:
        taken = file.id in files
        if not taken and file.size <= MAX_FILE:
            files[file.id] = file
    if taken:
        client.connection.send("A", id=file.id, reason="this id is in use")
    elif file.size > MAX_FILE:
        client.connection.send("A", id=file.id, reason=f"the server takes files up to {MAX_FILE} bytes")
    else:
        client.connection.send("G", id=file.id, offset=0, size=wire.CHUNK)


def arrived(client, fields):
    """A piece has come: keep it, and ask for the next. Raises WireError for one that nobody asked for."""
    file = file_from(client, fields)
    if file is None:
        return
    data = fields["data"]
    if fields["offset"] != file.have or file.have + len(data) > file.size:
        raise wire.WireError("this piece was not asked for")
    with file.lock:
        file.store.seek(file.have)
        file.store.write(data)
    file.hash.update(data)
    file.have += len(data)
    client.connection.send("G", id=file.id, offset=file.have, size=wire.CHUNK)


def ended(client, fields):
    """The sender says that was all. Returns the file if it is whole, None if it is not."""
    file = file_from(client, fields)
    if file is None:
        return None
    if file.have != file.size or file.hash.hexdigest() != wire.text_of(fields, "sha256"):
        forget(file)
        client.connection.send("A", id=file.id, reason="it arrived damaged")
        return None
    file.whole = True
    client.connection.send("S", id=file.id)
    return file


def offer_to_others(file):
    """Tell everyone but its sender that a file is here."""
    sender = {"from": file.sender.name}
    room.broadcast(file.sender, "O", **sender, id=file.id, name=file.name, size=file.size)


def asked(client, fields):
    """A receiver asks for a piece of a file. Raises WireError."""
    file = files.get(wire.id_of(fields))
    offset, size = wire.number_of(fields, "offset"), wire.number_of(fields, "size")
    if file is None or not file.whole:
        client.connection.send("A", id=wire.id_of(fields), reason="the server does not have it")
    elif offset >= file.size:
        client.connection.send("E", id=file.id, sha256=file.hash.hexdigest())
    else:
        with file.lock:
            file.store.seek(offset)
            data = file.store.read(min(size, wire.MAX_CHUNK))
        client.connection.send("D", id=file.id, offset=offset, data=data)


def called_off(client, fields):
    """The sender does not go on with a file. (A receiver who does not want one need not be remembered.)"""
    file = file_from(client, fields)
    if file is not None:
        forget(file)


def gone(client):
    """A client has left: forget what it had begun to send."""
    for file in list(files.values()):
        if file.sender is client and not file.whole:
            forget(file)


def file_from(client, fields):
    """The file that this client is sending; None when it has been forgotten, and pieces are still on their way."""
    file = files.get(wire.id_of(fields))
    return file if file and file.sender is client and not file.whole else None


def forget(file):
    """Drop a file and its bytes."""
    with lock:
        files.pop(file.id, None)
    file.store.close()
