"""A test as a story: people join, type and see. What fails prints the story so far.

def test_a_text_reaches_everyone_else(chat: Story) -> None:
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    hello = chat.drawn.text()
    sravya.types(hello)
    sanjay.sees(f"[{sravya}] {hello}")
    sravya.never_sees(f"[{sravya}] {hello}")
"""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reference.protocol import Refused, Welcome
from tests.graded.bare import BareClient, BareServer, features, greet, raw_frame
from tests.graded.drawn import Drawn
from tests.graded.implementation import HOST, Implementation, free_port
from tests.graded.machine import crowding
from tests.graded.network import Address, Frames
from tests.graded.outcome import Outcome, run_to_end
from tests.graded.party import Party, Person, Server
from tests.graded.pipes import Pipes
from tests.graded.program import PATIENCE
from tests.graded.report import Footer, Shown, Step, StoryFailure, Unmet, report
from tests.graded.terminal import Terminal
from tests.graded.window import Sitter, listener, prepared

LISTENING = "[SERVER LISTENING]"
HERE = Path(__file__).parent
# Between two looks at what nobody tells us of: a program's threads and its memory.
LOOK_AGAIN = 0.02
# Another program may take the port in the moment between our look and the server's start.
PORTS_TO_TRY = 3


# Bytes; what every network carries (RFC 9293, 3.7.1).
SMALL_SEGMENT = 536

# A hang must still end within minutes.
MOST_CROWDED = 6.0
# How long a story goes on whose programs answer each time, but slowly: in seconds, or in times its patience.
LONGEST = (90.0, 6)


@dataclass(frozen=True)
class Setting:
    """What a story is told with."""

    server: Implementation
    client: Implementation
    network: str = "direct"
    stage: int = 5
    seed: int = 0
    patience: float = PATIENCE
    title: str = ""
    again: str = ""
    # The task that the story is about, as "3.2", and then those that it needs.
    tasks: tuple[str, ...] = ("",)
    # Where that task's own hint would mislead.
    hint: str = ""
    # Whether what passes on the wire is kept for the case of a failure. That costs a proxy on the way.
    tapped: bool = True


def slowness() -> float:
    """How many times as long as usual anything may take on this machine, which may have far more to do than it can.

    A program that would answer within a second alone takes ten where ten others want to run: no fault of its own.
    Stories told side by side are two for each processor themselves.
    """
    return min(max(1.0, crowding() / 2), MOST_CROWDED)


def longest_story(patience: float) -> float:
    """Seconds after which a story takes no further step. One that has begun may wait for what it waits for."""
    seconds, times = LONGEST
    return max(seconds, times * patience) * slowness()


