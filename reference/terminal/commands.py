"""What a typed line means, and doing it. The same in every terminal."""

import contextlib
import os
import shlex
from collections.abc import Callable
from pathlib import Path

from reference.client.connection import Client, NoFiles
from reference.client.wording import roster_lines
from reference.printable import one_line

COMMANDS = {
    "!send": "!send <path>      send a file to everyone",
    "!get": "!get <number>     fetch a file that waits, by the number it was offered with",
    "!cancel": "!cancel [number]  call off a file that is on its way to you or from you",
    "!who": "!who              who is here",
    "!help": "!help             this list",
    "!q": "!q                leave",
}
"""Every command, and its line in !help."""


class Leave(Exception):
    """The person wants to go."""


def said(line: str) -> str:
    """The text that a typed line says; "" when it is a command, or blank."""
    line = line.encode(errors="replace").decode()  # a terminal may send bytes that are no text
    if line.startswith("!!"):
        return line[1:]
    return "" if line.strip()[:1] in ("", "!") else line


def obey(client: Client, line: str, tell: Callable[[str], None]) -> None:
    """Do what a typed line says, and tell the person what there is to tell.

    Raises Leave; TextTooLong, with the line still to be mended.
    """
    command, _, rest = line.strip().partition(" ")
    text = said(line)
    if text:
        client.say(text)
    elif not command:
        pass
    elif command == "!q" and not rest:
        raise Leave
    elif command == "!who":
        for each in roster_lines(client.roster) or ["This server keeps no roster"]:
            tell(each)
    elif command == "!send":
        _send(client, rest.strip(), tell)
    elif command == "!get":
        if not client.get(_number(rest)):
            tell("Which file? !get <number>, as it was offered")
    elif command == "!cancel":
        _cancel(client, rest, tell)
    else:
        if command != "!help":
            tell(f"{one_line(command)} is no command (and !!{one_line(command)[1:]} says it as text). These are:")
        for meaning in COMMANDS.values():
            tell(f"  {meaning}")


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0  # no file has it


def _cancel(client: Client, rest: str, tell: Callable[[str], None]) -> None:
    """Call off the file of this number; without one, the only file there is."""
    files = client.under_way()
    number = files[0][0] if not rest and len(files) == 1 else _number(rest)
    if not client.cancel(number):
        listed = ", ".join(f"{number} {one_line(name)}" for number, name in files)
        tell(f"Which file? !cancel <number> of: {listed}" if files else "No file is on its way")


def _send(client: Client, rest: str, tell: Callable[[str], None]) -> None:
    if not rest:
        tell("Send what? !send <path>")
        return
    for path in _paths(rest):
        try:
            client.send_file(path.expanduser())
        except NoFiles as error:
            tell(str(error))
        except (OSError, RuntimeError, ValueError) as error:  # no such user behind a ~; a NUL, which no path has
            tell(f"Cannot send {one_line(str(path))}: {getattr(error, 'strerror', None) or error}")


def _paths(rest: str) -> list[Path]:
    """One path or several, written as in a shell; a single one with spaces may go without quotes."""
    with contextlib.suppress(OSError, ValueError):  # longer than any path, or with a NUL
        if Path(rest).exists():
            return [Path(rest)]
    try:
        words = shlex.split(rest, posix=os.name != "nt")  # on Windows a backslash stands between folders
    except ValueError:  # a quote that is not closed
        words = [rest]
    return [Path(word.strip("\"'") if os.name == "nt" else word) for word in words]
