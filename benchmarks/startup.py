"""How long the client takes to its first question, beside a Python that imports what any network program imports.

``python benchmarks/startup.py``: both are started in turn, so that whatever else the machine does hits both alike; what
counts is the ratio of the medians, which may be 2 at most.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 40
MOST = 2.0

BARE = ["-c", "import socket, threading, argparse, json"]
CLIENT = ["-m", "reference.client", "127.0.0.1", "5050"]  # asks before it connects, so nobody need be there


def main() -> int:
    """Measure, print, and return 1 if the client is too slow."""
    bare, client = [], []
    for _ in range(ROUNDS):
        bare.append(seconds_to_first_byte_or_end(BARE))
        client.append(seconds_to_first_byte_or_end(CLIENT))
    ratio = statistics.median(client) / statistics.median(bare)
    print(f"bare Python: {statistics.median(bare) * 1000:.1f} ms (median of {ROUNDS}, best {min(bare) * 1000:.1f})")
    print(f"the client:  {statistics.median(client) * 1000:.1f} ms (median of {ROUNDS}, best {min(client) * 1000:.1f})")
    print(f"ratio:       {ratio:.2f} (at most {MOST})")
    return 0 if ratio <= MOST else 1


def seconds_to_first_byte_or_end(arguments: list[str]) -> float:
    """How long a program takes until it prints something, or ends without."""
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        program.stdout.read(1)
        seconds = time.perf_counter() - start
        program.communicate()  # ends its input, and so the program
    return seconds


if __name__ == "__main__":
    raise SystemExit(main())
