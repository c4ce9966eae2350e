"""How long a window takes to end once its close button is pressed, beside a Python that starts and ends.

``python -m benchmarks.closing``: a window on a screen that nobody sees (Xvfb), joined to a real server, is opened and
closed, again and again; each time a bare Python is started and ended too, so that whatever else the machine does hits
both alike. A second at most, on a machine with nothing else to do; on a busy one look at the ratio.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.gui.desk import Desk

ROUNDS = 10
MOST = 1.0


def main() -> int:
    """Measure, print, and return 1 if the window ends too slowly."""
    closing, bare = [], []
    with tempfile.TemporaryDirectory() as folder, Desk(Path(folder)) as desk:
        for number in range(ROUNDS):
            window = desk.window(f"sravya{number}")
            desk.server.sees(rf"sravya{number}")
            closing.append(window.closes())
            bare.append(seconds_of_a_bare_python())
    window_s, bare_s = statistics.median(closing), statistics.median(bare)
    print(f"a window ends in:     {window_s:.3f} s (median of {ROUNDS}, worst {max(closing):.3f}; at most {MOST:.0f})")
    print(f"a bare Python's life: {bare_s:.3f} s (median of {ROUNDS}, worst {max(bare):.3f})")
    print(f"ratio:                {window_s / bare_s:.1f}")
    return 0 if window_s <= MOST else 1


def seconds_of_a_bare_python() -> float:
    """Start Python without its site packages, and wait for its end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-S", "-c", ""], check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main())