class Story:
    """One server, the people who come, and the steps so far."""

    def __init__(self, setting: Setting, folder: Path) -> None:
        self.setting = setting
        self.drawn = Drawn(f"{setting.seed} {setting.title}")
        self.changed = threading.Condition(threading.RLock())
        self.people: list[Person] = []
        self._folder = folder
        self._folders = itertools.count()  # what is in the folder is no measure: a program may remove it
        self._servers: list[Server] = []
        self._steps: list[Step] = []
        self._inside = False
        self._began = time.monotonic()
        self._longest = 0.0
        self._to_close = ExitStack()
        self._doors: dict[int, Address] = {}
        self._frames = Frames()
        self._first_in_python = ""
        self._roughness: dict[str, str] = {}

    # What makes it hard.

    def makes_races_certain(self, bytes_at_once: int = 3, lock_seconds: float = 0.001) -> None:
        """Programs started from now on change threads at any moment, and send and receive a few bytes at once.

        `lock_seconds` is how long who wants a lock waits: what a test wants to come by meanwhile must have the time.
        """
        self._first_in_python = str(HERE / "rough")
        self._roughness = {"ROUGH_BYTES": str(bytes_at_once), "ROUGH_LOCK": str(lock_seconds)}

    def hurries_clocks(self) -> None:
        """Programs started from now on have a clock that runs ten times as fast."""
        self._first_in_python = str(HERE / "hasty")

    # Who comes.

    def server(self, port: int | None = None) -> Server:
        """Start the server, on a free port unless told, and wait until it listens."""
        with self.step("the server starts" + (f" on port {port}" if port is not None else "")):
            if port is not None:
                return self._start_server(port)
            for _ in range(PORTS_TO_TRY - 1):
                try:
                    return self._start_server(free_port())
                except Unmet:
                    failed = self._servers.pop()
                    if not any("in use" in line for line in failed.program.lines()):
                        self._servers.append(failed)
                        raise
            return self._start_server(free_port())

    def the_server(self) -> Server:
        """The one that was started last."""
        return self._servers[-1]

    def join(self, name: str | None = None) -> Person:
        """Someone new opens a client, answers what is asked, and is in the chat."""
        name = self.drawn.name() if name is None else name
        with self.step(f"{name} joins"):
            person = self._open(name)
            person.answer_until_joined()
        return person

    def opens_client(self, name: str | None = None, port: int | None = None, options: tuple[str, ...] = ()) -> Person:
        """Someone new opens a client, and has answered nothing yet."""
        name = self.drawn.name() if name is None else name
        with self.step(f"{name} opens a client"):
            return self._open(name, port, options)

    def join_by_pipes(self, names: list[str]) -> list[Person]:
        """Many at once whose clients have no terminal, with options for answers."""
        with self.step(f"{len(names)} people join by scripts"):
            options = ("--yes", "--mode", "terminal", "--name")
            people = [self._open(name, options=(*options, name), kind=Pipes) for name in names]
            for person in people:
                person.wait_until_joined()
        return people

    def bare_client(self, name: str | None = None, receive_buffer: int = 0) -> BareClient:
        """A client of bare frames connects to the server, and has said nothing yet.

        With a small receive buffer it soon holds up who sends to it, as long as it does not read.
        """
        name = self.drawn.name() if name is None else name
        with self.step(f"{name} connects with a client of bare frames"):
            sock = socket.socket()
            self._to_close.callback(sock.close)
            sock.settimeout(self.patience)
            address = self._door()
            if receive_buffer:
                address = (HOST, self._servers[-1].port)  # a proxy would read for it
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                # How much the server's system keeps for us grows with the segments: 0.1 MB with these, else 2 MB.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)
            try:
                sock.connect(address)
            except OSError as error:
                raise Unmet("the server accepts a connection", str(error)) from None
            return BareClient(self, name, sock)

    def bare_server(
        self, can: tuple[str, ...] | None = None, before: tuple[str, ...] = ()
    ) -> tuple[Person, BareServer]:
        """Someone joins a server of bare frames, where those are who came `before`.

        It can do this, or unless told everything up to this stage.
        """
        can = features(self.setting.stage) if can is None else can
        with socket.create_server((HOST, 0)) as listener:
            person = self.opens_client(port=listener.getsockname()[1])
            with self.step(f"{person} joins a server of bare frames that can do {' '.join(can) or 'texts'}"):
                server = greet(self, listener, person)
                self._to_close.callback(server.sock.close)
                if "roster" in can:
                    server.sends(Welcome(can, (*before, person.name)))
                else:  # a server of stage 1 has not even the field
                    server.sends_bytes("welcome", raw_frame("W", json.dumps({"features": can}).encode()))
        return person, server

    def bare_server_that_refuses(self, reason: str) -> tuple[Person, BareServer]:
        """Someone has given a name to a server of bare frames, and it does not take that."""
        with socket.create_server((HOST, 0)) as listener:
            person = self.opens_client(port=listener.getsockname()[1])
            with self.step(f"{person} says hello, and is refused: {reason}"):
                server = greet(self, listener, person)
                self._to_close.callback(server.sock.close)
                server.sends(Refused("name-taken", reason))
        return person, server

    def join_by_window(self, name: str | None = None) -> Sitter:
        """Someone new chooses the window, and has it before them."""
        person = self.opens_client_for_window(name)
        person.opens_the_window()
        with self.step(f"{person} is in the chat"):
            self.the_server().wait_for(f"{person} is in the chat", lambda: self.the_server().count(person.name) > 0)
        return person

    def opens_client_for_window(self, name: str | None = None) -> Sitter:
        """Someone new opens a client whose window can be looked into, and has answered nothing yet."""
        name = self.drawn.name() if name is None else name
        door = listener()
        self._to_close.callback(door.close)
        env = prepared(self._new_folder("kivy") / "home", door.getsockname()[1])
        with self.step(f"{name} opens a client"):
            plain = self._open(name, env=env)
        self.people.remove(plain)
        person = Sitter(self, name, plain.folder, plain.program, door)
        self._to_close.callback(person.close)
        self.people.append(person)
        return person

    def opens_client_with_kivy(self) -> tuple[Person, Path]:
        """Someone new opens a client, and we see whether it loads Kivy: then there is more in the folder returned."""
        person = self.opens_client_for_window()
        return person, self._folder / next(each.name for each in self._folder.iterdir() if each.name.startswith("kivy"))

    def runs(self, role: str, *arguments: str) -> Outcome:
        """Run the "server" or the "client" to its end, with no input and no terminal."""
        with self.step(f"the {role} is run with {list(arguments)}"):
            program = self.setting.server if role == "server" else self.setting.client
            command = (*program.command, *arguments)
            outcome = run_to_end(command, self._new_folder(role), program.env, self.patience)
            if outcome is None:
                raise Unmet(f"the {role} ends", f"{self.patience:.0f} seconds went by")
            return outcome

    # What holds for all.

    @property
    def patience(self) -> float:
        """Seconds to wait for anything."""
        return self.setting.patience * slowness()

    def everyone_talks(self) -> None:
        """Everyone present says something, one after the other, and everyone else sees it.

        Whatever was on its way before has then arrived: a server hands on what one person says in
        the order they said it, so what is not on a screen now was never sent.
        """
        people = [person for person in self.people if person.present]
        with self.step("everyone present says something more, and everyone else sees it"):
            for speaker in people:
                text = self.drawn.text()
                speaker.program.type(text)
                for party in [*people, *self._servers[-1:]]:
                    if party is not speaker:
                        party.sees(f"[{speaker}] {text}")

    def agrees(self, what: str, holds: bool, instead: str = "it is not so") -> None:
        """A step that is a plain comparison, of a file's contents for example."""
        with self.step(what):
            if not holds:
                raise Unmet(what, instead)

    def comes_true(self, what: str, holds: Callable[[], bool], instead: Callable[[], str]) -> None:
        """Something that no program tells of, so that it has to be looked at again and again."""
        with self.step(what), self.changed:
            tries = int(self.patience / LOOK_AGAIN)
            while not holds():
                tries -= 1
                if tries < 0:
                    raise Unmet(what, instead())
                self.changed.wait(LOOK_AGAIN)

    def is_in(self, person: Person) -> bool:
        """Whether someone is in the chat.

        They are when the server has printed their name and, from the stage that has a roster on,
        they see themselves in it.
        """
        server = self._servers[-1]
        namesakes = [other for other in self.people if other.name == person.name]
        if server.count(person.name) <= sum(other.has_joined for other in namesakes):
            return False
        own_line = re.compile(rf"Client \d+ : {re.escape(person.name)}$")
        return self.setting.stage < 2 or any(map(own_line.search, person.program.lines()))

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        """Tell a step. Steps inside it are part of it and not told."""
        if self._inside:
            self._may_go_on()
            yield
            return
        self._steps.append(Step(len(self._steps) + 1, words))
        self._inside = True
        try:
            self._may_go_on()
            yield
        except Unmet as unmet:
            raise StoryFailure(self._report(unmet)) from None
        finally:
            self._inside = False

    def close(self) -> None:
        """End every program of this story."""
        self._to_close.close()

    def _may_go_on(self) -> None:
        self._longest = max(self._longest, longest_story(self.setting.patience))
        taken = time.monotonic() - self._began
        if taken > self._longest:
            raise Unmet(
                f"all of this takes {self._longest:.0f} seconds at most", f"{taken:.0f} seconds went by", hung=True
            )

    def _start_server(self, port: int) -> Server:
        folder = self._new_folder("server")
        implementation = self.setting.server
        command = (*implementation.command, HOST, str(port))
        program = Terminal(command, folder, self._environment(implementation), self.changed)
        program.above = implementation.above
        self._to_close.callback(program.close)
        number = "" if not self._servers else f" {len(self._servers) + 1}"
        server = Server(self, f"the server{number}", folder, program, port)
        self._servers.append(server)
        server.wait_for(
            f"the server prints {LISTENING!r}",
            lambda: any(line.startswith(LISTENING) for line in server.shown()),
        )
        return server

    def _open(
        self,
        name: str,
        port: int | None = None,
        options: tuple[str, ...] = (),
        kind: type[Terminal] | type[Pipes] = Terminal,
        env: Mapping[str, str] | None = None,
    ) -> Person:
        host, at = self._door() if port is None else (HOST, port)
        implementation = self.setting.client
        command = (*implementation.command, host, str(at), *options)
        folder = self._new_folder("person")
        program = kind(command, folder, {**self._environment(implementation), **(env or {})}, self.changed)
        program.above = implementation.above
        self._to_close.callback(program.close)
        person = Person(self, name, folder, program)
        self.people.append(person)
        return person

    def _environment(self, implementation: Implementation) -> Mapping[str, str]:
        path = [self._first_in_python, implementation.env.get("PYTHONPATH", "")]
        return {**implementation.env, **self._roughness, "PYTHONPATH": os.pathsep.join(filter(None, path))}

    def _door(self) -> Address:
        """Where clients connect: the server itself, or a network before it where we listen or that is bad."""
        port = self._servers[-1].port
        if self.setting.network == "direct" and not self.setting.tapped:
            return HOST, port
        if port not in self._doors:
            network = self._frames.through(self.setting.network, (HOST, port), self.setting.seed)
            self._doors[port] = self._to_close.enter_context(network)
        return self._doors[port]

    def _new_folder(self, role: str) -> Path:
        folder = self._folder / f"{role}{next(self._folders)}"
        folder.mkdir(parents=True)
        return folder

    def _report(self, unmet: Unmet) -> str:
        shown = [self._shown(each, "server", self.setting.server) for each in self._servers]
        shown += [self._shown(each, "client", self.setting.client) for each in self.people]
        told = self.setting
        footer = Footer(told.stage, told.tasks, told.seed, told.again, told.hint)
        return report(self._steps, unmet, shown, self._frames.lines(), footer)

    def _shown(self, party: Party, role: str, implementation: Implementation) -> Shown:
        return Shown(str(party), party.program, role, implementation.folder)
