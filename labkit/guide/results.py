"""What was measured, from the files that `make bench`, `make matrix` and `make mutants` write. Nothing is invented:
where there is no such file, the page says how to make it."""

from labkit import ladder

FIGURES = ladder.ROOT / "labs" / "figures"

MAKERS = {"benchmarks": "make bench", "matrix": "make matrix", "mutants": "make mutants"}
CHARTS = "make bench"


def table(rest: str) -> str:
    """``benchmarks.md Goals | fan-out``: the table below this heading, or those of its rows that have these words.

    Raises LookupError when the file is there, and they are not in it.
    """
    where, _, words = rest.partition(" | ")
    name, _, heading = where.partition(" ")
    text = _read(name)
    if text is None:
        return _not_here(name)
    section = _section(text, heading)
    lines = [line for line in section if line.startswith("|")]
    rows = [line for line in lines[2:] if words.casefold() in line.casefold()]
    if not rows:
        raise LookupError(f"labs/figures/{name} has no row with {words!r} below {heading!r}")
    return "\n".join([*lines[:2], *rows, ""])


def whole(name: str) -> str:
    """A result file without its title."""
    text = _read(name)
    if text is None:
        return _not_here(name)
    return "\n".join(line for line in text.splitlines() if not line.startswith("# "))


def chart(rest: str) -> str:
    """A picture."""
    name, _, words = rest.partition(" ")
    if not (FIGURES / name).is_file():
        return _note(CHARTS)
    return f"![{words}](figures/{name})\n"


def _read(name: str) -> str | None:
    path = FIGURES / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _section(text: str, heading: str) -> list[str]:
    lines = text.splitlines()
    begin = next((n for n, line in enumerate(lines) if line.lstrip("#").strip() == heading), None)
    if begin is None:
        raise LookupError(f"there is no heading {heading!r}")
    end = next((n for n in range(begin + 1, len(lines)) if lines[n].startswith("#")), len(lines))
    return lines[begin:end]


def _not_here(name: str) -> str:
    stem = name.partition(".")[0]
    if stem not in MAKERS:
        raise LookupError(f"nothing makes {name}: it is one of {', '.join(MAKERS)}")
    return _note(MAKERS[stem])


def _note(command: str) -> str:
    return f'!!! note "Not measured in this checkout"\n\n    `{command}` measures it; then the page shows it.\n'
