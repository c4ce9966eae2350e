"""Every error line of the kit is found on the page that explains them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit import ladder
from labkit.guide import messages
from labkit.guide.messages import Message

PAGE = ladder.ROOT / "labs" / "troubleshooting.md"


def _spans() -> list[str]:
    """What stands in backticks on the page."""
    return re.findall(r"`([^`]+)`", PAGE.read_text(encoding="utf-8"))


def test_every_error_line_is_on_the_page() -> None:
    """All its fixed words, in one place."""
    spans = _spans()
    missing = [each for each in messages.messages() if not any(_has(span, each) for span in spans)]
    assert not missing, (
        "Add to labs/troubleshooting.md, in backticks, with … for each value, and what it means and what to do:\n"
        + "\n".join(map(str, missing))
    )


def _has(span: str, message: Message) -> bool:
    return all(words in span for words in message.words)


def test_what_an_error_line_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Printed on stderr, raised, ending the program, or beginning like one; not what is for other programmers."""
    monkeypatch.setattr(ladder, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "SOURCES", ("reference",))
    (tmp_path / "reference").mkdir()
    (tmp_path / "Makefile").write_text("x:\n\t{ echo 'Say which' >&2; exit 2; }\n", encoding="utf-8")
    (tmp_path / "reference" / "some.py").write_text(
        '"""Cannot be an error: a docstring."""\n'
        'print(f"nothing {name} there", file=sys.stderr)\n'
        'raise NameRefused("name-taken", "this name is taken")\n'
        'raise ValueError("for programmers")\n'
        'sys.exit("the end")\n'
        'show(f"Cannot send {path}: {reason}")\n'
        'show("all is well")\n',
        encoding="utf-8",
    )
    found = sorted(" … ".join(each.words) for each in messages.messages())
    assert found == ["Cannot send", "Say which", "nothing … there", "the end", "this name is taken"]
