"""What Tab makes of a half-typed line: a command's name, or after ``!send`` a path, quoted as in a shell."""

import os
import re
import shlex
from typing import NamedTuple

from reference.terminal.commands import COMMANDS

_WINDOWS = os.name == "nt"  # there a backslash stands between folders, and only double quotes hold a name together
_SEPARATORS = "/\\" if _WINDOWS else "/"


class Completed(NamedTuple):
    """The line as far as it is certain, and, where it could go on in several ways, the names to choose from."""

    line: str
    choices: list[str]


def complete(line: str) -> Completed:
    """Complete what stands before the cursor."""
    if " " not in line:
        return _complete_command(line)
    command, space, rest = line.partition(" ")
    if command != "!send":
        return Completed(line, [])
    start, word = _last_word(rest)
    # A path with spaces may go without quotes (see commands.py), so the whole is tried as well.
    for begin, path in ((start, word), (0, rest)):
        folder, name = _split(path)
        found = _names_in(folder, name)
        if found:
            certain = _common_beginning(found)
            finished = len(found) == 1 and not certain.endswith(os.sep)
            typed = command + space + rest[:begin] + _quoted(folder + certain, finished)
            return Completed(typed, found if len(found) > 1 and certain == name else [])
    return Completed(line, [])


def _complete_command(line: str) -> Completed:
    found = [name for name in COMMANDS if name.startswith(line)] if line.startswith("!") else []
    if not found:
        return Completed(line, [])
    if len(found) > 1:
        return Completed(_common_beginning(found), found)
    takes_more = "<" in COMMANDS[found[0]]
    return Completed(found[0] + " " * takes_more, [])


def _common_beginning(names: list[str]) -> str:
    first, last = min(names), max(names)  # whatever these two share, all between them share
    for position, (one, other) in enumerate(zip(first, last, strict=False)):
        if one != other:
            return first[:position]
    return first


def _last_word(text: str) -> tuple[int, str]:
    """Where the last word begins, and what it says without its quotes, the last of which may still be open."""
    start, said, quote, escaped = 0, "", "", False
    for position, character in enumerate(text):
        if escaped:
            said += character
            escaped = False
        elif character == "\\" and quote != "'" and not _WINDOWS:
            escaped = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                said += character
        elif character == '"' or (character == "'" and not _WINDOWS):
            quote = character
        elif character.isspace():
            start, said = position + 1, ""
        else:
            said += character
    return start, said


def _split(path: str) -> tuple[str, str]:
    """A path's folder as it was typed, and the name that begins after it."""
    at = max(path.rfind(separator) for separator in _SEPARATORS) + 1
    return path[:at], path[at:]


def _names_in(folder: str, begin: str) -> list[str]:
    """What a folder has under names that begin so, folders with a separator at the end; hidden ones if asked for."""
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            found = [each.name + os.sep * each.is_dir() for each in entries if each.name.startswith(begin)]
    except (OSError, ValueError):  # no such folder, or a character that no path has
        return []
    return sorted(name for name in found if begin.startswith(".") or not name.startswith("."))


def _quoted(path: str, finished: bool) -> str:
    """A path as it is typed; the quote is left open where more is to come."""
    if not re.search(r"[\s\"']" if _WINDOWS else r"[\s\"'\\]", path):
        return path
    quoted = f'"{path}"' if _WINDOWS else shlex.quote(path)
    return quoted if finished else quoted[:-1]
