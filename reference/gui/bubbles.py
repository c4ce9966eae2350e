"""The widgets that show rows. What they look like stands in bubbles.kv."""

from kivy.app import App
from kivy.core.clipboard import Clipboard
from kivy.properties import BooleanProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.recycleview.views import RecycleDataViewBehavior
from kivy.uix.widget import Widget

from reference.gui import measure
from reference.gui.rows import Row
from reference.gui.runs import is_right_to_left


class RowView(RecycleDataViewBehavior, Widget):
    """What all rows have. Texts are labels without markup: shown, never obeyed."""

    row = ObjectProperty(None, allownone=True)
    text = StringProperty()

    def refresh_view_attrs(self, history: Widget, index: int, row: Row) -> None:
        """Show another row, or the same one changed."""
        self.row = row
        self.text = row.text
        self.show(row)

    def show(self, row: Row) -> None:
        """For what a kind of row has beyond its text."""

    def appear(self) -> None:
        """It has come into sight."""

    def on_touch_down(self, touch: object) -> bool:
        """A right click offers to copy."""
        if touch.button == "right" and self.collide_point(*touch.pos):  # type: ignore[attr-defined]
            App.get_running_app().root.offer_copy(self.row)
            return True
        return bool(super().on_touch_down(touch))


class NoticeRow(RowView):
    """Somebody came or went."""

    green = BooleanProperty(False)

    def show(self, row: Row) -> None:
        """A notice is centred, and green if it greets."""
        self.green = row.green


class UnreadRow(RowView):
    """The line between what has been read and what has not."""


class BubbleRow(RowView):
    """What stands in a bubble: whose it is, and when it came."""

    mine = BooleanProperty(False)
    named = BooleanProperty(False)
    sender = StringProperty()
    time = StringProperty()
    bubble = NumericProperty(0)
    left = NumericProperty(0)
    gap = NumericProperty(0)

    def show(self, row: Row) -> None:
        """Where the bubble stands, and whose it is."""
        self.mine = row.mine
        self.named = measure.has_name(row)
        self.sender = row.sender
        self.time = row.time
        self.bubble = row.bubble
        self.gap = measure.gap(row)


class TextRow(BubbleRow):
    """A text."""

    right_to_left = BooleanProperty(False)
    wrap = NumericProperty(0)

    def show(self, row: Row) -> None:
        """Arabic and Hebrew stand on the right of their bubble."""
        super().show(row)
        self.wrap = row.wrap
        self.right_to_left = is_right_to_left(row.text)


def copy(text: str) -> None:
    """Put a text on the clipboard."""
    Clipboard.copy(text)
