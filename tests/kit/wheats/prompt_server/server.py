# mypy: ignore-errors
"""The stage's server, with a prompt: each line is printed behind the last one."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "stages" / "2_roster"))

import server
import wire


def show(line):
    """Print a line, and the prompt again."""
    print(wire.printable(line) + "\n> ", end="", flush=True)


server.show = show
sys.exit(server.main())
