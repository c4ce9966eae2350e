"""No network thread touches a widget: by construction, and watched here."""

import threading
from contextlib import suppress
from pathlib import Path

import pytest
from kivy.clock import Clock
from kivy.uix.widget import Widget

from reference.client.connection import Client
from reference.gui.inbox import Inbox
from tests.gui.rig import Rig
from tests.reference.live import serving


class Watch:
    """Notes every thread that sets an attribute of a widget."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.threads: set[threading.Thread] = set()
        original = Widget.__setattr__

        def noting(widget: Widget, name: str, value: object) -> None:
            self.threads.add(threading.current_thread())
            original(widget, name, value)

        monkeypatch.setattr(Widget, "__setattr__", noting)


def test_only_the_windows_thread_touches_widgets(monkeypatch, tmp_path: Path):
    """Texts, joins, files and progress come from a real server by real threads."""
    with serving() as live:
        inbox = Inbox()
        client = Client("127.0.0.1", live.address[1], inbox.put, tmp_path)
        client.connect()
        client.join("sravya")
        other = Client("127.0.0.1", live.address[1], lambda event: None, tmp_path)
        watch = Watch(monkeypatch)
        with Rig(client, inbox) as rig:
            other.connect()
            other.join("sanjay")
            other.say("hello")
            picture = tmp_path / "big.bin"
            picture.write_bytes(bytes(3_000_000))
            other.send_file(picture)
            rig.until(lambda: rig.rows and rig.rows[-1].file and rig.rows[-1].file.preview)
            rig.root.send_file(picture)
            rig.until(lambda: rig.rows[-1].file.state == "sent")
            rig.frames(5)
        client.leave()
        other.leave()
    assert watch.threads == {threading.main_thread()}


def test_the_watch_sees_a_thread_that_touches_a_widget(rig: Rig, monkeypatch):
    """So that the test above can fail."""
    watch = Watch(monkeypatch)

    def touch() -> None:
        with suppress(TypeError):  # Kivy's own guard, which only what is drawn has
            rig.root.told = "from outside"

    thread = threading.Thread(target=touch)
    thread.start()
    thread.join()
    assert thread in watch.threads


def test_what_the_client_touches_of_the_window_is_the_inbox_and_how_it_ended():
    """A listener that has no widget cannot touch one."""
    from reference.gui.window import Window

    assert set(Window.show.__code__.co_names) == {"_inbox", "put", "isinstance", "Ended", "_ended"}


def test_no_thread_is_left_when_the_window_closes(tmp_path: Path):
    """Neither the decoder's nor the client's."""
    before = set(threading.enumerate())
    with serving() as live:
        server = set(threading.enumerate())
        inbox = Inbox()
        client = Client("127.0.0.1", live.address[1], inbox.put, tmp_path)
        client.connect()
        client.join("sravya")
        with Rig(client, inbox) as rig:
            rig.until(lambda: rig.rows)
        inbox.close()
        client.leave()
        left = {thread for thread in threading.enumerate() if thread not in server and thread.name != "client"}
        assert not [thread for thread in left if thread.name in ("previews", "listener", "writer", "leaving")]
    assert Clock is not None
    assert len(set(threading.enumerate()) - before) <= 1


def test_the_inbox_holds_back_who_brings_too_much():
    """And lets them go when it is closed."""
    inbox = Inbox(room=10)
    done = threading.Event()

    def flood() -> None:
        for number in range(30):
            inbox.put(number)
        done.set()

    thread = threading.Thread(target=flood)
    thread.start()
    taken: list[int] = []
    while len(taken) < 15:
        taken += inbox.take(5)
    assert taken[:15] == list(range(15))
    assert not done.is_set()
    inbox.close()
    thread.join(30)
    assert done.is_set()


def test_the_inbox_never_makes_its_taker_wait():
    """The window puts news of its own: it would wait for itself."""
    inbox = Inbox(room=1)
    for number in range(5):
        inbox.put(number)
    assert inbox.take(10) == [0, 1, 2, 3, 4]
