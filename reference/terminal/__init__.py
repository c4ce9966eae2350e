"""The chat in a terminal: lines as they come (plain.py), or with an input line of its own (interactive.py)."""

import os
import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # asked before anything heavy is imported: see client/__main__.py
    from reference.client.connection import Client
    from reference.client.events import Event


class Face(Protocol):
    """What shows the chat to somebody."""

    def show(self, event: "Event") -> None:
        """Show an event. For any thread."""

    def run(self) -> int:
        """Read what is typed until the chat ends; returns the exit status."""


def open_terminal(client: "Client") -> Face:
    """The face for this terminal: the interactive one where somebody sits, and what it needs is installed."""
    if sys.stdin.isatty() and sys.stdout.isatty() and _can_draw():
        try:
            from reference.terminal.interactive import Interactive
        except ImportError:  # without prompt_toolkit the chat works as well, with less comfort
            pass
        else:
            return Interactive(client)
    from reference.terminal.plain import Plain

    return Plain(client)


def _can_draw() -> bool:
    """Whether the terminal can do more than print lines. A Windows console has no TERM, and can."""
    terminal = os.environ.get("TERM") or ("console" if os.name == "nt" else "dumb")
    return terminal != "dumb"
