"""The chat as plain lines: for scripts, pipes, and terminals that can do no more."""

import sys
from threading import Event as Flag
from threading import Lock, Thread

from reference.client.connection import Client, TextTooLong
from reference.client.events import Ended, Event
from reference.client.wording import lines_of
from reference.terminal.commands import Leave, obey

NEW_LINE_SECONDS = 1.0
"""How long the end waits for a terminal to show that a line is over."""


class Plain:
    """Two threads: the client's listens to the server and shows; one of ours reads what is typed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = Lock()  # so that two threads' lines do not mix
        self._over = Flag()
        self._ended = Ended()

    def show(self, event: Event) -> None:
        """Print an event's lines."""
        if isinstance(event, Ended):
            self._ended = event  # first: what shows it may be stuck, and the exit status is right
        lines = lines_of(event)
        if lines:
            self._tell("\n".join(lines))  # at once: a text may have thousands of lines, and each write is a wait
        if isinstance(event, Ended):
            self._over.set()

    def run(self) -> int:
        """Read lines until the chat ends; returns the exit status."""
        Thread(target=self._read, name="typing", daemon=True).start()
        try:
            # With a timeout, because Windows does not interrupt a wait for Ctrl-C.
            while not self._over.wait(timeout=1.0):
                pass
        except KeyboardInterrupt:
            if sys.stdin.isatty() and sys.stdout.isatty():  # a pipe has no such line, and may be full
                # Ends the line that the terminal has begun with ^C. It may stand still: then it is not waited for.
                telling = Thread(target=self._tell, args=[""], name="new line", daemon=True)
                telling.start()
                telling.join(NEW_LINE_SECONDS)
        self._client.leave()
        return 0 if self._ended.well else 1

    def _read(self) -> None:
        while True:
            try:
                line = input()
                if not sys.stdin.isatty():  # a script has the time; and a person wants to be told
                    self._client.wait_for_room()
                obey(self._client, line, self._tell)
            except TextTooLong as error:
                self._tell(str(error))
            except (Leave, EOFError, OSError) as end:  # OSError: not to be read, as nohup has it
                if not isinstance(end, Leave) and not sys.stdin.isatty():
                    self._client.finish()  # a script that has said all it had to say does not call its files off
                self._over.set()
                return

    def _tell(self, line: str) -> None:
        with self._lock:
            try:
                print(line, flush=True)
            except OSError:  # nobody reads what we show, as behind a head that has seen enough: then it is time to go
                self._over.set()
