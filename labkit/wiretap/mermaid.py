"""Draws a session as a sequence diagram for Mermaid, which GitHub and the guide show as a picture."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from labkit.wiretap import describe
from labkit.wiretap.follower import Broken, Part, Whole
from labkit.wiretap.paint import clip
from labkit.wiretap.talk import TO_SERVER, Talk
from labkit.wiretap.watcher import Watcher
from reference.printable import one_line
from reference.protocol import Abort, Data, End, Frame, Get

MAX_ARROWS = 300
"""More is no picture any more (and Mermaid's own limit is 50,000 characters)."""

MAX_LABEL = 60

DRAWN = 2
"""Of the get and of the data of one file: the others look the same."""


class Diagram(Watcher):
    """Collects arrows, and writes them when the tap ends.

    Of a file's many get and data the first of each are drawn and the others counted. Raises OSError if the file
    cannot be opened; ``failed`` is told if it cannot be written.
    """

    def __init__(self, path: Path, failed: Callable[[str], None]) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._path = path
        self._failed = failed
        self._talks: list[Talk] = []
        self._lines: list[str] = []
        self._left_out = 0
        self._chunks: Counter[tuple[Talk, bytes, type[Frame]]] = Counter()  # get and data of a file so far

    def passed(self, time: float, talk: Talk, direction: str, segment: bytes, parts: list[Part]) -> None:
        """An arrow for each frame that ends here."""
        for part in parts:
            if isinstance(part.result, Whole):
                self._frame(talk, direction, part.result)
            elif isinstance(part.result, Broken):
                self._arrow(talk, direction, "-x", f"broken frame: {part.result.error.reason}")

    def closed(self, time: float, talk: Talk, reason: str) -> None:
        """A note, if it was a reset."""
        if reason and talk in self._talks:
            self._add(f"Note over c{talk.number},server: {_label(f'reset {reason}')}")

    def finish(self) -> None:
        """Write the file."""
        for talk, file_id in {(talk, file_id): None for talk, file_id, _ in self._chunks}:
            self._count_chunks(talk, file_id)
        if self._left_out:
            self._lines.append(f"Note over server: … and {self._left_out:,} more")
        try:
            with self._file:
                self._file.write(self._text())
        except OSError as error:
            self._failed(f"{self._path}: {error.strerror}")

    def _text(self) -> str:
        people = [f"participant c{talk.number} as {_label(talk.label)}" for talk in self._talks]
        people.insert((len(people) + 1) // 2, "participant server as server")
        lines = ["sequenceDiagram", *(f"    {line}" for line in people + self._lines)]
        return "\n".join(["```mermaid", *lines, "```", ""])

    def _frame(self, talk: Talk, direction: str, whole: Whole) -> None:
        frame = whole.frame
        if isinstance(frame, Get | Data):
            self._chunks[talk, frame.id, type(frame)] += 1
            if self._chunks[talk, frame.id, type(frame)] > DRAWN:
                return
        if isinstance(frame, End | Abort):
            self._count_chunks(talk, frame.id)
        said = "  ".join(f"{field} {value}".strip() for field, value in describe.body(whole, talk.files))
        self._arrow(talk, direction, "->>", f"{describe.type_name(whole.letter)}  {said}")

    def _count_chunks(self, talk: Talk, file_id: bytes) -> None:
        more = sum(max(0, self._chunks.pop((talk, file_id, kind), 0) - DRAWN) for kind in (Get, Data))
        if more:
            name = talk.files.name(file_id)
            self._add(f"Note over c{talk.number},server: {_label(f'{more:,} more get and data of {name}')}")

    def _arrow(self, talk: Talk, direction: str, arrow: str, label: str) -> None:
        if talk not in self._talks:
            self._talks.append(talk)
        ends = [f"c{talk.number}", "server"]
        source, sink = ends if direction == TO_SERVER else reversed(ends)
        self._add(f"{source}{arrow}{sink}: {_label(label)}")

    def _add(self, line: str) -> None:
        if len(self._lines) < MAX_ARROWS:
            self._lines.append(line)
        else:
            self._left_out += 1


def _label(text: str) -> str:
    """Text as Mermaid takes it: it ends at a line break or `;`, and `#` begins a character's number."""
    text = clip(one_line(text), MAX_LABEL)
    return "".join(f"#{ord(character)};" if character in "#;<>&%{}" else character for character in text).strip()
