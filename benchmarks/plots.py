"""Bars as SVG, written by hand: a chart of this kind is a few rectangles."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABEL, BAR, GAP, TOP = 720, 150, 18, 22, 56
FULL = WIDTH - LABEL - 110  # the longest bar; the rest is for its number

STYLE = """\
text { font: 13px sans-serif; fill: #24292f } .title { font-weight: 600; font-size: 15px } .small { fill: #57606a }
rect.other { fill: #8c959f } rect.ours { fill: #0969da } line { stroke: #24292f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #9198a1 } line { stroke: #e6edf3 } }"""


@dataclass(frozen=True)
class Bar:
    """One bar: the median, and from where to where the rounds lie."""

    label: str
    median: float
    least: float
    most: float
    ours: bool = False


def chart(title: str, unit: str, groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Groups of bars, each group with a heading, all on one scale."""
    longest = max((bar.most for _, bars in groups for bar in bars), default=0) or 1
    pieces, y = [], TOP
    for heading, bars in groups:
        pieces.append(f'<text class="small" x="12" y="{y}">{escape(heading)}</text>')
        y += 10
        for bar in bars:
            pieces.append(_bar(bar, y, FULL / longest))
            y += BAR + 6
        y += GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<text class="title" x="12" y="24">{escape(title)} <tspan class="small">({escape(unit)})</tspan></text>',
            *pieces,
            "</svg>",
            "",
        ]
    )


def _bar(bar: Bar, y: int, scale: float) -> str:
    kind = "ours" if bar.ours else "other"
    middle = y + BAR / 2
    least, most = LABEL + bar.least * scale, LABEL + bar.most * scale
    return (
        f'<text x="{LABEL - 8}" y="{middle + 5}" text-anchor="end">{escape(bar.label)}</text>'
        f'<rect class="{kind}" x="{LABEL}" y="{y}" width="{bar.median * scale:.1f}" height="{BAR}"/>'
        f'<line x1="{least:.1f}" x2="{most:.1f}" y1="{middle}" y2="{middle}"/>'
        f'<text x="{most + 8:.1f}" y="{middle + 5}">{number(bar.median)}</text>'
    )


def number(value: float) -> str:
    """A number as people read it: three digits that matter, and a word for the rest."""
    for size, word in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{word}"
    return f"{value:.3g}"
