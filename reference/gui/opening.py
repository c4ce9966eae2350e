"""Handing received files on: to the program that the system has for them, or to another folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from reference.gui.kinds import is_program


class NotOpened(Exception):
    """The file was not opened; the text says why."""


def open_file(path: Path) -> None:
    """Have the system open a file. Raises NotOpened: for programs always, because opening one runs it."""
    if is_program(path.name):
        raise NotOpened(f"A program from others is not started here. It lies at {path}")
    try:
        if sys.platform == "win32":
            os.startfile(path.resolve())
        else:
            opener = "open" if sys.platform == "darwin" else "xdg-open"
            # An absolute path cannot be taken for an option.
            subprocess.Popen(
                [opener, str(path.resolve())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # what it opens outlives the chat
            )
    except OSError as error:
        raise NotOpened(f"Cannot be opened here ({error.strerror}). It lies at {path}") from None


def save_file(path: Path, target: Path) -> Path:
    """Copy a file to a folder or a new path; returns where it is. Overwrites nothing. Raises OSError."""
    if target.is_dir():
        target = target / path.name
    with path.open("rb") as source, target.open("xb") as copy:
        shutil.copyfileobj(source, copy)
    return target
