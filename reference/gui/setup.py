"""What Kivy must be told before it is imported."""

import os


def prepare() -> None:
    """Set Kivy up for this process. Call it before anything imports Kivy's widgets."""
    os.environ.setdefault("KIVY_NO_ARGS", "1")  # the options are ours
    os.environ.setdefault("KIVY_NO_CONSOLELOG", "1")  # the terminal is the chat's
    os.environ.setdefault("KIVY_NO_FILELOG", "1")
    os.environ.setdefault("KIVY_LOG_MODE", "MIXED")  # else Kivy takes stderr for its log
    from kivy.config import Config

    Config.set("kivy", "exit_on_escape", "0")  # Escape closes popups, not the chat
    Config.set("kivy", "desktop", "1")
    Config.set("input", "mouse", "mouse,disable_multitouch")  # else a right click leaves a red dot
    if Config.has_option("input", "%(name)s"):
        Config.remove_option("input", "%(name)s")  # on Linux: reads /dev/input itself, beside the window
    Config.set("graphics", "width", "900")
    Config.set("graphics", "height", "680")
    Config.set("graphics", "minimum_width", "320")
    Config.set("graphics", "minimum_height", "320")
    from reference.gui import text

    text.install()
