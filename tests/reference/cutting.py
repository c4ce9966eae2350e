"""People who chat, and send a file, while their connections are cut: what each said, and was shown. ``make cuts``."""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
import time
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from pathlib import Path
from queue import Queue
from threading import Condition, Thread

from labkit.proxy import Faults, Proxy
from reference.client import connection
from reference.client.connection import Client
from reference.client.events import (
    ConnectionLost,
    Ended,
    Event,
    FileFailed,
    FileReceived,
    FileSent,
    PersonLeft,
    Reconnected,
    Said,
)
from tests.reference.live import ServerProgram

NAMES = ("ann", "bob", "cleo", "dan", "eve")


@dataclass
class Report:
    """What happened."""

    cuts: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    missed: int = 0  # as the clients were told
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.cuts} cuts in {self.seconds:.0f} s: {self.lost} lost, {self.doubled} doubled, "
            f"{self.disordered} out of order, {self.missed} told as missed" + "".join(f"; {p}" for p in self.problems)
        )


class Person:
    """A client that keeps what it is shown."""

    def __init__(self, name: str, address: tuple[str, int], folder: Path, changed: Condition) -> None:
        self.name = name
        self.shown: list[tuple[str, int]] = []
        self.events: list[Event] = []
        self.said = 0
        self.cuts = 0
        self.missed = 0  # as it was told
        self._changed = changed
        self.client = Client(*address, self._on_event, folder)
        self.client.connect()
        self.client.join(name)

    def _on_event(self, event: Event) -> None:
        with self._changed:
            if isinstance(event, Said):
                self.shown.append((event.sender, int(event.text.split()[0])))
            elif isinstance(event, ConnectionLost):
                self.cuts += 1
            elif isinstance(event, Reconnected) and event.missed is not None:
                self.missed += event.missed
            elif isinstance(event, PersonLeft | Ended | Reconnected):
                self.events.append(event)
            self._changed.notify_all()


def chat(
    server: tuple[str, int], folder: Path, messages: int, every: tuple[int, int], seed: int, ahead: int = 500
) -> Report:
    """Five people say so many messages in all, each behind a proxy that resets after so many bytes, either way.

    ``ahead`` messages may be said before everybody has seen them: fewer than a history keeps, or some are missed.
    """
    begun = time.monotonic()
    changed = Condition()  # guards what the people keep
    faults = Faults(reset_after=every)
    with Proxy(server, to_server=faults, to_client=faults, seed=seed) as proxy:
        people = [_enter(name, proxy.address, folder, changed) for name in NAMES]
        each = messages // len(people)

        def seen_by_all() -> int:
            return min(person.said + len(person.shown) + person.missed for person in people)

        def talk(person: Person) -> None:
            for number in range(each):
                with changed:
                    if not changed.wait_for(lambda: sum(one.said for one in people) - seen_by_all() < ahead, 120):
                        return
                    person.said += 1
                person.client.say(f"{number} {'lorem ipsum'[: number % 12]}")

        threads = [Thread(target=talk, args=[person], daemon=True) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with changed:
            changed.wait_for(lambda: seen_by_all() >= each * len(people), 120)
        report = _judge(people, each)
        for person in people:
            person.client.leave()
    report.seconds = time.monotonic() - begun
    return report


def _enter(name: str, address: tuple[str, int], folder: Path, changed: Condition) -> Person:
    while True:  # a cut while one joins is for the person to try again
        try:
            return Person(name, address, folder, changed)
        except Exception:
            time.sleep(0.05)


def _judge(people: list[Person], each: int) -> Report:
    report = Report(cuts=sum(person.cuts for person in people))
    for person in people:
        for other in people:
            if other is not person:
                numbers = [number for sender, number in person.shown if sender == other.name]
                report.lost += each - len(set(numbers))
                report.doubled += len(numbers) - len(set(numbers))
                report.disordered += sum(second < first for first, second in pairwise(numbers))
        report.missed += person.missed
        if person.missed != each * (len(people) - 1) - len(person.shown):
            report.problems.append(f"{person.name} was told of {person.missed} missed")
        report.problems += [f"{person.name}: {event}" for event in person.events]
    for one, other in combinations(people, 2) if not report.missed else ():
        both = {one.name, other.name}
        if [each for each in one.shown if each[0] not in both] != [each for each in other.shown if each[0] not in both]:
            report.problems.append(f"{one.name} and {other.name} do not see one order")
    return report


class Leg:
    """One client behind a proxy of its own, which is cut whenever so many more bytes of the file have passed."""

    def __init__(self, server: tuple[str, int], direction: str, name: str, folder: Path, cuts: list[int]) -> None:
        self.passed = 0  # bytes of all connections, as they went in
        self.cuts = 0
        self.ended = Queue[FileSent | FileReceived | FileFailed | Ended]()
        self._direction = direction
        self._left = list(cuts)
        self.proxy = Proxy(server, observer=self._saw)
        self.client = Client(*self.proxy.address, self._on_event, folder / name, auto_get=2**40)
        self.client.connect()
        self.client.join(name)

    def close(self) -> None:
        """Leave."""
        self.client.leave()
        self.proxy.close()

    def _saw(self, connection: int, direction: str, event: str, data: bytes) -> None:
        if direction == self._direction and event == "segment":
            self.passed += len(data)
            if self._left and self.passed > self._left[0]:
                self._left.pop(0)
                self.cuts += 1
                self.proxy.cut()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, FileSent | FileReceived | FileFailed | Ended):
            self.ended.put(event)


