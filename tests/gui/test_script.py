"""Everyone's script: no boxes, in the right order, next to Latin."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from reference.gui.fonts import chain, font_for, has
from reference.gui.runs import is_right_to_left, runs
from tests.gui.rig import Rig

GREETINGS = [
    "नमस्ते",
    "నమస్కారం",
    "你好",
    "こんにちは",
    "안녕하세요",
    "مرحبا",
    "שלום",
    "வணக்கம்",
    "สวัสดี",
    "👋🏽",
    "Привет",
    "Γειά",
]


@pytest.mark.parametrize("greeting", GREETINGS)
def test_each_letter_is_in_the_font_that_draws_it(greeting: str):
    """No boxes: in the middle of Latin text too."""
    for run in runs(f"hello {greeting} world"):
        missing = [
            each for each in run.text if not has(run.font, each) and unicodedata.category(each) not in ("Cf", "Mn")
        ]
        assert not missing, f"{run.font.path} has no {missing}"


@pytest.mark.parametrize("greeting", GREETINGS)
def test_no_letter_looks_like_a_missing_one(greeting: str):
    """Drawn, it is not the box that stands for a letter that a font has not."""
    for letter in greeting:
        if unicodedata.category(letter)[0] == "L":
            font = ImageFont.truetype(font_for(letter).path, 40)
            assert _drawn(font, letter) != _drawn(font, "\U000e0fff")


def test_a_whole_script_is_one_run():
    """So that the shaping library sees words as a whole."""
    assert [run.text for run in runs("నమస్కారం అందరికీ")] == ["నమస్కారం అందరికీ"]
    assert [run.text for run in runs("hello, world 42!")] == ["hello, world 42!"]


@pytest.mark.parametrize("emoji", ["👋🏽", "👨‍👩‍👧", "🇮🇳", "1️⃣", "❤️"])
def test_an_emoji_of_several_characters_is_one_run_of_an_emoji_font(emoji: str):
    """Skin tones, families, flags, keycaps and hearts."""
    (run,) = (run for run in runs(f"a{emoji}b") if run.font.emoji)
    assert run.text == emoji


def test_arabic_in_latin_stands_in_its_place():
    """Words of another direction keep their place in the line, and its signs are the line's."""
    assert [run.text for run in runs("abc مرحبا! def")] == ["abc", " ", "مرحبا", "! ", "def"]


def test_latin_and_emoji_in_arabic_are_read_from_the_right():
    """The first word is the one on the right."""
    shown = [run.text.strip() for run in runs("مرحبا hello بكم 👋🏽")]
    assert [each for each in shown if each] == ["👋🏽", "بكم", "hello", "مرحبا"]
    assert is_right_to_left("مرحبا hello")
    assert not is_right_to_left("hello مرحبا")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_can_be_measured_and_loses_no_letter(text: str):
    """Whatever others write, it is drawn with the same letters, control characters aside."""
    from reference.gui.text import width_of

    assert width_of(text, 15, False) >= 0
    shown = "".join(run.text for run in runs(text))
    assert sorted(shown) == sorted(each for each in text if unicodedata.category(each) not in ("Cc", "Cs", "Zl", "Zp"))


def test_greetings_in_one_window_next_to_latin(rig: Rig):
    """Names and messages: all letters leave ink of their colour where they should be."""
    from reference.client.events import PersonJoined, Said

    rig.joined()
    for number, greeting in enumerate(GREETINGS):
        rig.happens(PersonJoined(greeting), Said(greeting, f"hello {greeting} {number}"))
        view = rig.view(rig.rows[-1])
        assert view.ids.body.texture.width > 60


def test_the_fonts_are_there():
    """The chain has letters, emoji and ideographs."""
    names = " ".join(font.path for font in chain())
    assert "NotoSans[wght]" in names
    assert "CJK" in names
    assert any(font.emoji for font in chain())


def _drawn(font: ImageFont.FreeTypeFont, text: str) -> bytes:
    image = Image.new("L", (80, 80))
    ImageDraw.Draw(image).text((10, 10), text, font=font, fill=255)
    return image.tobytes()
