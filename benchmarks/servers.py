"""The servers of the comparison: each on a free port of 127.0.0.1, with nothing on that slows a talker down."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generator import BUILD

ROOT = Path(__file__).resolve().parents[1]

START_SECONDS = 10.0
"""How long a server may take until it accepts."""

REDIS = ["--bind", "127.0.0.1", "--protected-mode", "no", "--save", "", "--appendonly", "no"]

NGIRCD = """\
[Global]
Name = irc.bench.local
Info = benchmark
Listen = 127.0.0.1
Ports = {port}
PidFile =
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
PingTimeout = 120
[Options]
DNS = no
Ident = no
PAM = no
SyslogFacility = local1
"""

TITLES = {
    "ours": "ours",
    "defaults": "ours, all limits on",
    "naive": "naive",
    "redis": "Redis",
    "ngircd": "ngircd",
    "sink": "the least in C",
}
PROTOCOLS = {"redis": "redis", "ngircd": "irc"}  # the others speak gmc


@dataclass
class Server:
    """A server that runs."""

    name: str
    port: int
    pid: int

    @property
    def protocol(self) -> str:
        """What the load generator calls it."""
        return PROTOCOLS.get(self.name, "gmc")

    def resident_kb(self, peak: bool = False) -> int:
        """Memory that is really there, now or at most so far."""
        wanted = "VmHWM:" if peak else "VmRSS:"
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(wanted))

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def commands(name: str, port: int, folder: str) -> list[str]:
    """How to start a server; ``folder`` is for its configuration."""
    match name:
        case "ours":
            return [sys.executable, "-m", "benchmarks.open_server", "127.0.0.1", str(port), "--spool", folder]
        case "defaults":
            return [sys.executable, "-m", "reference.server", "127.0.0.1", str(port), "--spool", folder]
        case "naive":
            return [sys.executable, "-m", "benchmarks.naive_server", "127.0.0.1", str(port)]
        case "redis":
            return ["redis-server", "--port", str(port), "--dir", folder, *REDIS]
        case "ngircd":
            return ["ngircd", "--nodaemon", "--config", f"{folder}/ngircd.conf"]
        case "sink":
            return [str(BUILD.relative_to(ROOT) / "sink"), str(port)]
    raise ValueError(name)


@contextlib.contextmanager
def running(*names: str) -> Iterator[list[Server]]:
    """Start these servers, and stop them in the end."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(_running(name)) for name in names]


@contextlib.contextmanager
def _running(name: str) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # What a server prints goes nowhere, but it has to print it. ngircd drops root, and must still reach its files.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        os.chmod(folder, 0o755)
        Path(folder, "ngircd.conf").write_text(NGIRCD.format(port=port))
        command = commands(name, port, folder)
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            _wait_until_it_accepts(name, process, port)
            yield Server(name, port, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_it_accepts(name: str, process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise SystemExit(f"{name} did not start: try {' '.join(process.args)}")  # type: ignore[arg-type]
