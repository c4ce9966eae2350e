"""From rows to what people read: medians and spreads, the goals with their ratios, a table and three charts."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.plots import Bar, chart, number
from benchmarks.rows import Row
from benchmarks.servers import TITLES


@dataclass(frozen=True)
class Goal:
    """One line of the goals: what must hold, and how the rounds came out."""

    what: str
    wanted: str
    rounds: Sequence[float]
    holds: Callable[[float], bool]

    @property
    def median(self) -> float:
        """What counts."""
        return statistics.median(self.rounds)

    def line(self) -> str:
        """The goal as a line of a Markdown table."""
        if not self.rounds:
            return f"| {self.what} | {self.wanted} | not measured | | |"
        verdict = "yes" if self.holds(self.median) else "**no**"
        spread = f"{min(self.rounds):.3g} to {max(self.rounds):.3g}"
        return f"| {self.what} | {self.wanted} | {self.median:.3g} | {spread} | {verdict} |"


def at_least(what: str, bound: float, rounds: Iterable[float]) -> Goal:
    """The more the better."""
    return Goal(what, f"≥ {bound:g}", list(rounds), lambda value: value >= bound)


def at_most(what: str, bound: float, rounds: Iterable[float]) -> Goal:
    """The less the better."""
    return Goal(what, f"≤ {bound:g}", list(rounds), lambda value: value <= bound)


def goals(rows: Sequence[Row], ours: str = "ours") -> list[Goal]:
    """What the reference is held to. Ratios are taken round by round, and their median counts."""
    result = []
    for flight, bounds in ((16, (1.0, 3, 8)), (256, (0.8, 2.5, 20))):
        for other, bound in zip(("redis", "ngircd", "naive"), bounds, strict=True):
            ratios = _ratios(rows, "fan-out", "deliveries_per_s", ours, other, flight=flight)
            result.append(at_least(f"fan-out, {flight} in flight: deliveries/s against {TITLES[other]}", bound, ratios))
    for other, bound in (("redis", 1.25), ("ngircd", 0.8), ("naive", 1.3)):
        ratios = _ratios(rows, "fan-out", "median_us", ours, other, flight=1)
        result.append(at_most(f"1 in flight: median time to the last receiver against {TITLES[other]}", bound, ratios))
    crowd = _pick(rows, "crowd", ours)
    clients = max((row["clients"] for row in crowd), default=4000)
    ratios = _ratios(rows, "crowd", "deliveries_per_s", ours, "redis")
    result.append(at_least(f"{clients:,} clients, 16 in flight: deliveries/s against Redis", 2.0, ratios))
    result.append(at_most("memory of an idle client, KB", 40, [row["kb_per_client"] for row in crowd]))
    result.append(at_most("processor when idle, % of a core", 1, [100 * row["idle_cpu"] for row in crowd]))
    for receivers, bound in ((1, 0.8), (4, 1.0), (16, 1.0)):
        ratios = _ratios(rows, "file", "bytes_per_s", ours, "iperf3", receivers=receivers)
        result.append(at_least(f"a file to {receivers}: bytes/s in total against one iperf3 stream", bound, ratios))
    files = _pick(rows, "file", ours)
    result.append(at_most("the same: resident at most, MB", 100, [row["peak_kb"] / 1000 for row in files]))
    texts = [row["text_p99_us"] / 1000 for row in files if "text_p99_us" in row]
    result.append(at_most("texts while a file goes to 16: p99, ms", 20, texts))
    stuck = _pick(rows, "stuck", ours)
    result.append(at_least("one stops reading: the others' throughput", 0.95, [r["throughput_ratio"] for r in stuck]))
    result.append(at_most("one stops reading: the others' p99", 1.2, [row["p99_ratio"] for row in stuck]))
    flood = _pick(rows, "flood", "defaults")
    result.append(at_most("one floods (flood control on): the others' p99", 1.5, [row["p99_ratio"] for row in flood]))
    return result


def markdown(rows: Sequence[Row], machine: str, configurations: str) -> str:
    """All of it, as a page."""
    return "\n".join(
        [
            "# How the reference compares",
            "",
            f"Measured by `make bench` on {machine}.",
            "",
            "All servers took turns in one run; each number is the median of the rounds, with the spread behind it.",
            "A delivery is one message of 64 bytes, decoded by one client; a message's time runs until its last",
            "receiver has it. Redis alone returns a message to its sender too, and there that counts as well. That the",
            "load generator is not what is measured shows in its share of a core, and in *the least in C*: a server of",
            "one thread that checks nothing.",
            "",
            "## Goals",
            "",
            "| what | goal | median | spread | reached |",
            "|---|---|---|---|---|",
            *(goal.line() for goal in goals(rows)),
            "",
            "## Figures",
            "",
            "| what | server | deliveries/s | median, µs | p99, µs | generator's core |",
            "|---|---|---|---|---|---|",
            *_figures(rows),
            "",
            "| file to receivers | server | bytes/s in total | upload, bytes/s | generator's core |",
            "|---|---|---|---|---|",
            *_file_figures(rows),
            "",
            *(f"Failed: {row['server']}: {row['reason']}\n" for row in rows if row["what"] == "failed"),
            "## Configurations",
            "",
            "```",
            configurations.strip(),
            "```",
            "",
        ]
    )


def charts(rows: Sequence[Row]) -> dict[str, str]:
    """The pictures, by file name."""
    flights = [(f"{flight} in flight", flight) for flight in (16, 256)]
    fan_out = [(heading, _bars(rows, "fan-out", "deliveries_per_s", flight=flight)) for heading, flight in flights]
    crowds = sorted({row["clients"] for row in rows if row["what"] == "crowd"})
    fan_out += [(f"{count:,} clients", _bars(rows, "crowd", "deliveries_per_s", clients=count)) for count in crowds]
    latency = [("1 in flight", _bars(rows, "fan-out", "median_us", flight=1))]
    one_stream = _bars(rows, "iperf3", "bytes_per_s")
    files = [
        (f"to {count}", [*_bars(rows, "file", "bytes_per_s", receivers=count), *one_stream]) for count in (1, 4, 16)
    ]
    return {
        "fan-out.svg": chart("Messages delivered to a room", "deliveries/s", fan_out),
        "latency.svg": chart("Until the last of 99 has it", "µs, median", latency),
        "files.svg": chart("One file to receivers that throw it away", "bytes/s in total", files),
    }


def _pick(rows: Sequence[Row], what: str, server: str, **where: object) -> list[Row]:
    wanted = {"what": what, "server": server, **where}
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


def _ratios(rows: Sequence[Row], what: str, key: str, ours: str, other: str, **where: object) -> list[float]:
    other_rows = _pick(rows, "iperf3", other) if other == "iperf3" else _pick(rows, what, other, **where)
    by_round = {row["round"]: row[key] for row in other_rows}
    pairs = [(row[key], by_round.get(row["round"])) for row in _pick(rows, what, ours, **where)]
    return [mine / others for mine, others in pairs if others]


def _bars(rows: Sequence[Row], what: str, key: str, **where: object) -> list[Bar]:
    bars = []
    for name, title in {**TITLES, "iperf3": "iperf3"}.items():
        values = [row[key] for row in _pick(rows, what, name, **where)]
        if values:
            bars.append(Bar(title, statistics.median(values), min(values), max(values), ours=name == "ours"))
    return bars


def _figures(rows: Sequence[Row]) -> list[str]:
    keys = [(r["what"], r["clients"], r["flight"]) for r in rows if r["what"] in ("fan-out", "crowd")]
    lines = []
    for what, clients, flight in dict.fromkeys(keys):
        for name, title in TITLES.items():
            picked = _pick(rows, what, name, clients=clients, flight=flight)
            if picked:
                cells = [_cell(picked, key) for key in ("deliveries_per_s", "median_us", "p99_us", "generator_cpu")]
                lines.append(f"| {clients:,} clients, {flight} in flight | {title} | {' | '.join(cells)} |")
    return lines


def _file_figures(rows: Sequence[Row]) -> list[str]:
    lines = []
    for receivers in dict.fromkeys(row["receivers"] for row in rows if row["what"] == "file"):
        picked = _pick(rows, "file", "ours", receivers=receivers)
        cells = [_cell(picked, key) for key in ("bytes_per_s", "upload_bytes_per_s", "generator_cpu")]
        lines.append(f"| {receivers} | ours | {' | '.join(cells)} |")
    picked = _pick(rows, "iperf3", "iperf3")
    return [*lines, f"| 1 | iperf3 | {_cell(picked, 'bytes_per_s')} | | |"] if picked else lines


def _cell(rows: Sequence[Row], key: str) -> str:
    values = [row[key] for row in rows]
    return f"{number(statistics.median(values))} ({number(min(values))} to {number(max(values))})"