def send_through_cuts(server: tuple[str, int], folder: Path, size: int, cuts: int) -> tuple[Leg, Leg]:
    """Send a file of so many bytes, while each leg is cut so often; it must arrive as it was."""
    places = [size * number // (cuts + 1) for number in range(1, cuts + 1)]
    path = folder / "film.mp4"
    path.write_bytes(random.Random(size).randbytes(size))
    sender = Leg(server, "to_server", "ann", folder, places)
    receiver = Leg(server, "to_client", "bob", folder, places)
    try:
        sender.client.send_file(path)
        for leg, wanted in ((sender, FileSent), (receiver, FileReceived)):
            event = leg.ended.get(timeout=120)
            assert isinstance(event, wanted), event
        assert isinstance(event, FileReceived)
        assert hashlib.sha256(event.path.read_bytes()).digest() == hashlib.sha256(path.read_bytes()).digest()
    finally:
        sender.close()
        receiver.close()
    return sender, receiver


def main() -> int:
    """The command line; the exit status says whether nothing was lost."""
    parser = argparse.ArgumentParser(prog="make cuts", description="Chat, and send a file, through a thousand cuts.")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--megabytes", type=int, default=200, help="the file's size")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with ServerProgram() as server, tempfile.TemporaryDirectory() as folder:
        size = options.megabytes * 10**6
        legs = send_through_cuts(server.address, Path(folder), size, cuts=20)
        for leg, name in zip(legs, ("sender", "receiver"), strict=True):
            print(f"file of {size:,} bytes, {name}: {leg.cuts} cuts, {leg.passed / size:.3f} of its bytes passed")
    with ServerProgram() as server, tempfile.TemporaryDirectory() as folder:  # anew: ann and bob may still be leaving
        # A thousand pauses of the usual length would take minutes, and show no more.
        connection.FIRST_PAUSE, connection.LONGEST_PAUSE = 0.02, 0.2
        report = chat(server.address, Path(folder), options.messages, every=(1, 8_000), seed=options.seed)
    print(report)
    wrong = report.lost or report.doubled or report.disordered or report.problems
    return 1 if wrong or max(leg.passed for leg in legs) > 1.1 * size else 0


if __name__ == "__main__":
    raise SystemExit(main())
