"""The chat in a terminal where somebody sits: what is half-typed stays whole while lines arrive above it.

The main thread runs prompt_toolkit's event loop, and is the only one to read keys and to draw. Other threads leave what
they have to show (waiting.py) and wake it.
"""

import asyncio
import contextlib
import os
import signal
import zlib
from threading import Event as Flag
from threading import Lock, Thread

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import AnyFormattedText, FormattedText
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Dimension,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import CPR_Support, print_formatted_text
from prompt_toolkit.styles import Style

from reference import arguments
from reference.client.connection import Client, TextTooLong, check_text
from reference.client.events import (
    Ended,
    Event,
    FileFailed,
    FileOffered,
    FileProgress,
    FileReceived,
    FileSending,
    FileSent,
    Said,
)
from reference.client.wording import lines_of
from reference.printable import lines, one_line
from reference.terminal.commands import Leave, obey, said
from reference.terminal.completion import complete
from reference.terminal.progress import Progress
from reference.terminal.waiting import Fragments, Waiting

PROMPT = "> "

DRAW_SECONDS = 0.03
"""The least time between two times that lines are drawn: a flood comes in bundles, which neither flicker nor take the
time that typing needs."""

STUCK_SECONDS = 3.0
"""How long a signal to end waits for a terminal that does not take what is drawn."""

MAX_INPUT_ROWS = 10
"""Rows of a long text that are in sight while it is typed."""

MAX_PROGRESS_ROWS = 4
"""Files whose progress is in sight. Sixty people may send at once."""

_COLOURS = ["ansigreen", "ansimagenta", "ansicyan", "ansiblue", "ansiyellow"]

# A terminal that knows this shows what stands between at once (synchronized output); others ignore it.
_BEGIN_UPDATE, _END_UPDATE = "\x1b[?2026h", "\x1b[?2026l"


