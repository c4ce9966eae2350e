"""Why a frame is broken, in words that help whoever has written the program that sent it."""

import json

from labkit.wiretap.describe import count
from labkit.wiretap.follower import HEAD, LENGTH, Broken
from reference.protocol import MAX_WELCOME

FAR = 64
"""How many bytes a length may be short of, for a guess why."""


def explain(broken: Broken) -> list[str]:
    """What the protocol says, then what it most likely comes from."""
    hint = _HINTS.get(broken.error.code, _no_hint)(broken)
    return [broken.error.reason, *([hint] if hint else [])]


def explain_end(got: int, total: int | None) -> str:
    """What it means that the stream ends within a frame."""
    whole = f"{total:,}" if total is not None else "at least 5"
    return (
        f"the stream ends within a frame: {got:,} of {whole} bytes have come. "
        "Was the connection cut, or does the length count bytes that were never sent?"
    )


def _length(broken: Broken) -> str:
    head = broken.raw[:LENGTH]
    length = int.from_bytes(head, "big")
    if length == 0:
        return "A frame has at least its type byte: the length counts the type and the body."
    if head.isascii() and all(byte >= 0x20 for byte in head):
        return (
            f"These four bytes are the letters {head.decode()!r}. Did the frame before say a shorter length than "
            "it had, or does somebody speak another protocol?"
        )
    turned = int.from_bytes(head, "little")
    if turned <= MAX_WELCOME:
        return f"Turned round it would be {turned:,}: network byte order has the largest byte first, struct '>I'."
    return "Did the frame before say another length than it had? Then this is the middle of something."


def _json(broken: Broken) -> str:
    body = broken.raw[HEAD:]
    if not body:
        return "The body is empty: a frame without fields has the body {}."
    for more in range(1, min(len(broken.after), FAR) + 1):
        if _is_object(body + broken.after[:more]):
            return _too_short(more, (body + broken.after[:more]).isascii())
    if _is_object(body[:-LENGTH]):
        return "With four bytes less it would be right: does the length count its own four bytes?"
    if _is_object(body[: -LENGTH - 1]):
        return "With five bytes less it would be right: the length counts only what follows it: type and body."
    return ""


def _too_short(more: int, ascii_only: bool) -> str:
    missing = f"With {count(more)} more it would be right"
    if ascii_only:
        return f"{missing}: does the length leave out the type byte?"
    return f"{missing}: is the length counted in characters? It counts bytes, after encode()."


def _utf8(broken: Broken) -> str:
    return "Was the text encoded with str.encode(), and is the length counted in bytes, not in characters?"


def _turn(broken: Broken) -> str:
    return "Each side has its own frames: see the table in labs/protocol.md."


def _no_hint(broken: Broken) -> str:
    return ""


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


_HINTS = {"bad-length": _length, "bad-json": _json, "bad-utf8": _utf8, "out-of-turn": _turn}
