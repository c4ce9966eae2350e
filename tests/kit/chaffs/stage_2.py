# ruff: noqa: E501 (what stands in a stage is quoted as it stands there)
"""What goes wrong in stage 2: the roster, names, who comes and who goes."""

from tests.kit.chaffs import chaff

TELLS_LEFT = '    broadcast(client, "L", name=client.name)\n'

CHAFFS = [
    chaff(
        "roster-without-oneself", "2.1", "the newcomer is not in its own roster",
        ("room.py", "clients[: clients.index(client) + 1]]", "clients[: clients.index(client)]]"),
    ),
    chaff(
        "roster-in-another-order", "2.1", "the roster is sorted by name",
        ("room.py", "        return [each.name for each in clients[: clients.index(client) + 1]]", "        return sorted(each.name for each in clients[: clients.index(client) + 1])"),
    ),
    chaff(
        "roster-of-all-who-are-in", "2.1", "the whole list, with those who came after the newcomer",
        ("room.py", "clients[: clients.index(client) + 1]]", "clients]"),
    ),
    chaff(
        "newcomer-first", "2.1", "the newcomer is put in front of the list",
        ("room.py", "        clients.append(client)\n", "        clients.insert(0, client)\n"),
    ),
    chaff(
        "rosters-unannounced", "2.1", "forgets to name the feature",
        ("wire.py", 'FEATURES = ["roster"]', "FEATURES = []"),
    ),
    chaff(
        "no-roster", "2.1", "welcomes without the roster",
        ("server.py", "roster=roster", "roster=[]"),
    ),
    chaff(
        "second-replaces-the-first", "2.2", "a dictionary by name: who takes a name in use throws out its owner",
        ("room.py", '            raise NameRefused("this name is taken")\n', "            clients[:] = [each for each in clients if each.name.casefold() != client.name.casefold()]\n"),
    ),
    chaff(
        "looks-before-it-locks", "2.2", "looks whether a name is free, and takes it later",
        ("room.py", "    with lock:\n        if client.name.casefold()", "    if True:\n        if client.name.casefold()"),
        ("room.py", "        clients.append(client)\n", "        with lock:\n            clients.append(client)\n"),
    ),
    chaff(
        "two-of-one-name", "2.2", "does not look at all",
        ("room.py", "if client.name.casefold() in [each.name.casefold() for each in clients]:", "if False:"),
    ),
    chaff(
        "large-and-small-letters", "2.2", "Sravya and sravya are two",
        ("room.py", "client.name.casefold() in [each.name.casefold() for each", "client.name in [each.name for each"),
    ),
    chaff(
        "empty-names", "2.2", "takes a name of blanks",
        ("room.py", "    if not name.strip():\n", "    if False:\n"),
    ),
    chaff(
        "endless-names", "2.2", "takes a name of any length",
        ("room.py", "if len(name) > MAX_NAME:", "if len(name) > MAX_NAME * 1000:"),
    ),
    chaff(
        "names-measured-in-bytes", "2.2", "counts a name's bytes, so that 17 letters of Cyrillic are too many",
        ("room.py", "if len(name) > MAX_NAME:", "if len(name.encode()) > MAX_NAME:"),
    ),
    chaff(
        "names-with-escapes", "2.2", "takes a name that moves the cursor",
        ("room.py", "if wire.printable(name) != name:", "if False:"),
    ),
    chaff(
        "refused-is-hung-up-on", "2.2", "a refused name ends the connection",
        ("server.py", '            refuse(client, "name-refused", str(refused))\n', '            refuse(client, "name-refused", str(refused))\n            return False\n'),
    ),
    chaff(
        "refused-without-a-reason", "2.2", "says no, but not why",
        ("server.py", 'refuse(client, "name-refused", str(refused))', 'refuse(client, "name-refused", "")'),
    ),
    chaff(
        "refused-for-good", "2.2", "the code says that the connection ends, though another name is welcome",
        ("server.py", 'refuse(client, "name-refused"', 'refuse(client, "refused"'),
    ),
    chaff(
        "told-also-those-who-came-after", "2.3", "tells everybody else: who came after has the newcomer in its roster already",
        ("server.py", 'room.tell_earlier(client, "J"', 'room.broadcast(client, "J"'),
    ),
    chaff(
        "told-of-oneself", "2.3", "the newcomer is told that it has joined",
        ("room.py", "        earlier = clients[: clients.index(client)]\n", "        earlier = clients[: clients.index(client) + 1]\n"),
    ),
    chaff(
        "only-the-first-is-told", "2.3", "tells the one who came first, and nobody else",
        ("room.py", "        earlier = clients[: clients.index(client)]\n", "        earlier = clients[: clients.index(client)][:1]\n"),
    ),
    chaff(
        "nobody-is-told-who-comes", "2.3", "forgets the others",
        ("server.py", '    room.tell_earlier(client, "J", name=client.name)\n', ""),
    ),
    chaff(
        "told-twice-who-comes", "2.3", "both the welcome and the thread tell it",
        ("server.py", '    room.tell_earlier(client, "J", name=client.name)\n', '    room.tell_earlier(client, "J", name=client.name)\n    room.tell_earlier(client, "J", name=client.name)\n'),
    ),
    chaff(
        "notices-for-those-who-know-none", "2.3", "sends joined to a client of stage 1",
        ("wire.py", 'NEEDS = {"J": "roster", "L": "roster"}', "NEEDS = {}"),
    ),
    chaff(
        "nobody-is-told-who-goes", "2.4", "forgets the others",
        ("room.py", TELLS_LEFT, ""),
    ),
    chaff(
        "told-under-the-lock", "2.4", "tells who has gone while it holds the lock that telling takes: deadlock",
        ("room.py", TELLS_LEFT, '        broadcast(client, "L", name=client.name)\n'),
    ),
    chaff(
        "who-never-came-goes", "2.4", "also tells of those who never joined",
        ("room.py", "            return\n        clients.remove(client)\n", "            pass\n        else:\n            clients.remove(client)\n"),
    ),
    chaff(
        "told-twice-who-goes", "2.4", "both at the end of the conversation and when the client is removed",
        ("server.py", "        if kind is None:\n            return\n", '        if kind is None:\n            room.broadcast(client, "L", name=client.name)\n            return\n'),
    ),
    chaff(
        "told-only-of-the-polite", "2.4", "nobody is told of one whose connection was reset",
        ("server.py", "    except OSError:\n        pass  # the connection broke\n", "    except OSError:\n        room.clients.remove(client)\n"),
    ),
    chaff(
        "numbers-from-0", "2.5", "Client 0 is the first",
        ("client.py", "enumerate(roster, start=1)", "enumerate(roster)"),
    ),
    chaff(
        "no-total", "2.5", "does not say how many there are",
        ("client.py", '            self.show(f"Total No of Clients: {len(roster)}")\n', "            pass\n"),
    ),
    chaff(
        "other-words-for-joined", "2.5", "has joined instead of joined",
        ("client.py", "joined the chat!", "has joined the chat!"),
    ),
    chaff(
        "no-exit-notice", "2.5", "shows who comes, but not who goes",
        ("client.py", "            self.show(f\"{wire.text_of(fields, 'name')} exited the chat\")\n", "            pass\n"),
    ),
    chaff(
        "counts-on-a-roster", "2.5", "crashes at a server that has none",
        ("client.py", 'fields.get("roster") or []', 'fields["roster"]'),
    ),
    chaff(
        "free-only-after-a-polite-end", "2.4", "keeps names in a set of its own, and forgets it where a connection breaks",
        ("room.py", '        if client.name.casefold() in [each.name.casefold() for each in clients]:\n            raise NameRefused("this name is taken")\n',
         '        if client.name.casefold() in taken:\n            raise NameRefused("this name is taken")\n        taken.add(client.name.casefold())\n'),
        ("room.py", "lock = threading.Lock()", "taken = set()\nlock = threading.Lock()"),
        ("server.py", "        if kind is None:\n            return\n", "        if kind is None:\n            room.taken.discard(client.name.casefold())\n            return\n"),
    ),
]  # fmt: skip
