"""The window as a face of the client: what happens comes in by ``show``, and ``run`` is the window's whole life."""

from threading import Thread

from reference.client.connection import Client
from reference.client.events import Ended, Event
from reference.client.wording import lines_of
from reference.gui.inbox import Inbox

LEAVE_SECONDS = 0.8
"""How long a closed window waits for the server's goodbye: whoever closes a window expects it to be gone."""


class Window:
    """A face, as in reference/terminal. Its thread is the one that makes it and runs it."""

    def __init__(self, client: Client, theme: str) -> None:
        self._client = client
        self._theme = theme
        self._inbox = Inbox()
        self._ended = Ended()

    def show(self, event: Event) -> None:
        """Have an event shown. For any thread."""
        if isinstance(event, Ended):
            self._ended = event
        self._inbox.put(event)

    def run(self) -> int:
        """Open the window and stay until it is closed; returns the exit status."""
        from reference.gui.setup import prepare

        prepare()
        from reference.gui.app import ChatApp

        app = ChatApp(self._client, self._inbox, self._theme)
        try:
            app.run()
        except KeyboardInterrupt:
            app.close()
        self._inbox.close()
        # In a thread that may be left behind, because a network that has died must not keep the process.
        leaving = Thread(target=self._client.leave, name="leaving", daemon=True)
        leaving.start()
        leaving.join(LEAVE_SECONDS)
        for line in lines_of(self._ended)[1:]:  # what is lost: the window may not have been there any more to show it
            print(line)
        return 0 if self._ended.well else 1
