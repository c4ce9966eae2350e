"""What the web pages share: the templates, with everything from outside escaped, and the style.

A page has no script at all, and its Content-Security-Policy forbids any, and every request to elsewhere: so even a
fault in escaping could do nothing.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("labkit.grade.reports", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["number"] = number
    return environment


def render(name: str, **values: Any) -> str:
    """A page."""
    return _environment().get_template(name).render(**values)


def number(value: float | None) -> str:
    """A number as people write it; a dash for none."""
    return "–" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
