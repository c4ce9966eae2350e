"""What is under test: a server and a client, each of the reference or of a folder."""

from __future__ import annotations

import os
import random
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Implementation:
    """A server or a client: the command that starts it, and the environment it needs."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    # How many processes of a launcher stand above the program's own.
    above: int = 0

    @property
    def is_reference(self) -> bool:
        """Whether it is the complete chat, which goes further than the stages."""
        return self.name == "reference"

    @property
    def folder(self) -> Path | None:
        """Where its programs are; None for the reference."""
        return None if self.is_reference else Path(self.name).resolve()


@dataclass(frozen=True)
class Launcher:
    """A program that starts what is under test, in a sandbox for instance.

    Its arguments are `reference` or `folder`, and the command. `above` is how many processes, each the first child of
    the one before, then stand between us and the program: 0 if the launcher becomes the program (execve(2)).
    """

    path: str
    above: int = 0


def find(name: str, role: str, launcher: Launcher | None = None) -> Implementation:
    """The `role` ("server" or "client") of the reference, or of the folder called `name`.

    A folder's programs are run by their full path from a working directory that belongs to the
    one person who runs it: so several clients of one folder do not share `downloads/`, and what
    arrives never lands among the sources.

    Raises ValueError if there is no such program.
    """
    before = (launcher.path, "reference" if name == "reference" else "folder") if launcher else ()
    above = launcher.above if launcher else 0
    if name == "reference":
        # A lost place is held for a second, not for fifteen: the stories about people who vanish wait for its end.
        options = ("--hold", "1") if role == "server" else ()
        command = (*before, sys.executable, "-m", f"reference.{role}", *options)
        return Implementation(name, command, {"PYTHONPATH": str(ROOT)}, above)
    program = Path(name).resolve() / f"{role}.py"
    if not program.is_file():
        raise ValueError(f"no such program: {program} (give `reference` or a folder with {role}.py)")
    env = {"PYTHONDONTWRITEBYTECODE": "1"}
    return Implementation(name, (*before, sys.executable, str(program)), env, above)


def free_port() -> int:
    """A port that nobody has now.

    Not one the system would hand out for port 0: those are also given to outgoing connections at
    any moment, also while a server is being restarted on its port.
    """
    mine = random.Random(os.urandom(8))
    while True:
        port = mine.randrange(10_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
