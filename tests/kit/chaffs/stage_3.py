# ruff: noqa: E501 (what stands in a stage is quoted as it stands there)
"""What goes wrong in stage 3: bytes on the wire, pieces and offsets, and names that nobody may trust."""

from tests.kit.chaffs import chaff

OFFER_TO_OTHERS = '    room.broadcast(file.sender, "O", **sender, id=file.id, name=file.name, size=file.size)\n'
ASK_FIRST = '        client.connection.send("G", id=file.id, offset=0, size=wire.CHUNK)\n'
ASK_NEXT = '    client.connection.send("G", id=file.id, offset=file.have, size=wire.CHUNK)\n'

CHAFFS = [
    chaff(
        "offset-little-endian", "3.1", "the offset in the machine's own byte order",
        ("wire.py", 'struct.pack(">Q"', 'struct.pack("<Q"'), ("wire.py", 'body[16:24], "big"', 'body[16:24], "little"'),
    ),
    chaff(
        "bytes-as-text", "3.1", "decodes the bytes of a file, and encodes them again",
        ("wire.py", '"data": body[24:]', '"data": body[24:].decode(errors="replace").encode()'),
    ),
    chaff(
        "strips-the-bytes", "3.1", "strips line ends from a file's bytes",
        ("wire.py", '"data": body[24:]', '"data": body[24:].rstrip(b"\\r\\n\\0")'),
    ),
    chaff(
        "empty-pieces", "3.1", "takes a piece without bytes",
        ("wire.py", "if len(body) <= 24:", "if len(body) < 24:"),
    ),
    chaff(
        "negative-sizes", "3.1", "takes a size below nothing",
        ("wire.py", "type(value) is not int or value < 0", "type(value) is not int"),
    ),
    chaff(
        "half-bytes", "3.1", "takes half a byte for a size",
        ("wire.py", "type(value) is not int or value < 0", "type(value) not in (int, float) or value < 0"),
    ),
    chaff(
        "files-unannounced", "3.1", "forgets to name the feature",
        ("wire.py", 'FEATURES = ["roster", "files"]', 'FEATURES = ["roster"]'),
    ),
    chaff(
        "any-id", "3.1", "takes whatever stands there for an id",
        ("wire.py", "if len(value) != 32 or not", "if not"),
    ),
    chaff(
        "from-the-beginning-by-default", "3.1", "a question without an offset is one from the beginning",
        ("spool.py", 'offset, size = wire.number_of(fields, "offset"), ', 'offset, size = fields.get("offset", 0), '),
    ),
    chaff(
        "tells-the-folder", "3.2", "the whole path travels",
        ("files.py", "os.path.basename(path)", "path"),
    ),
    chaff(
        "reads-on-and-on", "3.2", "answers with what comes next in the file, whatever was asked for",
        ("files.py", "            self.file.seek(offset)\n", ""),
    ),
    chaff(
        "more-than-asked-for", "3.2", "answers with the rest of the file",
        ("files.py", "min(size, wire.MAX_CHUNK, self.size - offset)", "self.size - offset"),
    ),
    chaff(
        "hash-of-the-rest", "3.2", "hashes from wherever the file stands",
        ("files.py", "            self.file.seek(0)\n", ""),
    ),
    chaff(
        "sent-before-stored", "3.2", "says that it is sent when it is only offered",
        ("files.py", '            self.chat.show("File Successfully sent")\n', ""),
        ("files.py", '            self.connection.send("O", id=file_id, name=upload.name, size=upload.size)\n',
         '            self.connection.send("O", id=file_id, name=upload.name, size=upload.size)\n            self.chat.show("File Successfully sent")\n'),
    ),
    chaff(
        "one-id-for-one-name", "3.2", "an id made of the name: a second file of this name is refused",
        ("files.py", "os.urandom(16).hex()", "hashlib.md5(upload.name.encode()).hexdigest()"),
    ),
    chaff(
        "splits-at-blanks", "3.2", "a path ends at its first blank, quotes or not",
        ("files.py", "_, path = shlex.split(line)", "_, path = line.split()"),
    ),
    chaff(
        "no-such-file-is-a-crash", "3.2", "does not expect that a file cannot be opened",
        ("files.py", "        except OSError as error:\n            self.chat.show(f\"Cannot send", "        except KeyError as error:\n            self.chat.show(f\"Cannot send"),
    ),
    chaff(
        "offers-to-who-cannot", "3.2", "offers a file to a server that takes none",
        ("client.py", 'if "files" in self.features:', "if True:"),
    ),
    chaff(
        "silent-when-called-off", "3.2", "does not say that a file was called off",
        ("files.py", '            self.chat.show(f"{(upload or download).name} was called off: {reason}")\n', "            pass\n"),
    ),
    chaff(
        "counts-characters", "3.2", "the size of a file is the length of its name",
        ("files.py", "os.fstat(self.file.fileno()).st_size", "len(self.file.readline())"),
    ),
    chaff(
        "never-asks-again", "3.3", "asks for the first piece, and never for the next",
        ("spool.py", ASK_NEXT, ""),
    ),
    chaff(
        "asks-from-the-start", "3.3", "asks for the same piece again and again",
        ("spool.py", "offset=file.have, size", "offset=0, size"),
    ),
    chaff(
        "asks-for-too-much", "3.3", "asks for a megabyte at once",
        ("wire.py", "CHUNK = 16 * 1024 ", "CHUNK = 1024 * 1024 "),
    ),
    chaff(
        "believes-the-hash", "3.3", "does not compare the hash",
        ("spool.py", 'file.have != file.size or file.hash.hexdigest() != wire.text_of(fields, "sha256")', "file.have != file.size"),
    ),
    chaff(
        "believes-the-size", "3.3", "does not look whether all of it has come",
        ("spool.py", "file.have != file.size or file.hash", "file.hash"),
    ),
    chaff(
        "takes-any-piece", "3.3", "appends whatever comes, from whatever offset",
        ("spool.py", 'if fields["offset"] != file.have or file.have', "if file.have"),
    ),
    chaff(
        "takes-too-much", "3.3", "takes more bytes than the file was to have",
        ("spool.py", 'if fields["offset"] != file.have or file.have + len(data) > file.size:', 'if fields["offset"] != file.have:'),
    ),
    chaff(
        "anybody-fills-it", "3.3", "takes a file's bytes from anybody",
        ("spool.py", "file if file and file.sender is client and not file.whole", "file if file and not file.whole"),
    ),
    chaff(
        "second-takes-the-id", "3.3", "a second offer with an id in use replaces the first",
        ("spool.py", "        taken = file.id in files\n", "        taken = False\n"),
    ),
    chaff(
        "any-size", "3.3", "takes a file larger than its disk",
        ("spool.py", "MAX_FILE = 2**30", "MAX_FILE = 2**60"),
    ),
    chaff(
        "offered-before-it-is-there", "3.3", "tells the others when the file is offered, not when it is whole",
        ("spool.py", "    if taken:\n", "    offer_to_others(file)\n    if taken:\n"),
        ("server.py", "            spool.offer_to_others(file)\n", ""),
    ),
    chaff(
        "never-says-stored", "3.3", "does not tell the sender",
        ("spool.py", '    client.connection.send("S", id=file.id)\n', ""),
    ),
    chaff(
        "waits-for-the-file", "3.3", "reads on until the file is there: what else its sender says goes lost",
        ("server.py", "        spool.offered(client, fields)\n",
         "        spool.offered(client, fields)\n        while kind not in (None, \"E\"):\n            kind, fields = client.connection.receive()\n            if kind == \"D\":\n                spool.arrived(client, fields)\n        if kind == \"E\" and (file := spool.ended(client, fields)):\n            show(f\"Received {file.name} ({file.size} bytes)\")\n            spool.offer_to_others(file)\n"),
    ),
    chaff(
        "ignores-calling-off", "3.3", "goes on as if nothing had been said: a file that is not called off is damaged",
        ("server.py", "        spool.called_off(client, fields)\n", '        raise wire.WireError("never heard of that")\n'),
    ),
    chaff(
        "offers-to-the-sender", "3.4", "the sender is offered its own file",
        ("spool.py", "room.broadcast(file.sender, ", "room.broadcast(None, "),
    ),
    chaff(
        "offers-to-everyone", "3.4", "offers a file to clients that never heard of files",
        ("wire.py", '"L": "roster", "O": "files"}', '"L": "roster"}'),
    ),
    chaff(
        "one-position-for-all", "3.4", "two threads move the same file's position",
        ("spool.py", "        with file.lock:\n            file.store.seek(offset)\n            data =", "        if True:\n            file.store.seek(offset)\n            data ="),
    ),
    chaff(
        "always-from-where-it-stands", "3.4", "does not go where the receiver asks",
        ("spool.py", "            file.store.seek(offset)\n            data =", "            data ="),
    ),
    chaff(
        "unknown-file-is-a-crash", "3.4", "a question for a file it does not have ends the connection with a traceback",
        ("spool.py", "    file = files.get(wire.id_of(fields))\n    offset", "    file = files[wire.id_of(fields)]\n    offset"),
    ),
    chaff(
        "hash-of-nothing", "3.4", "a hash of no bytes at the end",
        ("spool.py", '"E", id=file.id, sha256=file.hash.hexdigest()', '"E", id=file.id, sha256=hashlib.sha256().hexdigest()'),
    ),
    chaff(
        "pushes-the-file", "3.4", "sends the first piece unasked",
        ("spool.py", OFFER_TO_OTHERS, OFFER_TO_OTHERS + '    room.broadcast(file.sender, "D", id=file.id, offset=0, data=b"x" * 10)\n'),
    ),
    chaff(
        "first-piece-only", "3.5", "keeps the first piece, and never asks for the next",
        ("files.py", '                self.connection.send("G", id=download.id, offset=download.have, size=wire.CHUNK)\n', ""),
    ),
    chaff(
        "keeps-what-is-damaged", "3.5", "does not compare the hash",
        ("files.py", 'self.have != self.size or self.hash.hexdigest() != wire.text_of(fields, "sha256")', "self.have != self.size"),
    ),
    chaff(
        "keeps-what-is-too-short", "3.5", "does not look whether all of it has come",
        ("files.py", "if self.have != self.size or self.hash", "if self.hash"),
    ),
    chaff(
        "leaves-the-part", "3.5", "leaves half a file in the folder",
        ("files.py", "            download.discard()\n", "            pass\n"),
    ),
    chaff(
        "under-its-name-at-once", "3.5", "writes under the file's own name, and half of it stays",
        ("files.py", 'f"{self.safe_name}.{self.id[:8]}.part"', "self.safe_name"),
        ("files.py", "        if os.path.exists(self.part):\n            os.remove(self.part)\n", ""),
    ),
    chaff(
        "into-the-folder-of-the-program", "3.5", "saves beside the program",
        ("files.py", 'os.path.join("downloads", names.safe_name(self.chat.name))', '"."'),
    ),
    chaff(
        "one-file-at-a-time", "3.5", "one variable for the file that comes in: two at once mix",
        ("files.py", "        download = self.downloads.get(fields[\"id\"])\n", "        download = list(self.downloads.values())[-1] if self.downloads else None\n"),
    ),
    chaff(
        "closed-too-late", "3.5", "the last bytes are still in the buffer when the file gets its name",
        ("files.py", "            self.file.close()\n            path = names", "            path = names"),
    ),
    chaff(
        "the-name-as-a-path", "3.6", "open(name) with whatever the sender calls it",
        ("names.py", '    name = name.replace("\\\\", "/").split("/")[-1]\n', "    return name\n"),
    ),
    chaff(
        "only-slashes", "3.6", "takes backslashes for letters",
        ("names.py", 'name.replace("\\\\", "/").split("/")[-1]', 'name.split("/")[-1]'),
    ),
    chaff(
        "dots-in-front", "3.6", "hidden files, and the folder above",
        ("names.py", '    name = name.strip(". ")', '    name = name.strip(" ")'),
    ),
    chaff(
        "escapes-in-names", "3.6", "keeps what cannot be shown",
        ("names.py", "each if each.isprintable() and each not in", "each if each not in"),
    ),
    chaff(
        "names-of-any-length", "3.6", "longer than any folder takes",
        ("names.py", "MAX_NAME = 150", "MAX_NAME = 100_000"),
    ),
    chaff(
        "length-in-characters-of-names", "3.6", "cuts a name by its characters, where folders count bytes",
        ("names.py", "stem.encode()[: MAX_NAME - len(ending.encode())].decode(errors=\"ignore\")", "stem[: MAX_NAME - len(ending)]"),
        ("names.py", '(stem + ending).encode()[:MAX_NAME].decode(errors="ignore")', "(stem + ending)[:MAX_NAME]"),
    ),
    chaff(
        "devices", "3.6", "CON.txt is a device on Windows",
        ("names.py", "in DEVICES:", "in ():"),
    ),
    chaff(
        "no-name-at-all", "3.6", "a name of which nothing is left",
        ("names.py", '    return name or "file"\n', "    return name\n"),
    ),
    chaff(
        "overwrites", "3.6", "a second file of the same name replaces the first",
        ("names.py", '            open(path, "xb").close()', '            open(path, "ab").close()'),
    ),
    chaff(
        "follows-links", "3.6", "looks whether a file exists, and a link to nowhere does not",
        ("names.py", '            open(path, "xb").close()', '            if os.path.exists(path):\n                raise FileExistsError\n            open(path, "wb").close()'),
    ),
    chaff(
        "any-line-that-begins-with-send", "3.2", "takes a text that begins with !sender for a command",
        ("client.py", 'if line.split()[0] == "!send":', 'if line.startswith("!send"):'),
    ),
    chaff(
        "anybody-ends-it", "3.3", "believes the end of a file of anybody",
        ("spool.py", "    file = file_from(client, fields)\n    if file is None:\n        return None\n", "    file = files.get(wire.id_of(fields))\n    if file is None:\n        return None\n"),
    ),
    chaff(
        "anybody-calls-it-off", "3.3", "drops a file when anybody calls it off",
        ("spool.py", "    file = file_from(client, fields)\n    if file is not None:\n", "    file = files.get(wire.id_of(fields))\n    if file is not None:\n"),
    ),
    chaff(
        "hands-out-halves", "3.3", "hands out a file that is not whole",
        ("spool.py", "if file is None or not file.whole:", "if file is None:"),
    ),
    chaff(
        "from-whom-the-offer-says", "3.4", "believes an offer's own word about whom it is from",
        ("spool.py", "        self.sender = sender\n", '        self.sender = sender\n        self.said = fields.get("from") or sender.name\n'),
        ("spool.py", '{"from": file.sender.name}', '{"from": file.said}'),
    ),
    chaff(
        "a-piece-of-any-size", "3.4", "hands out as much at once as somebody asks for",
        ("spool.py", "file.store.read(min(size, wire.MAX_CHUNK))", "file.store.read(size)"),
    ),
]  # fmt: skip
