"""What is measured: one function for each kind of row. Each returns plain numbers, and names the server in them."""

import hashlib
import json
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import generator
from benchmarks.servers import Server

Row = dict[str, Any]


def fan_out(server: Server, flight: int, seconds: float, clients: int = 100) -> Row:
    """Messages of 64 bytes, so many in flight in one room."""
    return row("fan-out", server, flight=flight, clients=clients) | generator.run(
        "chat", server, clients=clients, flight=flight, seconds=seconds
    )


def crowd(server: Server, clients: int, seconds: float, idle: float) -> Row:
    """A large room: first its memory and its rest, then 16 messages in flight."""
    before = server.resident_kb()
    with generator.started("chat", server, clients=clients, flight=16, seconds=seconds, warm_up=1, idle=idle) as load:
        resident = server.resident_kb()
        time.sleep(0.2 * idle)  # the last that everybody is told of those who came
        cpu, since = server.cpu_seconds(), time.monotonic()
        time.sleep(0.6 * idle)
        rest = (server.cpu_seconds() - cpu) / (time.monotonic() - since)
        result = load.line()
    kb = (resident - before) / clients
    return row("crowd", server, flight=16, clients=clients, kb_per_client=kb, idle_cpu=rest) | result


def file(server: Server, receivers: int, size: int, sha256: str, texts: bool = False) -> Row:
    """A file that the server has, fetched by receivers who throw the bytes away; perhaps while ten others chat."""
    with generator.started("files", server, clients=receivers, size=size, sha256=sha256) as load:
        result: Row = {}
        if texts:
            window = {"rate": 50, "warm_up": 0.1, "seconds": 1.0}
            chat = generator.run("chat", server, clients=10, **window)
            result = {"text_median_us": chat["median_us"], "text_p99_us": chat["p99_us"]}
        result |= load.line()
    return row("file", server, receivers=receivers, peak_kb=server.resident_kb(peak=True)) | result


def zeros(size: int) -> str:
    """The SHA-256 of the file that the load generator sends."""
    digest, piece = hashlib.sha256(), bytes(1024 * 1024)
    for _ in range(size // len(piece)):
        digest.update(piece)
    digest.update(bytes(size % len(piece)))
    return digest.hexdigest()


def iperf3(seconds: float, port: int) -> Row:
    """What one plain stream over loopback carries here."""
    listener = subprocess.Popen(["iperf3", "-s", "-1", "-B", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.2)
        whole = str(max(1, round(seconds)))  # 0 would be for ever
        command = ["iperf3", "-c", "127.0.0.1", "-p", str(port), "-t", whole, "--json"]
        result = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    finally:
        listener.kill()
        listener.wait()
    return {"what": "iperf3", "server": "iperf3", "bytes_per_s": result["end"]["sum_received"]["bits_per_second"] / 8}


def stuck(server: Server, seconds: float) -> Row:
    """A hundred talk, and one more who listens stops reading in the midst."""
    with (
        generator.started("idle", server, clients=1) as victim,
        generator.started("chat", server, flight=16, seconds=seconds, windows=2) as load,
    ):
        before = load.line()
        victim.stop_reading()
        after = load.line()
    return row("stuck", server) | before_and_after(before, after)


def flood(server: Server, seconds: float) -> Row:
    """A hundred say one thing a second each, and then one more talks as fast as it can."""
    with generator.started("chat", server, rate=100, seconds=seconds, windows=2) as load:
        before = load.line()
        with generator.started("flood", server):
            after = load.line()
    return row("flood", server) | before_and_after(before, after)


def before_and_after(before: Row, after: Row) -> Row:
    """Two windows as one row: both, and what is said of them."""
    result = {f"{key}_before": value for key, value in before.items()} | {f"{key}_after": v for key, v in after.items()}
    result["throughput_ratio"] = after["deliveries_per_s"] / before["deliveries_per_s"]
    result["p99_ratio"] = after["p99_us"] / before["p99_us"]
    return result


def row(what: str, server: Server, **more: Any) -> Row:
    """The beginning of a row."""
    return {"what": what, "server": server.name, **more}


def try_in_turn(servers: Sequence[Server], measure: Any) -> list[Row]:
    """One row for each server, or the reason why there is none."""
    rows = []
    for server in servers:
        try:
            rows.append(measure(server))
        except generator.Failed as error:
            rows.append(row("failed", server, reason=str(error)))
    return rows
