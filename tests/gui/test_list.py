"""The list: who said what, where it stands, and what stays in place."""

from reference.client.events import FileFailed, FileOffered, FileProgress, PersonJoined, PersonLeft, Said
from reference.gui import history, measure, rows
from reference.gui.runs import runs
from tests.gui.rig import Rig, is_near


def body(rig: Rig, row: rows.Row):
    """The label with the row's text."""
    return rig.view(row).ids.body


def test_the_first_line_greets_in_green(rig: Rig):
    """You have joined the group chat: in green, before all else."""
    rig.joined()
    assert [row.text for row in rig.rows] == ["You have joined the group chat"]
    label = rig.view(rig.rows[0]).children[0]
    red, green, blue, _ = label.color
    assert green > max(red, blue)


def test_who_comes_and_goes_is_told_and_listed(rig: Rig):
    """The join and exit lines are the terminal's, and the side list follows."""
    rig.joined()
    rig.happens(PersonJoined("priya"), PersonLeft("sanjay"))
    assert [row.text for row in rig.rows[1:]] == ["priya joined the chat!", "sanjay exited the chat"]
    assert rig.root.people == 2
    assert [person["text"] for person in rig.root.ids.people.data] == ["sravya", "priya"]


def test_a_name_in_arabic_does_not_turn_the_notice_around(rig: Rig):
    """The notice is English; copied, it has no invisible mark."""
    rig.joined()
    rig.happens(PersonJoined("سارة"))
    row = rig.rows[-1]
    shown = [run.text for run in runs(row.text)]
    assert shown.index("سارة") < shown.index("joined the chat") < shown.index("!")
    assert row.line == "سارة joined the chat!"


def test_own_messages_are_on_the_right_others_on_the_left(rig: Rig):
    """As in every chat; the bubbles have colours of their own."""
    rig.joined()
    rig.happens(Said("sanjay", "hello"))
    rig.app.conversation.say("hi")
    rig.frames(4)
    theirs, mine = (rig.view(row) for row in rig.rows[1:])
    assert theirs.left < rig.history.width / 4
    assert mine.left + mine.bubble > rig.history.width * 0.9
    theme = rig.app.theme
    for view, colour in ((theirs, theme.theirs), (mine, theme.mine)):
        x, y = view.to_window(view.left + 4, view.y + view.height / 2)
        assert is_near(rig.pixel(x, y), tuple(round(part * 255) for part in colour[:3]), 3)


def test_a_message_has_name_and_time_and_the_next_of_the_same_person_no_name(rig: Rig):
    """Texts of one person stand together under one name."""
    rig.joined()
    rig.happens(Said("sanjay", "one"), Said("sanjay", "two"), Said("priya", "three"))
    assert [measure.has_name(row) for row in rig.rows[1:]] == [True, False, True]
    assert all(len(row.time) == 5 for row in rig.rows[1:])


def test_markup_of_others_is_shown_never_obeyed(rig: Rig):
    """Kivy's markup in a text is a text."""
    rig.joined()
    rig.happens(Said("[b]x[/b]", "[color=ff0000]red[/color] [ref=a]link[/ref]"))
    label = body(rig, rig.rows[1])
    assert label.text == "[color=ff0000]red[/color] [ref=a]link[/ref]"
    assert not label.markup


def test_control_characters_are_shown_harmlessly(rig: Rig):
    """As in a terminal: an escape is a picture of an escape."""
    rig.joined()
    rig.happens(Said("eve", "a\x1b[2Jb\u202ec"))
    assert rig.rows[1].text == "a␛[2Jb\\u202ec"


def test_heights_computed_beforehand_are_those_that_are_drawn(rig: Rig):
    """Short, long, of several lines, in several scripts: the label is as high as was computed."""
    rig.joined()
    texts = ["short", "long " * 60, "two\nlines", "नमस्ते నమస్కారం 你好 مرحبا 👋🏽 " * 9, "x" * 400]
    for text in texts:
        rig.happens(Said("sanjay", text))
        row = rig.rows[-1]
        view = rig.view(row)
        frame = measure.gap(row) + 2 * measure.PAD + measure.TIME_HEIGHT
        frame += measure.NAME_HEIGHT if measure.has_name(row) else 0
        assert abs(view.ids.body.height + frame - row.height) <= 1
        assert view.ids.body.width <= row.bubble - 2 * measure.PAD + 1


