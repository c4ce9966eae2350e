"""How big things are, in pixels, and how high each row will be: known before any widget of it exists.

The kv files take the same numbers from here, so that what is computed and what is drawn cannot differ.
"""

from math import ceil

from kivy.core.text import Label as CoreLabel
from kivy.metrics import dp, sp

from reference.gui import rows
from reference.gui.rows import FileItem, Row
from reference.gui.text import line_height, width_of

TEXT_SIZE = sp(15)
SMALL_SIZE = sp(12)
MARGIN = dp(12)  # between a bubble and the list's edge
BAR = dp(8)  # the scroll bar stands there, on the right
PAD = dp(11)  # between a bubble and what is in it
GAP = dp(10)  # above a bubble
CLOSE_GAP = dp(3)  # above a bubble of the same person
NAME_HEIGHT = dp(19)
TIME_HEIGHT = dp(15)
LINE_HEIGHT = dp(19)
BUTTON_HEIGHT = dp(30)
BAR_HEIGHT = dp(8)
NOTICE_PAD = dp(6)
MAX_BUBBLE = dp(560)
CARD = dp(360)
PREVIEW = dp(360), dp(260)  # a picture or a video in the list is at most so wide and high
SOUND_HEIGHT = dp(40)


def measure(row: Row, width: float) -> None:
    """Set a row's height, and how wide its bubble is, in a list of this width."""
    _measure(row, width)
    row.height, row.bubble = ceil(row.height), ceil(row.bubble)  # letters between two pixels are blurred


def _measure(row: Row, width: float) -> None:
    widest = min(MAX_BUBBLE, width - 2 * MARGIN - dp(24))
    if row.kind in (rows.NOTICE, rows.UNREAD):
        row.height = _text_height(row.text, SMALL_SIZE, width - 2 * MARGIN) + 2 * NOTICE_PAD
        return
    frame = gap(row) + 2 * PAD + TIME_HEIGHT + (NAME_HEIGHT if has_name(row) else 0)
    if row.file is None:
        inner = widest - 2 * PAD
        natural = max(_text_width(line, TEXT_SIZE) for line in row.text.split("\n"))
        row.wrap = inner if natural > inner else 0
        if row.wrap:
            text_height = _text_height(row.text, TEXT_SIZE, inner)
        else:
            text_height = (row.text.count("\n") + 1) * line_height(TEXT_SIZE)
        if has_name(row):
            natural = max(natural, _text_width(row.sender, SMALL_SIZE, bold=True))
        row.bubble = min(max(natural, _text_width(row.time, SMALL_SIZE)), inner) + 2 * PAD
        row.height = frame + text_height
    else:
        row.bubble = min(CARD + 2 * PAD, widest)
        row.height = frame + media_height(row, row.bubble - 2 * PAD) + 3 * LINE_HEIGHT + footer_height(row.file)
        if row.file.note:
            row.height += _text_height(row.file.note, SMALL_SIZE, row.bubble - 2 * PAD)


def gap(row: Row) -> float:
    """The free space above a bubble."""
    return float(CLOSE_GAP if row.follows else GAP)


def has_name(row: Row) -> bool:
    """Whether the sender's name stands in the bubble."""
    return not row.mine and not row.follows


def media_height(row: Row, width: float) -> float:
    """The height of the picture, the video or the sound's bar in a card."""
    preview = row.file.preview if row.file else None
    if preview is None or row.kind == rows.FILE:
        return 0.0
    if row.kind == rows.SOUND:
        return float(SOUND_HEIGHT)
    below = SOUND_HEIGHT if row.kind == rows.VIDEO else 0
    return float(preview.height * media_width(row, width) / preview.width + dp(6) + below)


def media_width(row: Row, width: float) -> float:
    """The width of a picture or a video in a card that has room for this width."""
    preview = row.file.preview if row.file else None
    return float(min(width, preview.width)) if preview else 0.0


def footer_height(file: FileItem) -> float:
    """The height of what stands under a card's lines: a bar of progress, buttons."""
    height = BAR_HEIGHT if file.state in (FileItem.COMING, FileItem.GOING) else 0
    # The time stands beside the buttons.
    return float(height + (BUTTON_HEIGHT + dp(6) - TIME_HEIGHT if file.state != FileItem.SENT else 0))


def _text_height(text: str, size: float, width: float) -> float:
    # Kivy's own layout without drawing: what the label will do.
    return float(CoreLabel(text=text, font_size=size, text_size=(width, None)).render()[1])


def _text_width(text: str, size: float, bold: bool = False) -> float:
    return float(width_of(text, int(size), bold))
