"""The list of everything said, as long as it may get: only the rows on the screen are widgets.

Kivy's own layouts for RecycleView go through all rows whenever one is added. This one keeps where each row ends, so
that adding a row costs the same among ten rows and among ten thousand, and finding the visible ones is a bisection.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

from kivy.factory import Factory
from kivy.metrics import dp
from kivy.properties import BooleanProperty, NumericProperty
from kivy.uix.recycleview import RecycleView
from kivy.uix.recycleview.layout import RecycleLayoutManagerBehavior
from kivy.uix.widget import Widget

from reference.gui.measure import measure
from reference.gui.rows import NOTICE, UNREAD, Row

MAX_ROWS = 12_000
"""Rows that are kept: some days of a busy room. Then the oldest go, so that memory stays flat."""

_DROPPED_AT_ONCE = 1_000

_BELOW = dp(12)  # the last row does not touch what is under the list


class History(RecycleView):
    """The list. Who reads at its end stays there; who reads further up is not disturbed."""

    at_end = BooleanProperty(True)
    unread = NumericProperty(0)
    looked_at = BooleanProperty(True)
    """Whether the window is in front: what comes while it is not is unread."""
    _line: Row | None = None

    def add(self, row: Row) -> list[Row]:
        """Add a row at the end; returns the old ones that had to go for it."""
        measure(row, self.width)
        if row.kind == NOTICE or row.mine:
            pass
        elif not self.at_end or not self.looked_at:
            if not self.unread:
                self._draw_line()
            self.unread += 1
        gone: list[Row] = []
        if len(self.data) >= MAX_ROWS:
            gone = self.data[:_DROPPED_AT_ONCE]
            del self.data[:_DROPPED_AT_ONCE]
        self.data.append(row)
        if row.mine:
            self.go_to_end()
        return gone

    def change(self, row: Row) -> None:
        """Show a row that has changed."""
        measure(row, self.width)
        if row in self.data:
            # From the end, because what changes is mostly new.
            index = len(self.data) - 1 - self.data[::-1].index(row)
            self.data[index] = row

    def remove(self, row: Row) -> None:
        """Take a row out."""
        if row in self.data:
            del self.data[self.data.index(row)]

    def _draw_line(self) -> None:
        """Mark where the unread rows begin; there is one such line."""
        if self._line is not None:
            self.remove(self._line)
        self._line = Row(UNREAD, "New messages")
        measure(self._line, self.width)
        self.data.append(self._line)

    def on_looked_at(self, *_: object) -> None:
        """Who comes back sees the line, and has read what is in sight."""
        if self.looked_at and self.at_end:
            self.unread = 0

    def go_to_end(self, *_: object) -> None:
        """Show the newest rows, and stay with them."""
        self.scroll_y = 0
        self.at_end = True
        self.unread = 0

    def page(self, pages: float) -> None:
        """Scroll by so many windows, up if positive."""
        room = self.layout_manager.height - self.height
        if room > 0:
            self.scroll_y = min(1.0, max(0.0, self.scroll_y + pages * self.height * 0.9 / room))

    def update_from_scroll(self, *args: object) -> None:
        """Scroll by whole pixels: letters between two pixels are blurred."""
        super().update_from_scroll(*args)
        self.g_translate.xy = [round(each) for each in self.g_translate.xy]

    def on_scroll_y(self, *_: object) -> None:
        """Note whether the newest row is in sight."""
        self.at_end = self.from_end() <= 2
        if self.at_end and self.looked_at:
            self.unread = 0

    def from_end(self) -> float:
        """Pixels between the end of the list and the lower edge of the window on it."""
        layout = self.layout_manager
        return max(0.0, self.scroll_y * (layout.height - self.height)) if layout else 0.0

    def on_width(self, *_: object) -> None:
        """Measure everything anew."""
        if self.layout_manager:
            for row in self.data:
                measure(row, self.width)
            self.refresh_from_data()


class HistoryLayout(RecycleLayoutManagerBehavior, Widget):
    """Places the rows one under the other. Offsets are counted from the top, in pixels."""

    def __init__(self, **kwargs: Any) -> None:
        self._ends = array("d")  # where each row ends
        self._anchor: Callable[[], float] = lambda: 0.0
        super().__init__(**kwargs)

    def compute_sizes_from_data(self, data: list[Row], flags: list[dict[str, Any]]) -> None:
        """The data has changed: where do the rows end now?"""
        self._anchor = self._find_anchor(flags)
        unchanged = min(_first_changed(flag, len(self._ends)) for flag in flags)
        if any("appended" not in flag for flag in flags):
            self.recycleview.view_adapter.invalidate()
            self.clear_widgets()
        del self._ends[unchanged:]
        end = self._ends[-1] if self._ends else 0.0
        for row in data[unchanged:]:
            end += row.height
            self._ends.append(end)

    def compute_layout(self, data: list[Row], flags: list[dict[str, Any]]) -> None:
        """Take the new height without a jump of what is being read."""
        history = self.recycleview
        stays = history.at_end
        top = self._anchor()
        self._anchor = self._find_anchor([])
        self.height = self._ends[-1] + _BELOW if self._ends else 0.0
        room = self.height - history.height
        if room > 0:
            history.scroll_y = 0.0 if stays else min(1.0, max(0.0, (room - top) / room))
        history.at_end = stays or room <= 0

    def compute_visible_views(self, data: list[Row], viewport: tuple[float, ...]) -> range:
        """The rows that are in sight."""
        _, bottom, _, height = viewport
        first = bisect_right(self._ends, self.height - bottom - height)
        last = bisect_left(self._ends, self.height - bottom)
        return range(first, min(last + 1, len(data)))

    def set_visible_views(self, indices: range, data: list[Row], viewport: tuple[float, ...]) -> None:
        """Give the rows in sight a widget each, and place it."""
        new, remaining, old = self.recycleview.view_adapter.set_visible_views(indices, data, _ViewClasses(data))
        for _, view in old:
            self.remove_widget(view)
        for _, view in new:
            if view.parent is None:
                self.add_widget(view)
            view.appear()
        for index, view in [*new, *remaining]:
            view.size = self.width, data[index].height
            view.pos = 0, self.height - self._ends[index]

    def refresh_view_layout(self, *_: Any) -> None:
        """Nothing: ``set_visible_views`` has placed it."""

    def _find_anchor(self, flags: list[dict[str, Any]]) -> Callable[[], float]:
        """The row at the upper edge of the window, as a function that says where that edge is after the change."""
        history = self.recycleview
        top = self.height - history.height - history.from_end()
        index = bisect_right(self._ends, top)
        if index >= len(self._ends):
            return lambda: top
        into = top - (self._ends[index - 1] if index else 0.0)
        for flag in flags:
            removed = flag.get("removed")
            if removed is not None:
                gone = removed if isinstance(removed, slice) else slice(removed, removed + 1)
                index -= max(0, min(index, gone.stop or 0) - (gone.start or 0))
        return lambda: (self._ends[index - 1] if 0 < index <= len(self._ends) else 0.0) + into


def _first_changed(flag: dict[str, Any], rows: int) -> int:
    """The first row that a change concerns; 0 when it does not say."""
    change = next(iter(flag.values()), 0)
    start = change.start if isinstance(change, slice) else change
    return min(start or 0, rows)


class _ViewClasses:
    """The widget class of each row, as RecycleView's adapter asks for it."""

    def __init__(self, data: list[Row]) -> None:
        self._data = data

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"viewclass": getattr(Factory, f"{self._data[index].kind.capitalize()}Row")}
