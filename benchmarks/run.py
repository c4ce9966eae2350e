"""``make bench``: our server beside others, in one run, on loopback only.

Everything is measured in rounds, and within a round the servers take turns, so that whatever else the machine does hits
all alike. Writes a table, the rows as JSON and three charts.
"""

import argparse
import json
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import generator, report, rows, servers
from benchmarks.rows import Row

FIGURES = servers.ROOT / "labs" / "figures"
TALKERS = ("ours", "naive", "redis", "ngircd", "sink")


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    rounds: int
    seconds: float  # of a measurement
    crowd: int
    idle: float
    file_size: int
    flood_seconds: float


FULL = Plan(rounds=3, seconds=2.0, crowd=4_000, idle=6.0, file_size=1_000_000_000, flood_seconds=8.0)
QUICK = Plan(rounds=1, seconds=0.7, crowd=1_000, idle=2.0, file_size=200_000_000, flood_seconds=3.0)


def main(argv: list[str] | None = None) -> int:
    """Measure and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short round, in two minutes; into benchmarks/build")
    parser.add_argument("--only", metavar="PART", choices=PARTS, action="append", help=f"only: {', '.join(PARTS)}")
    options = parser.parse_args(argv)
    plan = QUICK if options.quick else FULL
    folder = generator.BUILD if options.quick or options.only else FIGURES
    generator.build()
    start = time.monotonic()
    measured: list[Row] = []
    for number in range(plan.rounds):
        for part in options.only or PARTS:
            print(f"round {number + 1} of {plan.rounds}: {part} ...", file=sys.stderr)
            measured += [{**row, "round": number} for row in PARTS[part](plan)]
    print(f"measured in {time.monotonic() - start:.0f} s", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    page = report.markdown(measured, machine(), configurations())
    (folder / "benchmarks.md").write_text(page)
    (folder / "benchmarks.json").write_text(json.dumps({"machine": machine(), "rows": measured}, indent=1) + "\n")
    for name, picture in report.charts(measured).items():
        (folder / name).write_text(picture)
    print(page)
    print(f"Written to {folder.relative_to(servers.ROOT)}/")
    return 0


def _fan_out(plan: Plan) -> list[Row]:
    with servers.running(*TALKERS) as running:
        return [
            row
            for flight in (1, 16, 256)
            for row in rows.try_in_turn(running, lambda server, k=flight: rows.fan_out(server, k, plan.seconds))
        ]


def _crowd(plan: Plan) -> list[Row]:
    with servers.running("ours", "redis", "sink") as running:
        return rows.try_in_turn(running, lambda server: rows.crowd(server, plan.crowd, plan.seconds, plan.idle))


def _files(plan: Plan) -> list[Row]:
    sha256 = rows.zeros(plan.file_size)
    measured = [rows.iperf3(plan.seconds, free_port())]
    for receivers in (1, 4, 16):
        with servers.running("ours") as running:
            measured += rows.try_in_turn(
                running, lambda server, n=receivers: rows.file(server, n, plan.file_size, sha256, texts=n == 16)
            )
    return measured


def _stuck(plan: Plan) -> list[Row]:
    with servers.running("ours") as running:
        return rows.try_in_turn(running, lambda server: rows.stuck(server, 2 * plan.seconds))


def _flood(plan: Plan) -> list[Row]:
    with servers.running("defaults") as running:
        return rows.try_in_turn(running, lambda server: rows.flood(server, plan.flood_seconds))


def _defaults(plan: Plan) -> list[Row]:
    with servers.running("defaults") as running:
        return [
            row
            for flight in (1, 16, 256)
            for row in rows.try_in_turn(running, lambda server, k=flight: rows.fan_out(server, k, plan.seconds))
        ]


PARTS: dict[str, Callable[[Plan], list[Row]]] = {
    "fan-out": _fan_out,
    "crowd": _crowd,
    "files": _files,
    "stuck": _stuck,
    "flood": _flood,
    "defaults": _defaults,
}


def machine() -> str:
    """What it ran on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores of {model}, {platform.system()}, Python {platform.python_version()}"


def configurations() -> str:
    """How each server was started."""
    versions = [subprocess.run(command, capture_output=True, text=True).stdout.splitlines() for command in VERSIONS]
    started = [
        f"{servers.TITLES[name]}: {' '.join(['python3', *command[1:]] if command[0] == sys.executable else command)}"
        for name in (*TALKERS, "defaults")
        for command in [servers.commands(name, 5050, "spool")]
        if name != "ngircd"
    ]
    return "\n".join([*(lines[0] for lines in versions if lines), *started, "ngircd.conf:", servers.NGIRCD])


VERSIONS = (["redis-server", "--version"], ["ngircd", "--version"], ["iperf3", "--version"])


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


if __name__ == "__main__":
    raise SystemExit(main())
