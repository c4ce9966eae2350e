"""The tap's lines: one a frame, and on request its bytes and the segments it came in."""

import textwrap
from collections.abc import Callable

from labkit.wiretap import describe
from labkit.wiretap.explain import explain, explain_end
from labkit.wiretap.follower import DATA_HEAD, HEAD, LENGTH, Broken, Part, Whole
from labkit.wiretap.paint import Piece, pad, paint
from labkit.wiretap.talk import TO_SERVER, Talk
from labkit.wiretap.watcher import Watcher
from reference.printable import one_line
from reference.protocol import ID_SIZE, Data

TIME, NUMBER, NAME, ARROW, TYPE, SIZE = 8, 3, 9, 4, 8, 7
"""The columns of a line, 44 with the spaces between: at 80, 36 are left for the body."""

INDENT = TIME + NUMBER + 2

MAX_HEX = 128
"""Bytes of one body that --hex shows: beyond that it is a file, and nobody reads it."""

PEOPLE = ("cyan", "yellow", "magenta", "green", "blue")

_COLOURS = {
    "hello": "cyan", "welcome": "cyan", "joined": "cyan", "left": "cyan", "bye": "cyan", "refused": "red",
    "text": "bold", "ping": "dim", "pong": "dim",
    "offer": "magenta", "get": "magenta", "data": "magenta", "end": "magenta", "stored": "magenta", "abort": "red",
}  # fmt: skip


