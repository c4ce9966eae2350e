"""The chat in a window (Kivy), on the same client as the terminal. Nothing here imports Kivy before it is needed."""

import ctypes
import os
import sys
from ctypes.util import find_library
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference.client.connection import Client
    from reference.gui.window import Window

_NEEDED = ("kivy", "PIL", "ffpyplayer", "manimgx_fonts", "noto_cjk_sans_jp_regular")


def why_not() -> str | None:
    """One line that says what to do when no window can be opened here; None when one can."""
    if any(find_spec(module) is None for module in _NEEDED):
        return "The window needs Kivy: run make install-gui once, or chat with --mode terminal"
    if not _has_display():
        return "There is no display to open a window on (is DISPLAY set?): chat with --mode terminal"
    return None


def open_window(client: "Client", theme: str) -> "Window":
    """The face for this client; its ``run`` opens the window. ``theme`` is ``dark`` or ``light``."""
    from reference.gui.window import Window

    return Window(client, theme)


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin") or "SDL_VIDEODRIVER" in os.environ or os.environ.get("WAYLAND_DISPLAY"):
        return True
    # Asked before Kivy is: without a display Kivy ends the process in the middle of an import.
    library = find_library("X11")
    if library is None or not os.environ.get("DISPLAY"):
        return bool(os.environ.get("DISPLAY"))
    x11 = ctypes.CDLL(library)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    # Not closed again: an X server begins anew when its last client goes, and Kivy would come in the middle of that.
    return bool(x11.XOpenDisplay(None))
