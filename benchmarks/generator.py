"""Builds and runs the load generator (load.c)."""

import itertools
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.servers import Server

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"


_numbers = itertools.count()  # names of the last run may still be leaving when the next one begins


class Failed(Exception):
    """The load generator could not do what it was asked to: the reason, in its words."""


def build() -> None:
    """Compile what is in C, where that is older than its source."""
    BUILD.mkdir(exist_ok=True)
    for name in ("load", "sink"):
        source, program = HERE / f"{name}.c", BUILD / name
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", program, source], check=True)


class Load:
    """A load generator that runs. Its results are read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def line(self) -> dict[str, Any]:
        """The next result. Raises Failed."""
        assert self._process.stdout is not None
        text = self._process.stdout.readline()
        if not text:
            assert self._process.stderr is not None
            raise Failed(self._process.stderr.read().strip() or "it took too long")
        result: dict[str, Any] = json.loads(text)
        return result

    def stop_reading(self) -> None:
        """Have it stand still: what it does not read fills the network."""
        self._process.send_signal(signal.SIGSTOP)


@contextmanager
def started(mode: str, server: "Server", **options: Any) -> Iterator[Load]:
    """Start a load generator against this server, and wait until its clients have joined. Raises Failed."""
    command = [str(BUILD / "load"), mode, server.protocol, str(server.port), "--names", f"r{next(_numbers)}c"]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            load = Load(process)
            load.line()
            yield load
        finally:
            process.kill()


def run(mode: str, server: "Server", **options: Any) -> dict[str, Any]:
    """Start a load generator, and return its one result. Raises Failed."""
    with started(mode, server, **options) as load:
        return load.line()
