"""Makes a Python program's clock run ten times as fast: Python runs this first when its folder is on PYTHONPATH.

So a test need not sit through the silence after which a server asks whether somebody is still there.
"""

import _socket
import select
import selectors
import socket
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


for _clock in _began:
    setattr(time, _clock, _fast(_clock))
time.sleep = _shorten(time.sleep, 0)
select.select = _shorten(select.select, 3)
for _selector in {selectors.DefaultSelector, selectors.SelectSelector, selectors.PollSelector}:
    _selector.select = _shorten(_selector.select, 1)  # type: ignore[method-assign]
threading.Condition.wait = _shorten(threading.Condition.wait, 1)  # type: ignore[method-assign]
socket.socket.settimeout = _shorten(_socket.socket.settimeout, 1, "value")  # type: ignore[method-assign]
