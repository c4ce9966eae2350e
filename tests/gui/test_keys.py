"""The keyboard, all the way."""

import pytest
from kivy.core.window import Window
from kivy.uix.label import Label

from reference.client.events import FileOffered
from tests.gui.rig import Rig

ENTER, ESCAPE, TAB, SPACE, LETTER_D, LETTER_O, F1 = 13, 27, 9, 32, 100, 111, 282


def test_enter_sends(rig: Rig):
    """And the box is empty again, ready for more."""
    rig.joined()
    rig.input.text = "hello"
    rig.press(ENTER)
    assert rig.client.said == ["hello"]
    assert rig.input.text == ""
    assert rig.input.focus
    assert rig.rows[-1].text == "hello"
    assert rig.rows[-1].mine


def test_shift_enter_breaks_the_line_and_the_box_grows(rig: Rig):
    """A text of several lines."""
    rig.joined()
    low = rig.input.height
    rig.input.text = "one"
    rig.input.cursor = (3, 0)
    rig.press(ENTER, modifiers=["shift"])
    assert rig.input.text == "one\n"
    assert rig.client.said == []
    assert rig.input.height > low


def test_nothing_is_sent_of_blanks(rig: Rig):
    """An empty bubble says nothing."""
    rig.joined()
    rig.input.text = "  \n "
    rig.press(ENTER)
    assert rig.client.said == []


def test_a_text_over_the_limit_is_kept_and_said(rig: Rig):
    """It can be made shorter."""
    rig.joined()
    rig.input.text = "x" * 5000
    rig.press(ENTER)
    assert rig.root.told == "Not sent: the text has 5000 bytes, 4096 at most"
    assert len(rig.input.text) == 5000
    assert len(rig.rows) == 1


def test_tab_goes_from_the_box_to_the_buttons(rig: Rig):
    """And the space bar presses them."""
    rig.joined()
    rig.input.text = "by keyboard"
    order = []
    for _ in range(2):
        rig.press(TAB)
        order += [widget.text for widget in rig.root.walk() if getattr(widget, "focus", False)]
    assert order == ["Attach File", "Send"]
    rig.press(SPACE)
    rig.frames(15)
    assert rig.client.said == ["by keyboard"]


def test_control_o_opens_the_chooser_escape_closes_it_and_one_goes_on_writing(rig: Rig):
    """The keyboard alone sends files."""
    rig.joined()
    rig.press(LETTER_O, "o", ["ctrl"])
    chooser = rig.dialog()
    rig.frames(20)
    assert chooser.ids.path.focus
    rig.press(ESCAPE)
    rig.until(lambda: chooser.parent is None)
    assert rig.input.focus
    rig.press(ESCAPE)
    assert rig.input.focus, "Escape takes the focus from where one writes"


def test_the_chooser_sends_what_is_typed_and_remembers_the_folder(rig: Rig, tmp_path):
    """Select sends at once."""
    (tmp_path / "a.txt").write_text("x")
    rig.joined()
    rig.root.attach()
    chooser = rig.dialog()
    rig.frames(20)
    chooser.ids.path.text = str(tmp_path)
    rig.press(ENTER)
    assert chooser.folder == str(tmp_path)
    rig.until(lambda: chooser.ids.files.files)
    chooser.step(1)
    assert chooser.selected == str(tmp_path / "a.txt")
    rig.click(rig.button("Select", chooser))
    assert rig.client.sent == [tmp_path / "a.txt"]
    assert rig.root.last_folder == str(tmp_path)


def test_the_chooser_says_what_is_no_file(rig: Rig, tmp_path):
    """And stays open."""
    rig.joined()
    rig.root.attach()
    chooser = rig.dialog()
    rig.frames(20)
    chooser.ids.path.text = str(tmp_path / "gone")
    rig.press(ENTER)
    assert chooser.hint == "No such file"
    assert rig.client.sent == []


def test_control_d_changes_between_dark_and_light(rig: Rig):
    """All colours at once."""
    rig.joined()
    dark = rig.pixel(300, 300)
    rig.press(LETTER_D, "d", ["ctrl"])
    rig.frames(4)
    assert sum(rig.pixel(300, 300)) > sum(dark) + 300


def test_a_card_keeps_its_colours_through_a_change_of_theme(rig: Rig):
    """Each line its own: name, file name and facts."""
    rig.joined()
    rig.happens(FileOffered(1, "sanjay", "a.txt", 5, False))
    rig.press(LETTER_D, "d", ["ctrl"])
    rig.frames(4)
    labels = (each for each in rig.view(rig.rows[-1]).walk(restrict=True) if isinstance(each, Label))
    colours = {label.text: label.color for label in labels}
    theme = rig.app.theme
    assert colours["a.txt"] == theme.text
    assert colours["5 bytes"] == theme.faint
    assert colours["sanjay"] == pytest.approx(list(theme.of_name("sanjay", dark=False)))


def test_a_click_anywhere_leaves_the_keyboard_where_one_writes(rig: Rig):
    """On the list, and on a button, which the space bar would press again."""
    rig.joined()
    rig.happens(FileOffered(1, "sanjay", "a.txt", 5, True))
    for widget in (rig.history, rig.button("Download")):
        rig.click(widget)
        assert rig.input.focus


def test_f1_opens_nothing_of_kivys(rig: Rig):
    """Its settings are not for a chat."""
    rig.joined()
    rig.press(F1)
    rig.frames(5)
    assert len(Window.children) == 1
