# ruff: noqa: E501 (what stands in a stage is quoted as it stands there)
"""What goes wrong in stage 1: frames, threads, sending to all the others."""

from tests.kit.chaffs import chaff

CHAFFS = [
    chaff(
        "one-recv-for-the-body", "1.2", "a header, then a body read by one recv",
        ("wire.py", "frame = receive_exactly(sock, length)", "frame = sock.recv(length) or None"),
    ),
    chaff(
        "one-recv-for-the-head", "1.2", "the four bytes of length read by one recv",
        ("wire.py", "head = receive_exactly(sock, 4)", "head = sock.recv(4) or None"),
    ),
    chaff(
        "recv-takes-more", "1.2", "reads on in blocks of 4096, and so into the next frame",
        ("wire.py", "sock.recv(size - len(data))", "sock.recv(4096)"),
    ),
    chaff(
        "one-recv-is-one-message", "1.1", "one recv(65536) taken as one message",
        ("wire.py", "    head = receive_exactly(sock, 4)\n", "    stream = sock.recv(65536)\n    head = stream[:4] or None\n"),
        ("wire.py", "    frame = receive_exactly(sock, length)\n", "    frame = stream[4:]\n"),
    ),
    chaff(
        "no-end-of-stream", "1.2", "an empty recv is not taken as the end, so the loop never ends",
        ("wire.py", "        if not piece:\n            return None\n", ""),
    ),
    chaff(
        "decodes-each-piece", "1.2", "each recv decoded by itself, so that a letter split over two is lost",
        ("wire.py", "data += piece\n", "data += piece.decode(errors='replace').encode()\n"),
    ),
    chaff(
        "little-endian", "1.1", "the length in the machine's own byte order",
        ("wire.py", 'struct.pack(">I"', 'struct.pack("<I"'), ("wire.py", 'struct.unpack(">I"', 'struct.unpack("<I"'),
    ),
    chaff(
        "length-without-kind", "1.1", "the length counts the body alone",
        ("wire.py", "1 + len(body)", "len(body)"),
        ("wire.py", "frame = receive_exactly(sock, length)", "frame = receive_exactly(sock, length + 1)"),
    ),
    chaff(
        "length-in-characters", "1.1", "the length counts characters, not bytes",
        ("wire.py", "body = json.dumps(fields).encode()", "text = json.dumps(fields, ensure_ascii=False)\n    body = text.encode()"),
        ("wire.py", "1 + len(body)", "1 + len(text)"),
    ),
    chaff(
        "only-ascii", "1.1", "texts encoded as ASCII",
        ("wire.py", "json.dumps(fields).encode()", "json.dumps(fields, ensure_ascii=False).encode('ascii', 'replace')"),
    ),
    chaff(
        "no-limit", "1.1", "believes any length",
        ("wire.py", "if not 1 <= length <= MAX_FRAME:", "if length < 1:"),
    ),
    chaff(
        "bad-json-is-a-crash", "1.1", "a frame that is no JSON ends the thread with a traceback",
        ("wire.py", "except (ValueError, RecursionError):", "except KeyError:"),
    ),
    chaff(
        "texts-of-512-bytes", "1.1", "a fixed buffer of 512 bytes for a text",
        ("wire.py", "MAX_TEXT = 4096", "MAX_TEXT = 512"),
    ),
    chaff(
        "unknown-frame-is-an-error", "1.1", "a kind of frame nobody knows ends the connection",
        ("server.py", '    if kind == "T":', '    if kind != "T":\n        raise wire.WireError("what is that?")\n    if kind == "T":'),
    ),
    chaff(
        "kind-decoded-as-text", "1.1", "takes any byte of kind for text: one that is none ends the thread",
        ("wire.py", 'frame[:1].decode("latin-1")', "frame[:1].decode()"),
    ),
    chaff(
        "serves-in-the-accept-loop", "1.3", "no thread at all: one client at a time",
        ("server.py", "threading.Thread(target=serve, args=[client], daemon=True).start()", "serve(client)"),
    ),
    chaff(
        "calls-the-target", "1.3", "target=serve(client) calls it, instead of giving it to the thread",
        ("server.py", "target=serve, args=[client], daemon=True", "target=serve(client), daemon=True"),
    ),
    chaff(
        "hello-in-the-accept-loop", "1.3", "waits for a name before it starts the thread",
        ("server.py", "        threading.Thread(", "        client.connection.sock.recv(1, socket.MSG_PEEK)\n        threading.Thread("),
    ),
    chaff(
        "threads-that-keep-the-server", "1.3", "no daemon threads, and nobody ends them",
        ("server.py", ", daemon=True", ""),
    ),
    chaff(
        "threads-never-end", "1.3", "the thread goes on after its client has gone",
        ("server.py", "        client.connection.sock.close()\n", "        client.connection.sock.close()\n        threading.Event().wait()\n"),
    ),
    chaff(
        "ten-at-most", "1.3", "a listener that hands the eleventh client to nobody",
        ("server.py", "        client = Client(sock)\n", "        if len(room.clients) >= 10:\n            continue\n        client = Client(sock)\n"),
    ),
    chaff(
        "port-in-use-is-a-traceback", "1.3", "no except around bind",
        ("server.py", "    except (OSError, UnicodeError) as error:", "    except UnicodeError as error:"),
    ),
    chaff(
        "echo", "1.4", "sends to everyone, the sender too",
        ("room.py", "[client for client in clients if client is not sender]", "list(clients)"),
    ),
    chaff(
        "only-the-first", "1.4", "a return inside the loop: only the first one gets it",
        ("room.py", "                client.connection.send(kind, **fields)\n", "                client.connection.send(kind, **fields)\n                return\n"),
    ),
    chaff(
        "send-for-sendall", "1.4", "send takes a part, and the rest is lost",
        ("wire.py", "self.sock.sendall(", "self.sock.send("),
    ),
    chaff(
        "no-lock-on-the-socket", "1.4", "two threads write to one socket at the same time",
        ("wire.py", "        with self.lock:\n", "        if True:\n"),
    ),
    chaff(
        "lock-held-while-sending", "1.4", "keeps the room's lock while it sends: one stuck client closes the door",
        ("room.py", "    send_to(others, kind, **fields)\n", "        send_to(others, kind, **fields)\n"),
    ),
    chaff(
        "one-broken-ends-the-round", "1.4", "a broken connection ends the loop: those behind it get nothing",
        ("room.py", "                pass  #", "                return  #"),
    ),
    chaff(
        "broken-pipe-kills-the-sender", "1.4", "no except around send: the speaker's own thread ends",
        ("room.py", "            except OSError:\n", "            except KeyError:\n"),
    ),
    chaff(
        "list-changed-while-looped-over", "1.4", "loops over the list itself, which others change meanwhile",
        ("room.py", "        others = [client for client in clients if client is not sender]\n    send_to(others, kind, **fields)\n",
         "        pass\n    for each in clients:\n        if each is not sender:\n            send_to([each], kind, **fields)\n"),
    ),
    chaff(
        "from-the-last-who-came", "1.4", "one variable for the name: everything seems to be said by the last who joined",
        ("server.py", '**{"from": client.name, "text": text}', '**{"from": room.clients[-1].name, "text": text}'),
    ),
    chaff(
        "nobody-is-removed", "1.5", "clients that have gone stay in the list",
        ("room.py", "        clients.remove(client)\n", "        pass\n"),
    ),
    chaff(
        "removes-the-first", "1.5", "removes whoever is first in the list",
        ("room.py", "        clients.remove(client)\n", "        clients.pop(0)\n"),
    ),
    chaff(
        "removed-only-when-polite", "1.5", "a connection that is reset leaves its client in the list",
        ("server.py", "            converse(client)\n", "            converse(client)\n            room.remove(client)\n"),
        ("server.py", "    finally:\n        room.remove(client)\n", "    finally:\n"),
    ),
    chaff(
        "listens-before-it-reads", "1.6", "calls listen instead of starting a thread: nobody reads what is typed",
        ("client.py", "threading.Thread(target=self.listen, daemon=True).start()", "self.listen()"),
    ),
    chaff(
        "turn-by-turn", "1.6", "one thread: shows a message only after a line was typed",
        ("client.py", "        threading.Thread(target=self.listen, daemon=True).start()\n", ""),
        ("client.py", '        self.connection.send("T", text=line)\n', '        self.connection.send("T", text=line)\n        self.handle(*self.connection.receive())\n'),
    ),
    chaff(
        "empty-lines-are-sent", "1.6", "Enter alone sends an empty text",
        ("client.py", "            elif line.strip():\n", "            else:\n"),
    ),
    chaff(
        "received-commands-are-obeyed", "1.6", "a text that says !q ends whoever receives it",
        ("client.py", '        if kind == "T":\n', '        if fields.get("text") == "!q":\n            self.end(0)\n        if kind == "T":\n'),
    ),
    chaff(
        "escapes-reach-the-terminal", "1.6", "prints what others say as it is, escapes and line breaks too",
        ("client.py", "print(wire.printable(line), flush=True)", "print(line, flush=True)"),
    ),
    chaff(
        "ctrl-d-is-a-traceback", "1.6", "does not expect the end of the input",
        ("client.py", "except (EOFError, KeyboardInterrupt):", "except KeyboardInterrupt:"),
    ),
    chaff(
        "other-words", "1.6", "shows a text as name: text",
        ("client.py", "f\"[{wire.text_of(fields, 'from')}] {", "f\"{wire.text_of(fields, 'from')}: {"),
    ),
    chaff(
        "exit-ends-one-thread", "1.6", "sys.exit in the listening thread ends that thread alone",
        ("client.py", "os._exit(status)", "sys.exit(status)"),
    ),
    chaff(
        "no-reason-for-a-refused-name", "1.6", "asks for another name without saying why",
        ("client.py", '            print(wire.printable(wire.text_of(fields, "reason")))\n', ""),
    ),
    chaff(
        "limit-of-three-gigabytes", "1.1", "three gigabytes are a frame",
        ("wire.py", "MAX_FRAME = 1024 * 1024 ", "MAX_FRAME = 3 * 1024**3 "),
    ),
    chaff(
        "namesakes-do-not-hear-each-other", "1.4", "takes everyone of the sender's name for the sender",
        ("room.py", "if client is not sender]", "if client.name != sender.name]"),
    ),
    chaff(
        "from-whom-the-frame-says", "1.4", "believes a client's own word about who it is",
        ("server.py", '**{"from": client.name, "text": text}', '**{"from": fields.get("from") or client.name, "text": text}'),
    ),
    chaff(
        "a-word-before-what-is-received", "1.4", "a client that says of each line that it is received",
        ("client.py", "self.show(f\"[{wire.text_of(fields, 'from')}]", "self.show(f\"Received: [{wire.text_of(fields, 'from')}]"),
    ),
    chaff(
        "a-word-before-what-is-logged", "1.4", "a server that says of each line that it is its log's",
        ("server.py", 'show(f"[{client.name}] {text}")', 'show(f"LOG: [{client.name}] {text}")'),
    ),
    chaff(
        "removes-all-of-that-name", "1.5", "forgets everyone who has the name of the one who went",
        ("room.py", "        clients.remove(client)\n", "        clients[:] = [each for each in clients if each.name != client.name]\n"),
    ),
]  # fmt: skip
