"""What the list shows, one row each. Rows are plain data: the widgets that show them come and go."""

from dataclasses import dataclass, field
from pathlib import Path

from kivy.event import EventDispatcher
from kivy.properties import BooleanProperty, NumericProperty, ObjectProperty, StringProperty

NOTICE, TEXT, FILE, PICTURE, SOUND, VIDEO, UNREAD = "notice", "text", "file", "picture", "sound", "video", "unread"


@dataclass(slots=True, eq=False)
class Row:
    """One row of the list."""

    kind: str
    text: str = ""
    line: str = ""
    """What a terminal would show: copied, and read by tests."""
    sender: str = ""
    mine: bool = False
    follows: bool = False
    """Whether the row before is of the same person, so that the name need not stand here again."""
    time: str = ""
    green: bool = False
    file: "FileItem | None" = field(default=None, repr=False)
    # Computed beforehand (measure.py), for the list's width of then:
    height: float = 0
    bubble: float = 0
    wrap: float = 0
    """The width at which the text breaks; 0 when it is short."""


class FileItem(EventDispatcher):
    """A file of the chat as it comes and goes; widgets bind to it, so progress never touches the list."""

    WAITS, COMING, GOING, HERE, SENT, FAILED = "waits", "coming", "going", "here", "sent", "failed"

    state = StringProperty(WAITS)
    status = StringProperty()
    """The line of the transcripts that fits."""
    note = StringProperty()
    """Why it is not shown as a picture, a sound or a video, if it should be."""
    done = NumericProperty(0)
    preview = ObjectProperty(None, allownone=True)
    """What previews.py found in it."""
    player = ObjectProperty(None, allownone=True)
    playing = BooleanProperty(False)
    position = NumericProperty(0)
    """Seconds that have been played."""
    picture = ObjectProperty(None, allownone=True)
    """The video's picture of now: RGB bytes and size."""

    def __init__(self, number: int, name: str, size: int, state: str, status: str) -> None:
        self.number = number
        self.name = name
        self.size = size
        self.path: Path | None = None
        super().__init__(state=state, status=status)