class Interactive:
    """A line to type in at the bottom, with the chat above it and the files on their way below."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting = Waiting()
        # Guards the two below, which the client's threads write and ours reads.
        self._lock = Lock()
        self._progress: dict[int, Progress] = {}
        self._sending: set[int] = set()
        self._over = False
        self._drawn = Flag()  # nothing is drawn any more
        self._ended = Ended()
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._buffer = Buffer(accept_handler=self._enter, multiline=False)
        self._app = self._make_app()

    def show(self, event: Event) -> None:
        """Show an event. For any thread."""
        for line in _coloured(event):
            self._waiting.add(line)
        with self._lock:
            self._follow_file(event)
        if isinstance(event, Ended):
            self._ended = event
            self._over = True
        self._wake()

    def run(self) -> int:
        """Let the person type until the chat ends; returns the exit status."""
        previous = {number: signal.signal(number, lambda *_: self._end()) for number in arguments.endings()}
        try:
            self._app.run(pre_run=self._begin)
        except (EOFError, OSError):
            pass  # the terminal is gone
        finally:
            self._loop = None
            self._drawn.set()
            for number, handler in previous.items():
                signal.signal(number, handler)
        self._client.leave()
        for _, text in self._waiting.take():
            print(text, end="", flush=True)
        return 0 if self._ended.well else 1

    # --- what happens

    def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news.set()  # of what came before we ran
        self._app.create_background_task(self._draw_what_comes())

    async def _draw_what_comes(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                # Once a second without news, because a file that stands still has a rate too: a falling one.
                await asyncio.wait_for(self._news.wait(), timeout=1.0 if self._progress else None)
            self._news.clear()
            over = self._over
            text = self._waiting.take()
            if over:
                self._draw([*self._half_typed(), *text])
                break
            self._draw(text)
            await asyncio.sleep(DRAW_SECONDS)
        if not self._app.is_done:  # as it is when the terminal has gone
            self._app.exit()

    def _half_typed(self) -> Fragments:
        """What stays in sight of a text that was not sent, for who wants to copy it."""
        text = self._buffer.text
        return [("", line + "\n") for line in lines(PROMPT + text)[:MAX_INPUT_ROWS]] if text else []

    def _draw(self, text: Fragments) -> None:
        """Print this above the input line."""
        if not text:
            self._app.invalidate()
            return
        # Not run_in_terminal(), prompt_toolkit's way to print: it gives the terminal its own echo back meanwhile, and
        # what is typed in that moment appears in the midst of the text.
        renderer, output = self._app.renderer, self._app.output
        is_vt100 = isinstance(output, Vt100_Output)
        if is_vt100:
            output.write_raw(_BEGIN_UPDATE)
        renderer.erase()
        print_formatted_text(output, FormattedText(text), self._app.style or Style([]))
        renderer.render(self._app, self._app.layout)
        if is_vt100:
            output.write_raw(_END_UPDATE)
            output.flush()

    def _follow_file(self, event: Event) -> None:
        """Keep account of the files on their way. Requires _lock."""
        match event:
            case FileSending(number):
                self._sending.add(number)
            case FileProgress(number, name, done, size):
                if number not in self._progress:
                    # Another thread may have told its end a moment ago, and nobody would take the row away.
                    if number not in dict(self._client.under_way()):
                        return
                    self._progress[number] = Progress(one_line(name), size, number in self._sending)
                self._progress[number].at(done)
            case FileSent(number) | FileReceived(number) | FileFailed(number):
                self._progress.pop(number, None)
                self._sending.discard(number)

    def _leave(self) -> None:
        self._over = True
        self._wake()

    def _end(self) -> None:
        """What a signal asks for."""
        self._leave()
        Thread(target=self._end_anyway, name="ending", daemon=True).start()

    def _end_anyway(self) -> None:
        """Where the terminal stands still (Ctrl-S), the thread that draws is stuck in it, and cannot leave."""
        if not self._drawn.wait(STUCK_SECONDS):
            self._client.leave()
            with self._app.input.cooked_mode():  # as the terminal was
                os._exit(0 if self._ended.well else 1)

    def _wake(self) -> None:
        """For any thread, and for signal handlers."""
        loop = self._loop
        if loop is not None and not self._news.is_set():
            with contextlib.suppress(RuntimeError):  # the loop ended in this moment
                loop.call_soon_threadsafe(self._news.set)

    # --- what is typed

    def _enter(self, buffer: Buffer) -> bool:
        """Do what was typed. True keeps it for editing."""
        line = buffer.text.rstrip("\n")  # a paste often ends with a line's end
        try:
            check_text(said(line))
            if line:
                self._tell(PROMPT + line)
            obey(self._client, line, self._tell)
        except TextTooLong as error:
            self._tell(f"{error} (Ctrl-U clears it)")
            return True
        except Leave:
            self._leave()
        return False

    def _tell(self, text: str) -> None:
        for line in lines(text):
            self._waiting.add([("", line)])
        self._wake()

    def _complete(self) -> None:
        before = self._buffer.document.text_before_cursor
        line, choices = complete(before)
        if line != before:
            after = self._buffer.document.text_after_cursor
            self._buffer.document = Document(line + after, len(line))
        elif choices:
            self._tell("  ".join(choices))

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()

        @bindings.add("c-c")
        @bindings.add("<sigint>")
        @bindings.add("c-d", filter=Condition(lambda: not self._buffer.text))
        def _(event: KeyPressEvent) -> None:
            self._leave()

        @bindings.add("enter")
        def _(event: KeyPressEvent) -> None:
            self._buffer.validate_and_handle()
            # At once, and not when it is drawn next: the Up key may be faster.
            self._buffer.load_history_if_not_yet_loaded()

        @bindings.add("tab")
        def _(event: KeyPressEvent) -> None:
            self._complete()

        @bindings.add("c-u")
        def _(event: KeyPressEvent) -> None:
            # All before the cursor, where the usual binding takes one line of several.
            self._buffer.delete_before_cursor(self._buffer.cursor_position)

        @bindings.add("c-z")
        def _(event: KeyPressEvent) -> None:
            event.app.suspend_to_background()

        return bindings

    # --- how it looks

    def _make_app(self) -> Application[None]:
        typing = Window(
            BufferControl(self._buffer),
            height=self._input_rows,
            wrap_lines=True,
            dont_extend_height=True,
            get_line_prefix=lambda line, wrapped: PROMPT if line == wrapped == 0 else " " * len(PROMPT),
        )
        files = Window(FormattedTextControl(self._progress_rows), dont_extend_height=True, style="class:progress")
        has_files = Condition(lambda: bool(self._progress))
        app: Application[None] = Application(
            layout=Layout(HSplit([typing, ConditionalContainer(files, has_files)])),
            key_bindings=self._bindings(),
            style=Style([("progress", "ansicyan")]),
            erase_when_done=True,
        )
        # Nothing here depends on which row of the screen we are in: no need to ask, and to wait for the answer.
        app.renderer.cpr_support = CPR_Support.NOT_SUPPORTED
        return app

    def _input_rows(self) -> Dimension:
        rows = self._app.output.get_size().rows
        return Dimension(min=1, max=max(1, min(MAX_INPUT_ROWS, rows // 2)))

    def _progress_rows(self) -> AnyFormattedText:
        columns = self._app.output.get_size().columns
        with self._lock:
            files = list(self._progress.values())
            rows = [file.row(columns) for file in files[:MAX_PROGRESS_ROWS]]
        if len(files) > MAX_PROGRESS_ROWS:
            rows[-1] = f"and {len(files) - MAX_PROGRESS_ROWS + 1} more files"
        return "\n".join(rows)


def _coloured(event: Event) -> list[Fragments]:
    """An event's lines, with the name of who says something in a colour of its own."""
    shown: list[Fragments] = [[("", line)] for line in lines_of(event)]
    if isinstance(event, Said | FileOffered):
        name = f"[{one_line(event.sender)}]"
        colour = _COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]
        first = shown[0][0][1]
        shown[0] = [(colour, name), ("", first.removeprefix(name))]
    return shown
