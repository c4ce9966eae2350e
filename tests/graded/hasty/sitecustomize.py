"""Makes a Python program's clock run ten times as fast: Python runs this first when its folder is on PYTHONPATH.

So a test need not sit through the silence after which a server asks whether somebody is still there.
"""

import _socket
import select
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

TIMES = 10

_began = {clock: getattr(time, clock)() for clock in ("time", "monotonic")}


def _fast(clock: str) -> Callable[[], float]:
    real, began = getattr(time, clock), _began[clock]
    return lambda: began + (real() - began) * TIMES


def _shorten(function: Callable[..., Any], position: int, name: str = "timeout") -> Callable[..., Any]:
    """The same function, that waits a tenth of the time it is told to."""

    def shortened(*arguments: Any, **named: Any) -> Any:
        given = list(arguments)
        if len(given) > position and isinstance(given[position], int | float) and given[position] > 0:
            given[position] /= TIMES
        if isinstance(named.get(name), int | float) and named[name] > 0:
            named[name] /= TIMES
        return function(*given, **named)

    return shortened


class _Poller:
    """What `select.poll` or `select.epoll` makes, that waits a tenth of the time; their own kinds cannot be derived."""

    def __init__(self, made: Any) -> None:
        self._made = made
        self.poll = _shorten(made.poll, 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)

    def __enter__(self) -> "_Poller":
        return self

    def __exit__(self, *_: object) -> None:
        self._made.close()


def _hasty_poller(make: Callable[..., Any]) -> Callable[..., _Poller]:
    return lambda *arguments, **named: _Poller(make(*arguments, **named))


_TIMEVAL = struct.Struct("@ll")
_TIMEOUTS = {socket.SO_RCVTIMEO, socket.SO_SNDTIMEO}
_setsockopt = _socket.socket.setsockopt


def _setsockopt_with_less_time(sock: socket.socket, level: int, option: int, *value: Any) -> None:
    """The system's own timeouts are such options."""
    if level == socket.SOL_SOCKET and option in _TIMEOUTS and len(value[0]) == _TIMEVAL.size:
        seconds, micros = _TIMEVAL.unpack(value[0])
        value = (_TIMEVAL.pack(*divmod((seconds * 1_000_000 + micros) // TIMES, 1_000_000)),)
    _setsockopt(sock, level, option, *value)


for _clock in _began:
    setattr(time, _clock, _fast(_clock))
time.sleep = _shorten(time.sleep, 0)
select.select = _shorten(select.select, 3)
for _name in {"poll", "epoll"} & set(dir(select)):  # macOS has no epoll
    setattr(select, _name, _hasty_poller(getattr(select, _name)))
for _selector in {selectors.DefaultSelector, selectors.SelectSelector, selectors.PollSelector}:
    _selector.select = _shorten(_selector.select, 1)  # type: ignore[method-assign]
threading._time = time.monotonic  # type: ignore[attr-defined]  # what wait_for looks at
threading.Condition.wait = _shorten(threading.Condition.wait, 1)  # type: ignore[method-assign]
socket.socket.settimeout = _shorten(_socket.socket.settimeout, 1, "value")  # type: ignore[method-assign]
socket.socket.setsockopt = _setsockopt_with_less_time  # type: ignore[method-assign,assignment]
