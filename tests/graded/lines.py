"""When a line on a screen is a line of the contract."""

from __future__ import annotations

import re
import unicodedata

# A program may have a prompt, and what arrives while it waits is then printed behind it: "> ",
# ">>> ", "You: ", "> > ". Never blanks alone: further lines of a text are indented so that
# nobody can forge a line, and must not be taken for one.
_PROMPT = re.compile(r"(?:\w{0,32}[>:$#»›❯]+ ?)+")


def is_line(expected: str, shown: str) -> bool:
    """Whether a line shown is, as a whole, the expected one; a prompt before it does not count."""
    expected, shown = _plain(expected), _plain(shown)
    return expected in (shown, without_prompt(shown))


def without_prompt(shown: str) -> str:
    """What stands in a line behind its prompt, or all of it."""
    prompt = _PROMPT.match(shown)
    return shown[prompt.end() :] if prompt else shown


def own_words(line: str, shown: list[str]) -> str:
    """What a program has put before a line, if it has letters and is no prompt: that one waits in the last line too."""
    first = next(each for each in map(_plain, shown) if is_line(line, each))
    before = first.removesuffix(_plain(line))
    is_prompt = set(before.split()) == set(shown[-1].split())
    return before if any(map(str.isalnum, before)) and not is_prompt else ""


def is_question(question: str, shown: str) -> bool:
    """Whether a line shown is this question, answered already or not."""
    return _plain(shown).startswith(_plain(question))


def in_order(expected: tuple[str, ...], shown: list[str]) -> bool:
    """Whether the expected lines are among those shown, in this order, others in between or not."""
    rest = iter(shown)
    return all(any(is_line(line, candidate) for candidate in rest) for line in expected)


def _plain(line: str) -> str:
    # Composed and decomposed accents look the same, and terminals may turn one into the other.
    return unicodedata.normalize("NFC", line).rstrip()
