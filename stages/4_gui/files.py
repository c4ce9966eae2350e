"""The client's files: those it offers to the others, and those that come in. The server asks us, and we ask the server,
for one piece at a time."""

import hashlib
import os
import shlex

import names
import wire


class DownloadFailed(Exception):
    """A file cannot be kept; the text says why."""


class Transfers:
    """All files of one chat: what is typed and what the server sends about them comes here."""

    def __init__(self, chat):
        self.chat = chat
        self.connection = chat.connection
        self.uploads = {}  # id: what we offer
        self.downloads = {}  # id: what comes in

    def send(self, line):
        """Send the file that a line names: !send and a path, written as in a shell."""
        try:
            _, path = shlex.split(line)
        except ValueError:
            self.chat.show("Send what? !send <path>, in quotes if it has spaces")
        else:
            self.send_path(path)

    def send_path(self, path):
        """Offer a file to everyone else."""
        try:
            upload = Upload(path)
        except OSError as error:
            self.chat.show(f"Cannot send {path}: {error.strerror}")
        else:
            file_id = os.urandom(16).hex()
            self.uploads[file_id] = upload
            self.chat.show(f"Sending {upload.name} ({upload.size} bytes)")
            self.connection.send("O", id=file_id, name=upload.name, size=upload.size)

    def handle(self, kind, fields):
        """Do what the server says of a file. Raises WireError, OSError when the connection is broken."""
        upload = self.uploads.get(wire.id_of(fields))
        download = self.downloads.get(fields["id"])
        if kind == "O":
            self.receive(fields)
        elif kind == "G" and upload:
            upload.answer(self.connection, fields)
        elif kind == "S" and upload:
            self.uploads.pop(fields["id"]).close()
            self.chat.show("File Successfully sent")
        elif kind in "DE" and download:
            self.go_on(download, kind, fields)
        elif kind == "A":
            self.call_off(fields["id"], wire.text_of(fields, "reason"))

    def receive(self, fields):
        """Somebody offers a file: begin to fetch it."""
        self.chat.show(f"[{wire.text_of(fields, 'from')}] !send {wire.text_of(fields, 'name')}")
        self.chat.show(f"Receiving {fields['name']} ({wire.number_of(fields, 'size')} bytes)")
        folder = os.path.join("downloads", names.safe_name(self.chat.name))
        try:
            download = Download(folder, fields)
        except OSError as error:
            self.chat.show(f"Cannot write to {folder}: {error.strerror}")
        else:
            self.downloads[download.id] = download
            self.connection.send("G", id=download.id, offset=0, size=wire.CHUNK)

    def go_on(self, download, kind, fields):
        """A piece has come, or the end."""
        try:
            if kind == "D":
                download.keep(fields)
                self.connection.send("G", id=download.id, offset=download.have, size=wire.CHUNK)
            else:
                # BEGIN SOLUTION 4.1 Let the chat's face decide how a file that has arrived is shown
                self.chat.show_file(download.finish(fields))
                # WAS: self.chat.show(f"Successfully received: {download.finish(fields)}")
                # END SOLUTION
                del self.downloads[download.id]
        except DownloadFailed as error:
            self.call_off(download.id, str(error))

    def call_off(self, file_id, reason):
        """A file does not arrive, or is not taken: say so, and leave nothing of it behind."""
        upload = self.uploads.pop(file_id, None)
        download = self.downloads.pop(file_id, None)
        if upload:
            upload.close()
        if download:
            download.discard()
        if upload or download:
            self.chat.show(f"{(upload or download).name} was called off: {reason}")


class Upload:
    """A file of ours that others can ask for."""

    def __init__(self, path):
        """Raises OSError, with the reason, for what cannot be read."""
        self.file = open(path, "rb")
        self.name = os.path.basename(path)  # the others need not know where it lies
        self.size = os.fstat(self.file.fileno()).st_size

    def answer(self, connection, fields):
        """Send the piece that was asked for. Raises WireError, OSError."""
        offset, size = wire.number_of(fields, "offset"), wire.number_of(fields, "size")
        if offset < self.size:
            self.file.seek(offset)
            data = self.file.read(min(size, wire.MAX_CHUNK, self.size - offset))
            connection.send("D", id=fields["id"], offset=offset, data=data)
        else:
            self.file.seek(0)
            connection.send("E", id=fields["id"], sha256=hashlib.file_digest(self.file, "sha256").hexdigest())

    def close(self):
        """Give the file back."""
        self.file.close()


class Download:
    """A file on its way into a folder, as <name>.part until it is whole."""

    def __init__(self, folder, fields):
        """Raises OSError when it cannot be written there, WireError."""
        self.id = wire.id_of(fields)
        self.name = wire.text_of(fields, "name")
        self.size = wire.number_of(fields, "size")
        self.folder = folder
        self.safe_name = names.safe_name(self.name)
        self.have = 0  # bytes
        self.hash = hashlib.sha256()
        os.makedirs(folder, exist_ok=True)
        self.part = os.path.join(folder, f"{self.safe_name}.{self.id[:8]}.part")
        self.file = open(self.part, "wb")

    def keep(self, fields):
        """A piece has come. Raises WireError for one that nobody asked for, DownloadFailed when the disk is full."""
        data = fields["data"]
        if fields["offset"] != self.have or self.have + len(data) > self.size:
            raise wire.WireError("this piece was not asked for")
        try:
            self.file.write(data)
        except OSError as error:
            raise DownloadFailed(error.strerror) from None
        self.hash.update(data)
        self.have += len(data)

    def finish(self, fields):
        """That was all: give the file its name, and return where it is. Raises DownloadFailed."""
        if self.have != self.size or self.hash.hexdigest() != wire.text_of(fields, "sha256"):
            raise DownloadFailed("it arrived damaged")
        try:
            self.file.close()
            path = names.free_path(self.folder, self.safe_name)
            os.replace(self.part, path)
        except OSError as error:
            raise DownloadFailed(error.strerror) from None
        return path

    def discard(self):
        """Leave nothing behind."""
        self.file.close()
        if os.path.exists(self.part):
            os.remove(self.part)
