"""What happens in the chat, as rows of the list. For the window's thread only."""

import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

from reference.client.connection import Client
from reference.client.events import (
    ConnectionLost,
    Ended,
    FileFailed,
    FileOffered,
    FileProgress,
    FileReceived,
    FileSending,
    FileSent,
    PersonJoined,
    PersonLeft,
    Reconnected,
    Said,
    SaidEarlier,
    Waiting,
    Welcomed,
)
from reference.client.wording import lines_of
from reference.gui import rows
from reference.gui.previews import Kept, Prepared, Preview, Previews
from reference.gui.rows import FileItem, Row
from reference.gui.runs import is_right_to_left
from reference.gui.screen import ChatScreen
from reference.gui.stage import Stage
from reference.printable import lines, one_line

_TOGETHER_SECONDS = 300
"""Texts of one person within so many seconds stand together under one name."""

_LEFT_TO_RIGHT = "\u200e"
"""An invisible mark: a notice is English, though a name in Arabic or Hebrew may begin it (UAX #9, rule P2)."""


class Conversation:
    """Keeps the rows' story: who is here, which file is which row."""

    def __init__(self, client: Client, screen: ChatScreen, previews: Previews) -> None:
        self._client = client
        self._screen = screen
        self._history = screen.ids.history
        self._previews = previews
        self._people: list[str] = []
        self._files: dict[int, Row] = {}
        self._sending: deque[Path] = deque()  # what we offered, until the client's event of it comes
        self._kept = Kept()
        self._stage = Stage()
        self._last = ("", 0.0)  # who wrote last, and when

    def say(self, text: str) -> None:
        """Say it, and show it. Raises TextTooLong."""
        self._client.say(text)
        self._bubble(Row(rows.TEXT, _shown(text), text, self._client.name, mine=True))

    def send_file(self, path: Path) -> None:
        """Offer a file. Raises OSError, NoFiles."""
        self._sending.append(path)
        try:
            self._client.send_file(path)
        except Exception:
            self._sending.pop()
            raise

    def show(self, event: Any) -> None:
        """Show an event."""
        match event:
            case Welcomed(roster):
                self._people = list(roster)
                self._screen.show_people(self._people)
                self._notice("You have joined the group chat", green=True)
            case Said(sender, text):
                self._bubble(Row(rows.TEXT, _shown(text), lines_of(event)[0], one_line(sender)))
            case SaidEarlier(sender, text):
                self._bubble(Row(rows.TEXT, f"(earlier) {_shown(text)}", lines_of(event)[0], one_line(sender)))
            case ConnectionLost():
                self._state(lines_of(event)[0])
                self._notice(lines_of(event)[0])
            case Waiting():
                self._state(lines_of(event)[0])
            case Reconnected():
                self._state("")
                self._people = list(self._client.roster)
                self._screen.show_people(self._people)
                for line in lines_of(event):
                    self._notice(line)
            case PersonJoined(name):
                if name not in self._people:  # as one may be who came before we were back
                    self._people.append(name)
                self._screen.show_people(self._people)
                self._notice(lines_of(event)[0])
            case PersonLeft(name):
                if name in self._people:
                    self._people.remove(name)
                self._screen.show_people(self._people)
                self._notice(lines_of(event)[0])
            case FileOffered(number, sender, name, size, waits):
                state = FileItem.WAITS if waits else FileItem.COMING
                line, status = lines_of(event)
                self._file(FileItem(number, one_line(name), size, state, status), line, one_line(sender))
            case FileSending(number, name, size):
                file = FileItem(number, one_line(name), size, FileItem.GOING, lines_of(event)[0])
                file.path = self._sending.popleft() if self._sending else None
                self._file(file, file.status, self._client.name, mine=True)
            case FileProgress(number, _, done, _):
                if number in self._files:
                    self._files[number].file.done = done  # type: ignore[union-attr]
            case FileReceived():
                self._file_is_here(event)
            case FileSent(number):
                self._change(number, FileItem.SENT, event)
            case FileFailed(number):
                self._change(number, FileItem.FAILED, event)
            case Prepared(row, preview):
                self._prepared(row, preview)
            case Ended():
                self._screen.over = True
                self._state(lines_of(event)[0])
                for line in lines_of(event):
                    self._notice(line)

    def act(self, row: Row, what: str) -> None:
        """Do what somebody wants with a file: the words are those of the buttons."""
        file = row.file
        if file is None:
            return
        if what == "Download" or (what == "Try again" and not row.mine):
            self._fetch(row, file)
        elif what == "Try again" and file.path is not None:
            self._screen.send_file(file.path)
        elif what == "Cancel":
            self._client.cancel(file.number)
        elif what == "Play" or (what == "Look" and row.kind == rows.VIDEO):
            self._stage.toggle(row)
        elif what == "Look" and file.path is not None:
            self._screen.look_at(file.path, file.name)
        elif what == "Open" and file.path is not None:
            self._screen.open_outside(file.path)
        elif what == "Save as" and file.path is not None:
            self._screen.save_as(file.path)

    def seek(self, row: Row, share: float) -> None:
        """Go to a position of what plays, from 0 to 1."""
        self._stage.seek(row, share)

    def look_again(self, row: Row) -> None:
        """A picture is in sight whose pixels are not in memory."""
        if row.file is not None and row.file.path is not None:
            self._previews.want(row, row.file.path, row.file.name)

    def shown(self, row: Row) -> None:
        """A picture is in sight: others may have to leave the memory for it."""
        if row.file is None or row.file.preview is None:
            return
        self._keep(row, row.file.preview)

    def close(self) -> None:
        """Stop what plays."""
        self._stage.clear()

    def _fetch(self, row: Row, file: FileItem) -> None:
        if self._client.get(file.number):
            file.done = 0
            file.state = FileItem.COMING
            file.status = f"Receiving {file.name} ({file.size} bytes)"
            self._history.change(row)
        else:
            self._screen.tell(f"{file.name} is no longer there")

    def _file(self, file: FileItem, line: str, sender: str, mine: bool = False) -> None:
        row = Row(rows.FILE, "", line, sender, mine, file=file)
        self._files[file.number] = row
        self._bubble(row)
        if mine and file.path is not None:
            self._previews.want(row, file.path, file.name)

    def _file_is_here(self, event: FileReceived) -> None:
        row = self._files.get(event.number)
        if row is not None and row.file is not None:
            row.file.path = event.path
            self._change(event.number, FileItem.HERE, event)
            self._previews.want(row, event.path, row.file.name)

    def _change(self, number: int, state: str, event: Any) -> None:
        row = self._files.get(number)
        if row is not None and row.file is not None:
            row.file.state = state
            row.file.status = lines_of(event)[-1]
            if state == FileItem.FAILED:
                row.file.done = 0
            self._history.change(row)

    def _prepared(self, row: Row, preview: Preview) -> None:
        file = row.file
        if file is None:
            return
        known = file.preview is not None
        file.preview = preview
        if preview.frames:
            self._keep(row, preview)  # also if the row has gone out of sight while its picture was made
        if not known:  # else only its pixels are back, and nothing else has changed
            file.note = preview.note
            row.kind = preview.kind
            self._history.change(row)

    def _state(self, text: str) -> None:
        """What stands above the list until it is over; "" for nothing."""
        self._screen.state = text

    def _notice(self, text: str, green: bool = False) -> None:
        self._last = ("", 0.0)
        shown = _LEFT_TO_RIGHT + text if is_right_to_left(text) else text
        self._add(Row(rows.NOTICE, shown, text, green=green))

    def _bubble(self, row: Row) -> None:
        sender, at = self._last
        now = time.time()
        row.follows = row.sender == sender and now - at < _TOGETHER_SECONDS
        row.time = time.strftime("%H:%M", time.localtime(now))
        self._last = (row.sender, now)
        self._add(row)

    def _add(self, row: Row) -> None:
        for gone in self._history.add(row):
            if gone.file is not None:
                self._files.pop(gone.file.number, None)
                self._kept.forget(gone)

    def _keep(self, row: Row, preview: Preview) -> None:
        for gone in self._kept.touch(row, preview):
            gone.file.preview = replace(gone.file.preview, frames=())


def _shown(text: str) -> str:
    """A text as it stands in a bubble: harmless, with its line breaks. (Nobody can forge a name inside a bubble.)"""
    first, *others = lines(text)
    return "\n".join([first, *(line.removeprefix("    ") for line in others)])
