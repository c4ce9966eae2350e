"""The clock that runs ten times as fast: however a program waits, it waits a tenth of the time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from labkit import ladder

HASTY = ladder.ROOT / "tests" / "graded" / "hasty"

BEFORE = """
import asyncio, queue, select, selectors, socket, struct, threading, time
mine, other = socket.socketpair()
began = time.perf_counter()  # this one clock is as ever
"""
AFTER = "print(time.perf_counter() - began)"

WAYS = {
    "sleep": "time.sleep(5)",
    "select": "select.select([mine], [], [], 5)",
    "poll": "poll = select.poll(); poll.register(mine, select.POLLIN); assert poll.poll(5000) == []",
    "epoll": "with select.epoll() as epoll: epoll.register(mine); epoll.modify(mine, select.EPOLLIN); epoll.poll(5)",
    "selectors": "it = selectors.DefaultSelector(); it.register(mine, selectors.EVENT_READ); it.select(5)",
    "selectors on poll": "it = selectors.PollSelector(); it.register(mine, selectors.EVENT_READ); it.select(5)",
    "selectors on select": "it = selectors.SelectSelector(); it.register(mine, selectors.EVENT_READ); it.select(5)",
    "settimeout": "mine.settimeout(5)\ntry: mine.recv(1)\nexcept TimeoutError: pass",
    "SO_RCVTIMEO": "mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 5, 0))\n"
    "try: mine.recv(1)\nexcept BlockingIOError: pass",
    "event": "threading.Event().wait(5)",
    "condition": "it = threading.Condition()\nwith it: it.wait_for(lambda: False, 5)",
    "queue": "try: queue.Queue().get(timeout=5)\nexcept queue.Empty: pass",
    "asyncio": "asyncio.run(asyncio.sleep(5))",
    "the clock itself": "end = time.monotonic() + 5\nwhile time.monotonic() < end: pass",
}


@pytest.mark.parametrize("way", WAYS)
def test_five_seconds_are_half_a_second(way: str) -> None:
    """In a program that waits in this way."""
    if "epoll" in way and sys.platform != "linux":
        pytest.skip("Linux alone has epoll")
    program = f"{BEFORE}{WAYS[way]}\n{AFTER}"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(HASTY)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert 0.4 < float(done.stdout) < 4, done.stdout


def test_other_options_of_a_socket_and_no_limit_are_as_ever() -> None:
    """A timeout of None, and options that are no time."""
    program = (
        f"{BEFORE}mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 9000); other.send(b'x')\n"
        "poll = select.poll(); poll.register(mine, select.POLLIN); assert poll.poll() and poll.poll(None)\n"
        "mine.settimeout(None); mine.recv(1)"
    )
    done = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(HASTY)}, text=True, timeout=60)
    assert done.returncode == 0
