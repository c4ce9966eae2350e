"""The chat's own words: what each event is called on every screen."""

from reference.client import events
from reference.printable import lines, one_line

MAX_REASON = 200
"""Characters of a reason that somebody else gives: three rows of a terminal say enough."""


def lines_of(event: events.Event) -> list[str]:
    """The lines that tell of an event, harmless whatever others wrote; none for progress."""
    match event:
        case events.Welcomed(roster):
            return roster_lines(roster)
        case events.Said(sender, text):
            return lines(f"[{one_line(sender)}] {text}")
        case events.SaidEarlier(sender, text):
            return lines(f"(earlier) [{one_line(sender)}] {text}")
        case events.ConnectionLost(reason):
            return [f"{_reason(reason)}; reconnecting …"]
        case events.Waiting(count):
            return [f"(not connected: {_messages(count)} still to be sent)"]
        case events.Reconnected(missed, again):
            return _reconnected(missed, again)
        case events.PersonJoined(name):
            return [f"{one_line(name)} joined the chat!"]
        case events.PersonLeft(name):
            return [f"{one_line(name)} exited the chat"]
        case events.FileOffered(number, sender, name, size, waits):
            sent = f"[{one_line(sender)}] !send {one_line(name)}"
            if waits:
                return [sent, f"{one_line(name)} ({size} bytes) waits: !get {number} fetches it"]
            return [sent, f"Receiving {one_line(name)} ({size} bytes)"]
        case events.FileSending(_, name, size):
            return [f"Sending {one_line(name)} ({size} bytes)"]
        case events.FileReceived(_, _, path):
            return [f"Successfully received: {one_line(str(path))}"]
        case events.FileSent():
            return ["File Successfully sent"]
        case events.FileFailed(_, name, reason):
            return [f"{one_line(name)} was called off: {_reason(reason)}"]
        case events.Ended(reason, by_server, unsent_texts=unsent):
            told = ["The server has closed the chat" if by_server else _reason(reason) or "Disconnected"]
            if unsent:
                told.append(f"{_messages(unsent)} {'was' if unsent == 1 else 'were'} not sent")
            return told
        case _:
            return []


def roster_lines(roster: tuple[str, ...]) -> list[str]:
    """Who is here; nothing for a server that keeps no roster."""
    if not roster:
        return []
    names = [f"Client {number} : {one_line(name)}" for number, name in enumerate(roster, start=1)]
    return [f"Total No of Clients: {len(roster)}", *names]


def _reconnected(missed: int | None, again: int) -> list[str]:
    told = ["Reconnected"]
    if missed is None:
        told = ["Reconnected to a server that does not remember us: what was said meanwhile is lost"]
    elif missed:
        told.append(f"You have missed {_messages(missed)}")
    if again:
        told.append(f"{_messages(again)} sent again")
    return told


def _reason(reason: str) -> str:
    return one_line(reason if len(reason) <= MAX_REASON else reason[:MAX_REASON] + " …")


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"
