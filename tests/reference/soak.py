"""A million messages, then a hundred people who come, go, talk, are cut off and send files: ``make soak``.

The server's memory must be flat: over the second half of the messages, and after the first minute. In the end it
must hold no thread, descriptor or spool file more than before.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import tempfile
import time
from pathlib import Path
from threading import Event as Flag
from threading import Semaphore, Thread

from labkit.proxy import Faults, Proxy
from reference.client.connection import Client
from reference.client.events import Event
from reference.protocol import Text, TextFrom, encode
from tests.reference.live import ServerProgram
from tests.reference.raw import Raw

GROWTH = 0.05
"""Memory may grow by this share."""

BATCH = 100
"""Messages that are sent as one piece."""

AHEAD = 20
"""Pieces that may be on their way at once: nobody runs away from those who read."""


class Held:
    """What a process holds: threads, descriptors, memory in bytes."""

    def __init__(self, server: ServerProgram) -> None:
        process = Path(f"/proc/{server.process.pid}")
        self.threads = len(os.listdir(process / "task"))
        self.descriptors = len(os.listdir(process / "fd"))
        self.memory = server.memory()

    def __str__(self) -> str:
        return f"{self.threads} threads, {self.descriptors} descriptors, {self.memory / 2**20:.1f} MB"


def live(name: str, address: tuple[str, int], folder: Path, seed: int, over: Flag) -> None:
    """One person's life: join, say something now and then, send a file sometimes, leave, and come again."""
    dice = random.Random(seed)
    photo = folder / f"{name}.jpg"
    photo.write_bytes(dice.randbytes(dice.randint(1, 200_000)))
    while not over.is_set():
        client = Client(*address, _ignore, folder / "downloads", auto_get=2**20 if dice.random() < 0.1 else 0)
        try:
            client.connect()
            client.join(name)
            stay_until = time.monotonic() + dice.uniform(1, 30)
            while time.monotonic() < stay_until and not over.wait(dice.expovariate(1.0)):
                if dice.random() < 0.02:
                    client.send_file(photo)
                else:
                    client.say("lorem ipsum dolor sit amet " * dice.randint(1, 5))
        except Exception:
            over.wait(1.0)  # refused, or cut off before it was in: it tries again
        finally:
            _leave(client)


def _ignore(event: Event) -> None:
    """Nobody looks."""


def _leave(client: Client) -> None:
    try:
        client.leave()
    except Exception:
        pass  # it was never connected


def talk_much(messages: int) -> list[str]:
    """Say so many messages to two who read; returns what is wrong."""
    with ServerProgram() as server, contextlib.ExitStack() as stack:
        speaker, *readers = (stack.enter_context(Raw(server.address)) for _ in range(3))
        for number, raw in enumerate([speaker, *readers]):
            raw.join(f"person {number}", ())
        batch = encode(Text("lorem ipsum dolor sit amet")) * BATCH
        size = len(encode(TextFrom("person 0", "lorem ipsum dolor sit amet"))) * BATCH
        ahead = [Semaphore(AHEAD) for _ in readers]
        read = [Thread(target=_drain, args=[*each, size], daemon=True) for each in zip(readers, ahead, strict=True)]
        for thread in read:
            thread.start()
        memory = []
        for number in range(messages // BATCH):
            for each in ahead:
                each.acquire()
            speaker.send_bytes(batch)
            if number % max(1, messages // BATCH // 20) == 0:
                memory.append(server.memory())
        before = memory[len(memory) // 2]  # by then the history is full
        growth = server.memory() / before - 1
        print(f"{messages:,} messages: memory grew by {growth:.1%} from {before / 2**20:.1f} MB", flush=True)
        speaker.close()
        return [f"memory grew by {growth:.1%} over {messages:,} messages"] if growth > GROWTH else []


def _drain(raw: Raw, ahead: Semaphore, size: int) -> None:
    left = size
    while True:
        try:
            data = raw.sock.recv(65536)
        except OSError:
            return
        if not data:
            return
        left -= len(data)
        while left <= 0:
            left += size
            ahead.release()


def soak(minutes: float, people: int, seed: int) -> list[str]:
    """Run it; returns what is wrong."""
    problems = []
    with (
        tempfile.TemporaryDirectory() as folder,
        ServerProgram("--spool", folder, "--hold", "2", "--max-spool", "50MB", flood_control=True) as server,
        Proxy(server.address, to_client=Faults(reset_after=(1, 300_000)), seed=seed) as proxy,
    ):
        before = _at_rest(server)
        over = Flag()
        begun = time.monotonic()
        threads = []
        for number in range(people):
            address = proxy.address if number % 4 == 0 else server.address  # a quarter is cut off again and again
            own = Path(folder, "people", str(number))
            own.mkdir(parents=True)
            thread = Thread(target=live, args=[f"person {number}", address, own, seed + number, over], daemon=True)
            thread.start()
            threads.append(thread)
        memory: list[int] = []
        while (now := time.monotonic() - begun) < 60 * minutes:
            time.sleep(min(5.0, 60 * minutes - now))
            held = Held(server)
            if now > min(60.0, 20 * minutes):
                memory.append(held.memory)
            print(f"{time.monotonic() - begun:4.0f} s: {held}", flush=True)
        over.set()
        for thread in threads:
            thread.join(60)
        # The mean of the first and of the last quarter: one look may fall on a burst of files.
        quarter = max(1, len(memory) // 4)
        settled, last = sum(memory[:quarter]) / quarter, sum(memory[-quarter:]) / quarter
        growth = last / settled - 1
        deadline = time.monotonic() + 60
        while (after := Held(server)).threads > before.threads or after.descriptors > before.descriptors:
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
        print(f"before: {before}\nafter:  {after}\nmemory grew by {growth:.1%} after the first minute")
        if after.threads > before.threads:
            problems.append(f"{after.threads - before.threads} threads are left over")
        if after.descriptors > before.descriptors:
            problems.append(f"{after.descriptors - before.descriptors} descriptors are left over")
        if growth > GROWTH:
            problems.append(f"memory grew by {growth:.1%}")
        left = [path.name for path in Path(folder).iterdir() if path.name != "people"]
        if left:
            problems.append(f"spool files are left over: {left}")
        if server.end() != 0 or any("Traceback" in line for line in server.shown.lines):
            problems.append("the server did not end well")
    return problems


def _at_rest(server: ServerProgram) -> Held:
    """What it holds with nobody in it: asked when somebody has been, for by then it has opened all that it keeps."""
    with Raw(server.address) as raw:
        raw.join("first", ())
        busy = Held(server)
    deadline = time.monotonic() + 60
    while (held := Held(server)).threads >= busy.threads and time.monotonic() < deadline:
        time.sleep(0.05)
    return held


def main() -> int:
    """The command line; the exit status says whether all was well."""
    parser = argparse.ArgumentParser(prog="make soak", description="A hundred people for ten minutes.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    problems = talk_much(options.messages)
    problems += soak(options.minutes, options.people, options.seed)
    print("\n".join(problems) or "all is well")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
