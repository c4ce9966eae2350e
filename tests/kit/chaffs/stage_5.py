# ruff: noqa: E501 (what stands in a stage is quoted as it stands there)
"""What goes wrong in stage 5: goodbyes, accidents, silence, and threads that never end."""

from tests.kit.chaffs import chaff

SAYS_BYE = '            if "bye" in self.features:\n                self.connection.send("B")\n'
PINGS = '            asked = "ping" in client.features\n'

CHAFFS = [
    chaff("no-bye", "5.1", "leaves without a word", ("client.py", SAYS_BYE, "")),
    chaff(
        "bye-to-everyone", "5.1", "says bye to a server that does not know the word",
        ("client.py", SAYS_BYE, '            self.connection.send("B")\n'),
    ),
    chaff(
        "bye-and-no-end", "5.1", "says bye, but keeps its direction open while it waits",
        ("client.py", "            self.connection.sock.shutdown(socket.SHUT_WR)\n", ""),
        ("client.py", "self.over.wait(3)", "self.over.wait(30)"),
    ),
    chaff(
        "q-is-a-text", "5.1", "sends !q to the others",
        ("client.py", 'if line.strip() == "!q":', 'if line.strip() == "!quit":'),
    ),
    chaff(
        "ctrl-c-without-bye", "5.1", "only the end of the input says goodbye",
        ("client.py", "        except (EOFError, KeyboardInterrupt):\n            self.leave()\n", "        except EOFError:\n            self.leave()\n"),
    ),
    chaff(
        "ctrl-d-without-bye", "5.1", "only Ctrl-C says goodbye",
        ("client.py", "        except (EOFError, KeyboardInterrupt):\n            self.leave()\n", "        except KeyboardInterrupt:\n            self.leave()\n"),
    ),
    chaff(
        "sigterm-without-bye", "5.1", "a client told to end just ends",
        ("client.py", "        signal.signal(signal.SIGTERM, signal.default_int_handler)\n", ""),
    ),
    chaff("no-last-word", "5.1", "does not say that it has left", ("client.py", '        self.show("Disconnected")\n', "")),
    chaff(
        "waits-for-ever", "5.1", "waits for a server that never lets go",
        ("client.py", "self.over.wait(3)", "self.over.wait()"),
    ),
    chaff(
        "hangs-up-on-what-comes", "5.1", "closes both directions at once: what was on its way is lost",
        ("client.py", "self.connection.sock.shutdown(socket.SHUT_WR)", "self.connection.end()"),
    ),
    chaff(
        "leaves-with-an-error", "5.1", "takes the end that it asked for for an accident",
        ("client.py", "        if self.leaving:\n            return\n", ""),
        ("client.py", "            if not self.leaving:\n                self.show", "            if self.leaving:\n                status = 1\n            else:\n                self.show"),
    ),
    chaff(
        "every-end-is-a-goodbye", "5.2", "a broken connection is shown as a closed chat",
        ("client.py", 'if "bye" in self.features and not self.heard_bye and not self.leaving:', "if False:"),
        ("client.py", 'self.show(f"Connection lost: {error}")', 'self.show("The server has closed the chat")'),
    ),
    chaff(
        "bye-is-not-heard", "5.2", "takes a goodbye for an accident",
        ("client.py", "            self.heard_bye = True\n", "            pass\n"),
    ),
    chaff(
        "an-old-server-is-an-accident", "5.2", "waits for a goodbye from a server that does not know it",
        ("client.py", 'if "bye" in self.features and not self.heard_bye', "if not self.heard_bye"),
    ),
    chaff(
        "bye-is-not-believed", "5.3", "a goodbye is ignored, so that everyone is lost",
        ("server.py", "            client.said_bye = True\n            return\n", "            return\n"),
    ),
    chaff(
        "bye-does-not-end", "5.3", "after bye it goes on reading",
        ("server.py", "            client.said_bye = True\n            return\n", "            client.said_bye = True\n            continue\n"),
    ),
    chaff(
        "everyone-is-polite", "5.3", "a lost connection is shown as a goodbye",
        ("server.py", 'polite = client.said_bye or "bye" not in client.features', "polite = True"),
    ),
    chaff(
        "old-clients-are-blamed", "5.3", "who cannot say goodbye is shown as lost",
        ("server.py", 'polite = client.said_bye or "bye" not in client.features', "polite = client.said_bye"),
    ),
    chaff(
        "shown-for-who-never-joined", "5.3", "also shows that one is lost who never came in",
        ("server.py", "        if client in room.clients:\n", "        if True:\n"),
    ),
    chaff(
        "no-bye-at-the-end", "5.4", "ends without telling anybody",
        ("room.py", '    send_to(everyone, "B")\n', ""),
    ),
    chaff(
        "bye-to-those-who-know-none", "5.4", "says bye to clients of the stages before",
        ("wire.py", '"O": "files", "B": "bye",', '"O": "files",'),
    ),
    chaff(
        "everyone-is-told-of-everyone", "5.4", "while it ends, it tells each of the others' going",
        ("room.py", "        clients.clear()  # so that nobody is told of the others' going\n", "        pass\n"),
    ),
    chaff(
        "close-without-shutdown", "5.4", "close alone does not wake a thread that waits in recv",
        ("room.py", "        client.connection.end()\n", "        client.connection.sock.close()\n"),
    ),
    chaff(
        "waits-for-threads-that-never-end", "5.4", "waits for each thread, without waking it",
        ("room.py", "        client.connection.end()\n", "        pass\n"),
        ("room.py", "            thread.join(timeout=3)\n", "            thread.join()\n"),
    ),
    chaff(
        "forgets-those-who-have-not-joined", "5.4", "waits for the thread of one who never joined",
        ("room.py", "    everyone = list(connected)\n", "    everyone = [each for each in connected if each.name]\n"),
        ("room.py", "            thread.join(timeout=3)\n", "            thread.join()\n"),
    ),
    chaff(
        "never-asks", "5.5", "a silent client is never asked",
        ("server.py", '            room.send_to([client], "P")\n', ""),
    ),
    chaff(
        "gives-nobody-up", "5.5", "asks, and waits for ever for the answer",
        ("server.py", "            if asked:\n                raise\n", ""),
    ),
    chaff(
        "gives-up-who-cannot-answer", "5.5", "also expects an answer of those who never heard of ping",
        ("server.py", PINGS, "            asked = True\n"),
    ),
    chaff(
        "ping-to-everyone", "5.5", "asks also those who never heard of ping",
        ("wire.py", '"B": "bye", "P": "ping"}', '"B": "bye"}'),
    ),
    chaff(
        "no-answer-to-a-ping", "5.5", "a client that does not answer",
        ("client.py", '            self.connection.send("Q")\n', "            pass\n"),
    ),
    chaff(
        "answers-only-once", "5.5", "answers the first ping alone",
        ("client.py", '            self.connection.send("Q")\n', '            self.connection.send("Q")\n            self.connection.send = lambda *_, **__: None\n'),
    ),
    chaff(
        "shows-the-ping", "5.5", "shows a person what is for programs",
        ("client.py", '            self.connection.send("Q")\n', '            self.connection.send("Q")\n            self.show("ping")\n'),
    ),
    chaff(
        "any-line-that-begins-with-q", "5.1", "leaves when somebody says !quit",
        ("client.py", 'if line.strip() == "!q":', 'if line.startswith("!q"):'),
    ),
    chaff(
        "half-a-frame-is-lost", "5.5", "a timeout around the whole of receive: what had come of a frame is forgotten",
        ("server.py", '    """Handle what a client sends, until it goes."""\n', '    """Handle what a client sends, until it goes."""\n    asked = False\n    client.connection.sock.settimeout(PATIENCE)\n'),
        ("server.py", "        wait_for(client)\n        kind, fields = client.connection.receive()\n",
         '        try:\n            kind, fields = client.connection.receive()\n            asked = False\n        except TimeoutError:\n            if asked:\n                raise\n            asked = "ping" in client.features\n            room.send_to([client], "P")\n            continue\n'),
    ),
]  # fmt: skip
