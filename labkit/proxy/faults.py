"""What can be wrong with one direction of a connection."""

import math
from dataclasses import dataclass

TO_SERVER = "to_server"
TO_CLIENT = "to_client"
BOTH = "both"


@dataclass(frozen=True)
class Faults:
    """The faults of one direction; each is off by default. ValueError: a value makes no sense."""

    # Cut into segments of n bytes, or of a random size in a range (both ends included).
    segment: int | tuple[int, int] | None = None
    # Collect what arrives within so many seconds and send it as one.
    glue: float = 0.0
    # Everything takes so many seconds longer. Latency alone: it does not limit the throughput, as
    # long as what is on its way fits in the window (see lane.py).
    delay: float = 0.0
    # At most so many bytes per second.
    rate: float | None = None
    # Reset both sides once n bytes have passed, or a random number, drawn for each connection.
    reset_after: int | tuple[int, int] | None = None
    # The probability (0 to 1) of a reset after each segment. It repeats by the seed together with
    # `segment`; without, a segment is what one recv brought, and that is up to the machine.
    reset_chance: float = 0.0
    # End this direction (FIN) once n bytes have passed and discard the rest; the other goes on.
    half_close_after: int | None = None

    def __post_init__(self) -> None:
        for name in ("segment", "reset_after", "half_close_after"):
            _check_count(name, getattr(self, name))
        for name in ("glue", "delay"):
            seconds = getattr(self, name)
            if not (math.isfinite(seconds) and seconds >= 0):
                raise ValueError(f"{name} must be seconds, 0 or more, not {seconds}")
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate > 0):
            raise ValueError(f"rate must be bytes per second, more than 0, not {self.rate}")
        if not 0 <= self.reset_chance <= 1:
            raise ValueError(f"reset_chance must be from 0 to 1, not {self.reset_chance}")


def _check_count(name: str, value: int | tuple[int, int] | None) -> None:
    if value is None:
        return
    low, high = value if isinstance(value, tuple) else (value, value)
    if not 1 <= low <= high:
        raise ValueError(f"{name} must be 1 or more, and a range must go upwards, not {value}")


NO_FAULTS = Faults()
