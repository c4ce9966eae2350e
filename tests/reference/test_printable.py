"""Text from others: what a terminal would obey is shown, and names that look alike count as one."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.printable import has_control, lines, one_line, plain

reliably = settings(derandomize=True, deadline=None, database=None, max_examples=200)

HARMLESS = [
    "hello",
    "Grüße, привет, 你好, नमस्ते, మెరుపు",
    "שלום and مرحبا",  # right to left by nature: that is how they are read
    "👩\u200d👩\u200d👧\u200d👦",  # a family, joined
    "क्\u200dष and می\u200cخواهم",  # joiners are spelling
    "❤\ufe0f 🇮🇳 👍🏽",
    "e\u0301",
    "[sravya] !q /etc/passwd ../.. %s {0} \\n \\x1b",
]

HOSTILE = {
    "colour": ("\x1b[31mred", "␛[31mred"),
    "clear the screen": ("\x1b[2J\x1b[H", "␛[2J␛[H"),
    "set the title": ("\x1b]0;title\x07", "␛]0;title␇"),
    "one-byte escape": ("\x9b31m", "\\u009b31m"),
    "string terminator": ("\x9c", "\\u009c"),
    "backspace": ("rm\b\bls", "rm␈␈ls"),
    "carriage return": ("[mine]\r[yours]", "[mine]␍[yours]"),
    "line feed": ("one\ntwo", "one␊two"),
    "NUL": ("a\0b", "a␀b"),
    "DEL": ("a\x7fb", "a␡b"),
    "tab": ("a\tb", "a b"),
    "next line": ("a\x85b", "a\\u0085b"),
    "line separator": ("a\u2028b", "a\\u2028b"),
    "paragraph separator": ("a\u2029b", "a\\u2029b"),
    "right-to-left override": ("\u202egpj.exe", "\\u202egpj.exe"),
    "left-to-right override": ("\u202dabc\u202c", "\\u202dabc\\u202c"),
    "embeddings": ("\u202aa\u202bb", "\\u202aa\\u202bb"),
    "isolates": ("\u2066a\u2067b\u2068c\u2069", "\\u2066a\\u2067b\\u2068c\\u2069"),
    "marks of direction": ("\u200ea\u200fb\u061c", "\\u200ea\\u200fb\\u061c"),
    "byte order mark": ("\ufeffa", "\\ufeffa"),
    "interlinear annotation": ("\ufff9a\ufffab\ufffb", "\\ufff9a\\ufffab\\ufffb"),
    "half a surrogate pair": ("\udc80", "\\udc80"),
}


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_is_shown_as_it_is(text: str) -> None:
    """Every script, and emoji, whole with the joiners that they are spelled with."""
    assert one_line(text) == text
    assert lines(text) == [text]
    assert not has_control(text)


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_what_acts_on_a_screen_is_shown_by_a_stand_in(text: str, shown: str) -> None:
    """Escape sequences, control characters and overrides are visible and do nothing."""
    assert one_line(text) == shown
    assert has_control(text)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_further_lines_are_indented(line_break: str) -> None:
    """Whatever breaks a line, what follows cannot pass for a line of somebody else's."""
    assert lines(f"[sravya] hi{line_break}[sanjay] I owe you") == ["[sravya] hi", "    [sanjay] I owe you"]


def test_empty_lines_stay() -> None:
    """Every line break counts, at the beginning and at the end too."""
    assert lines("") == [""]
    assert lines("\n") == ["", "    "]
    assert lines("a\n\nb\n") == ["a", "    ", "    b", "    "]


def test_each_line_is_made_harmless() -> None:
    """Not just the first."""
    assert lines("a\n\x1b[2J") == ["a", "    ␛[2J"]


@reliably
@given(st.text())
def test_no_text_reaches_a_screen_with_anything_that_acts_on_it(text: str) -> None:
    """For any text: no control character, no override, no line break is left."""
    for line in [one_line(text), *lines(text)]:
        assert not has_control(line)
        assert not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in line)
        assert len(line.splitlines()) <= 1
        line.encode()


@reliably
@given(st.text())
def test_every_line_but_the_first_is_indented(text: str) -> None:
    """For any text."""
    assert all(line.startswith("    ") for line in lines(text)[1:])


ALIKE = {
    "case": ("sravya", "SRAVYA"),
    "sharp s": ("straße", "STRASSE"),
    "full width": ("sravya", "ｓｒａｖｙａ"),
    "bold letters": ("sravya", "𝐬𝐫𝐚𝐯𝐲𝐚"),
    "ligature": ("ﬁona", "fiona"),
    "accent in one character or two": ("ren\u00e9", "rene\u0301"),
    "accent behind something that does not show": ("ren\u00e9", "rene\u200d\u0301"),
    "spaces around": ("sravya", "  sravya "),
    "two spaces": ("a b", "a  b"),
    "no-break space": ("a b", "a\u00a0b"),
    "zero-width space": ("sravya", "sra\u200bvya"),
    "joiner": ("sravya", "sra\u200dvya"),
    "soft hyphen": ("sravya", "sra\u00advya"),
    "word joiner": ("sravya", "sravya\u2060"),
    "variation selector": ("sravya", "sravya\ufe0f"),
    "rare variation selector": ("sravya", "sravya\U000e0100"),
    "Mongolian variation selector": ("sravya", "sravya\u180b"),
    "grapheme joiner": ("sravya", "sra\u034fvya"),
    "tag letters": ("sravya", "sravya\U000e0061"),
    "Hangul filler": ("sravya", "sravya\u3164"),
    "Khmer vowel that does not show": ("sravya", "sravya\u17b4"),
    "Braille blank": ("sravya", "sravya\u2800"),
}


@pytest.mark.parametrize(("one", "other"), ALIKE.values(), ids=ALIKE)
def test_names_that_look_alike_have_one_plain_form(one: str, other: str) -> None:
    """Nobody can pass for another by a character that is folded or does not show."""
    assert plain(one) == plain(other)


@pytest.mark.parametrize(("one", "other"), [("sravya", "sanjay"), ("a b", "ab"), ("rene", "rené"), ("я", "r")])
def test_names_that_differ_have_different_plain_forms(one: str, other: str) -> None:
    """What a reader can tell apart are two names."""
    assert plain(one) != plain(other)


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u3164", "\u2800", "\u00ad\u200d", "\ufe0f", "\U000e0100", "\t"])
def test_a_name_that_shows_nothing_has_no_plain_form(name: str) -> None:
    """Blank is blank, by whatever character."""
    assert plain(name) == ""


@reliably
@given(st.text())
def test_a_plain_form_is_its_own_plain_form(name: str) -> None:
    """For any name: so that comparing plain forms is enough."""
    assert plain(plain(name)) == plain(name)


@reliably
@given(st.text(), st.sampled_from("\u200b\u200d\u00ad\ufe0f\u2060\U000e0100\u180b"), st.integers(0, 50))
def test_what_does_not_show_makes_no_other_name(name: str, hidden: str, at: int) -> None:
    """For any name and at any place in it."""
    assert plain(name[:at] + hidden + name[at:]) == plain(name)


def test_a_stand_in_is_ascii_or_a_picture() -> None:
    """What stands in for a character has a fixed form: a picture, or its number."""
    for number in [*range(0x20), *range(0x7F, 0xA0), 0x202E, 0xD800, 0xFEFF]:
        assert re.fullmatch(r"[\u2400-\u2421 ]|\\u[0-9a-f]{4}", one_line(chr(number)))
