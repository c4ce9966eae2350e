"""The class's charts, drawn by matplotlib as SVG that is put into the page: no script, no second file, no network."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from labkit.grade.result import Result

matplotlib.use("svg")

BLUE, GREY = "#3b7dd8", "#7d8590"
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud, and takes the page's colour
    "svg.hashsalt": "grades",  # the same results give the same file
    "font.size": 10,
    "font.family": "sans-serif",
    "text.color": GREY, "axes.labelcolor": GREY, "xtick.color": GREY, "ytick.color": GREY, "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
}  # fmt: skip
LONGEST_LABEL = 60


def distribution(marks: Sequence[float], out_of: float) -> Markup:
    """How many have which mark."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 2.8), layout="constrained")
        axes = figure.subplots()
        counts, _, _ = axes.hist(marks, bins=20, range=(0, out_of), color=BLUE, rwidth=0.92)
        axes.set(xlabel=f"mark (of {out_of:g})", ylabel="students", xlim=(0, out_of))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        told = ", ".join(
            f"{count:.0f} from {index * out_of / 20:g} to {(index + 1) * out_of / 20:g}"
            for index, count in enumerate(counts)
            if count
        )
        return _svg(figure, f"Histogram of the marks: {told or 'no marks yet'}")


def heat_map(results: Sequence[Result], tasks: Sequence[str]) -> Markup:
    """Students by tasks: what part of a task's points each has. Each name leads to the student's page."""
    values = [[_part(result, task) for task in tasks] for result in results]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.8 + 0.42 * len(tasks), 0.6 + 0.22 * len(results)), layout="constrained")
        axes = figure.subplots()
        if values and tasks:
            shown = [[float("nan") if value is None else value for value in row] for row in values]
            axes.imshow(shown, aspect="auto", cmap="Blues_r", vmin=0, vmax=115)
        axes.set_xticks(range(len(tasks)), tasks)
        axes.set_yticks(range(len(results)), [_short(result.name, 24) for result in results])
        axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
        for label, result in zip(axes.get_yticklabels(), results, strict=True):
            label.set_url(f"students/{result.key}.html")
        for y, row in enumerate(values):
            for x, value in enumerate(row):
                if value is None:
                    axes.text(x, y, "–", ha="center", va="center", size=7)
                elif value < 100:
                    axes.text(
                        x, y, f"{value:.0f}", ha="center", va="center", size=7, color="#fff" if value < 45 else "#000"
                    )  # fmt: skip
        axes.spines[:].set_visible(False)
        return _svg(figure, "Heat map of students and tasks; the numbers are in the table at the end of the page")


def _part(result: Result, task: str) -> float | None:
    stories = [story for story in result.stories if story.task == task]
    points = sum(story.points for story in stories)
    if not points or any(story.outcome == "not graded" for story in stories):
        return None
    return 100 * sum(story.points for story in stories if story.outcome == "passed") / points


def failures(commonest: Sequence[tuple[str, str, int]]) -> Markup:
    """How many students failed which story."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 0.7 + 0.34 * max(1, len(commonest))), layout="constrained")
        axes = figure.subplots()
        labels = [_short(f"{task.split()[0]} {title}", LONGEST_LABEL) for task, title, _ in commonest]
        bars = axes.barh(range(len(labels)), [count for _, _, count in commonest], color=BLUE)
        axes.bar_label(bars, padding=3)
        axes.set_yticks(range(len(labels)), labels, size=8)
        axes.invert_yaxis()
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="students")
        return _svg(figure, "Bars of the commonest failures; the numbers are in the table below")


def times(seconds: Sequence[float]) -> Markup:
    """How long submissions took."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 2.4), layout="constrained")
        axes = figure.subplots()
        axes.hist(seconds, bins=20, color=GREY, rwidth=0.92)
        axes.set(xlabel="seconds", ylabel="submissions", xlim=(0, None))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        longest = max(seconds, default=0)
        return _svg(figure, f"Histogram of the seconds that submissions took; the longest {longest:.0f}")


def _short(text: str, longest: int) -> str:
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return text.replace("$", r"\$")  # matplotlib takes what is between two of them for a formula


def _svg(figure: Figure, what: str) -> Markup:
    """The drawing without its XML head, with words for whoever cannot see it."""
    out = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in another script: the page's own font has it
        figure.savefig(out, format="svg", transparent=True, metadata=nothing)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = text.replace(' target="_blank"', "").replace('xlink:href="students/', 'href="students/')
    label = f'role="group" aria-label="{escape(what)}"'
    # The drawing's text is escaped by matplotlib's own writer.
    return Markup(text.replace("<svg ", f"<svg {label} ", 1))