class Screen(Watcher):
    """Shows what passes, line by line. ``show`` prints a line; ``width`` is asked anew for every line."""

    def __init__(
        self,
        show: Callable[[str], None],
        width: Callable[[], int],
        *,
        colour: bool = False,
        hexadecimal: bool = False,
        segments: bool = False,
    ) -> None:
        self._show = show
        self._width = width
        self._colour = colour
        self._hex = hexadecimal
        self._segments = segments
        self._start: float | None = None
        self._ended: set[tuple[Talk, str]] = set()  # directions of open connections that have ended
        self.frames = 0
        self.broken = 0

    def header(self) -> None:
        """What the columns are."""
        titles = (
            f"{'seconds':>{TIME}} {'':{NUMBER}}{pad('client', NAME)} {'':{ARROW}}{'frame':{TYPE}} {'bytes':>{SIZE}}"
        )
        self._line((f"{titles}  what it says", "dim"))

    def opened(self, time: float, talk: Talk) -> None:
        """A client has connected: SYN, SYN-ACK, ACK have passed."""
        self._event(time, talk, "●", f"connected, from {talk.client[0]}:{talk.client[1]}", "dim")

    def passed(self, time: float, talk: Talk, direction: str, segment: bytes, parts: list[Part]) -> None:
        """A line for the segment if wanted, then one for each frame that ends in it."""
        if self._segments:
            arrow = "┄┄▷" if direction == TO_SERVER else "◁┄┄"
            size = describe.count(len(segment))
            said = [("│ ", "dim"), (f"{size} = {describe.segment(parts)}", "dim")]
            self._line(*self._begin(time, talk), (f"{arrow} ", self._towards(direction)), *said)
        for part in parts:
            if isinstance(part.result, Whole):
                self._frame(time, talk, direction, part.result)
            elif isinstance(part.result, Broken):
                self._broken(time, talk, direction, part.result)

    def ended(self, time: float, talk: Talk, direction: str) -> None:
        """One side says no more; in the middle of a frame, that is a fault."""
        who = talk.label if direction == TO_SERVER else "the server"
        self._event(time, talk, "○", f"{who} will send no more (FIN)", "dim")
        self._unfinished(talk, direction)
        self._ended.add((talk, direction))

    def closed(self, time: float, talk: Talk, reason: str) -> None:
        """The connection is over."""
        self._closed(time, talk, reason)
        self._ended -= {(talk, direction) for direction in talk.followers}

    def _closed(self, time: float, talk: Talk, reason: str) -> None:
        if not reason:
            self._event(time, talk, "○", "closed", "dim")
            return
        self._event(time, talk, "✗", f"reset (RST): {reason}", "red")
        for direction in talk.followers:
            if (talk, direction) not in self._ended:
                self._unfinished(talk, direction)

    # --- a frame

    def _frame(self, time: float, talk: Talk, direction: str, whole: Whole) -> None:
        self.frames += 1
        name = describe.type_name(whole.letter)
        colour = _COLOURS.get(name, "dim")
        said: list[Piece] = []
        if self._segments and whole.segments > 1:
            said.append((f"in {whole.segments:,} pieces", "dim"))
        for field, value in describe.body(whole, talk.files):
            said += [("  " if said else "", ""), (f"{field} " if field else "", "dim"), (value, colour)]
        self._line(
            *self._begin(time, talk),
            (self._arrow(direction), self._towards(direction)),
            (pad(name, TYPE), colour),
            (f" {whole.size:>{SIZE},}  ", "dim"),
            *said,
        )
        if self._hex:
            self._dump(whole)

    def _begin(self, time: float, talk: Talk) -> list[Piece]:
        if self._start is None:
            self._start = time
        colour = PEOPLE[(talk.number - 1) % len(PEOPLE)]
        seconds = f"{time - self._start:{TIME}.3f} "
        return [(seconds, "dim"), (f"{talk.number:<{NUMBER}}", colour), (pad(one_line(talk.name), NAME) + " ", colour)]

    def _arrow(self, direction: str) -> str:
        return "──▶ " if direction == TO_SERVER else "◀── "

    def _towards(self, direction: str) -> str:
        return "green" if direction == TO_SERVER else "blue"

    def _event(self, time: float, talk: Talk, mark: str, what: str, colour: str) -> None:
        self._line(*self._begin(time, talk), (f" {mark}  {what}", colour))

    # --- a broken one

    def _broken(self, time: float, talk: Talk, direction: str, broken: Broken) -> None:
        self.broken += 1
        seen = f" {len(broken.raw):>{SIZE},}  "
        self._line(
            *self._begin(time, talk),
            (self._arrow(direction), self._towards(direction)),
            (pad("BROKEN", TYPE), "alarm"),
            (seen, "dim"),
            (broken.error.code, "red"),
        )
        self._dump_bytes("length", broken.raw[:LENGTH], "cyan", f"= {int.from_bytes(broken.raw[:LENGTH], 'big'):,}")
        letter = chr(broken.raw[LENGTH])
        self._dump_bytes("type", broken.raw[LENGTH:HEAD], "yellow", describe.type_name(letter))
        self._dump_bytes("body", broken.raw[HEAD:][:MAX_HEX], "")
        self._dump_bytes("then", broken.after[:16], "red")
        for text in explain(broken):
            self._paragraph(one_line(text))
        self._paragraph("Nobody knows where the next frame begins: what follows in this direction is not shown.")

    def _unfinished(self, talk: Talk, direction: str) -> None:
        follower = talk.followers[direction]
        begun, size, total = follower.begun
        if begun:
            self.broken += 1
            said = f"= {int.from_bytes(begun[:LENGTH], 'big'):,}" if len(begun) >= LENGTH else "not all of it"
            self._dump_bytes("length", begun[:LENGTH], "cyan", said)
            self._dump_bytes(
                "type", begun[LENGTH:HEAD], "yellow", describe.type_name(chr(begun[LENGTH])) if total else ""
            )
            self._dump_bytes("body", begun[HEAD:][:MAX_HEX], "")
            self._paragraph(explain_end(size, total))
        if follower.lost:
            self._paragraph(f"{describe.count(follower.lost)} came behind the broken frame.")

    def _paragraph(self, text: str) -> None:
        for line in textwrap.wrap(text, max(20, self._width() - INDENT - 2)):
            self._line((" " * INDENT, ""), (line, "red"))

    # --- bytes

    def _dump(self, whole: Whole) -> None:
        raw = whole.raw
        length = int.from_bytes(raw[:LENGTH], "big")
        self._dump_bytes("length", raw[:LENGTH], "cyan", f"= {length:,}: type and body")
        self._dump_bytes("type", raw[LENGTH:HEAD], "yellow", f"= {describe.visible(whole.letter)}")
        body = HEAD
        if isinstance(whole.frame, Data):
            body = DATA_HEAD
            self._dump_bytes("id", raw[HEAD : HEAD + ID_SIZE], "magenta")
            self._dump_bytes("offset", raw[HEAD + ID_SIZE : body], "blue", f"= {whole.frame.offset:,}")
        self._dump_bytes("body", raw[body:][:MAX_HEX], "")
        if whole.size - body > MAX_HEX:
            self._line((f"{'':{self._indent()}}       … {describe.count(whole.size - body - MAX_HEX)} more", "dim"))

    def _dump_bytes(self, label: str, data: bytes, colour: str, meaning: str = "") -> None:
        """Rows of hex with their label; beside it what they mean, or the same as text."""
        indent = self._indent()
        for start in range(0, len(data), 16):
            row = data[start : start + 16]
            text = meaning or "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in row)
            self._line(
                (f"{'':{indent}}{label if start == 0 else '':<7}", "dim"),
                (f"{row.hex(' '):<47}  ", colour),
                (text, "dim" if meaning else colour),
            )

    def _indent(self) -> int:
        """Where the bytes begin: at 80 columns they need all the room."""
        return INDENT if self._width() >= 100 else 2

    def _line(self, *pieces: Piece) -> None:
        self._show(paint(list(pieces), self._width(), self._colour))