def test_ten_thousand_messages_need_few_widgets(rig: Rig):
    """Only what is in sight is a widget."""
    rig.joined()
    for number in range(10_000):
        rig.app.conversation.show(Said("sanjay", f"message {number}"))
    rig.frames(5)
    assert len(rig.rows) == 10_001
    assert len(rig.history.layout_manager.children) < 40
    assert rig.view(rig.rows[-1]).text == "message 9999"


def test_the_list_follows_who_reads_at_its_end(rig: Rig):
    """New messages are in sight at once."""
    rig.joined()
    for number in range(50):
        rig.happens(Said("sanjay", f"message {number}"))
        assert rig.view(rig.rows[-1]).text == f"message {number}"


def test_the_list_does_not_move_for_who_reads_further_up(rig: Rig):
    """What is being read stays where it is, and what came meanwhile is counted."""
    rig.joined()
    for number in range(200):
        rig.app.conversation.show(Said("sanjay", f"message {number}"))
    rig.frames(4)
    rig.history.scroll_y = 0.5
    rig.frames(4)
    reading = rig.view(next(row for row in rig.rows if row.text == "message 100"))
    before = reading.to_window(*reading.pos)
    rig.happens(*(Said("sanjay", f"new {number}\nand more") for number in range(30)))
    after = reading.to_window(*reading.pos)
    assert abs(after[1] - before[1]) <= 1
    assert rig.history.unread == 30
    assert rows.UNREAD in [row.kind for row in rig.rows]


def test_jump_goes_to_the_newest_and_all_is_read(rig: Rig):
    """The button that is there while one reads further up."""
    rig.joined()
    for number in range(200):
        rig.app.conversation.show(Said("sanjay", f"message {number}"))
    rig.frames(4)
    rig.history.scroll_y = 0.8
    rig.happens(Said("sanjay", "the newest"))
    rig.click(rig.button("1 new"))
    assert rig.view(rig.rows[-1]).text == "the newest"
    assert rig.history.unread == 0


def test_the_oldest_rows_go_when_there_are_too_many(rig: Rig, monkeypatch):
    """Memory stays flat however long the chat is, and who reads stays where they are."""
    monkeypatch.setattr(history, "MAX_ROWS", 300)
    monkeypatch.setattr(history, "_DROPPED_AT_ONCE", 50)
    rig.joined()
    for number in range(290):
        rig.app.conversation.show(Said("sanjay", f"message {number}"))
    rig.frames(4)
    rig.history.scroll_y = 0.3
    rig.frames(4)
    reading = rig.view(next(row for row in rig.rows if row.text == "message 200"))
    before = reading.to_window(*reading.pos)
    rig.happens(*(Said("sanjay", f"new {number}") for number in range(100)))
    assert len(rig.rows) <= 301
    view = rig.view(next(row for row in rig.rows if row.text == "message 200"))
    assert abs(view.to_window(*view.pos)[1] - before[1]) <= 1


def test_files_of_rows_that_went_are_forgotten(rig: Rig, monkeypatch):
    """Nothing holds on to them, and what still happens to them is nothing to the window."""
    monkeypatch.setattr(history, "MAX_ROWS", 20)
    monkeypatch.setattr(history, "_DROPPED_AT_ONCE", 10)
    rig.joined()
    rig.happens(FileOffered(1, "sanjay", "a.txt", 5, False))
    rig.happens(*(Said("sanjay", f"message {number}") for number in range(30)))
    assert not rig.app.conversation._files
    rig.happens(FileProgress(1, "a.txt", 3, 5), FileFailed(1, "a.txt", "gone"), Said("sanjay", "still here"))
    assert rig.rows[-1].text == "still here"


def test_the_side_list_hides_when_the_window_is_narrow(rig: Rig):
    """At 500 pixels the messages need the room."""
    from kivy.core.window import Window

    rig.joined()
    assert rig.root.ids.side.width > 100
    Window.size = (500, 600)
    rig.frames(5)
    assert rig.root.ids.side.width == 0
    assert rig.history.width > 480


def test_a_right_click_copies_the_text(rig: Rig, monkeypatch):
    """And says so."""
    copied: list[str] = []
    monkeypatch.setattr("reference.gui.bubbles.Clipboard.copy", copied.append)
    rig.joined()
    rig.happens(Said("sanjay", "copy me"))
    rig.click(rig.view(rig.rows[1]), "right")
    assert copied == ["copy me"]
    assert rig.root.told == "Copied"
