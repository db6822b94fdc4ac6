"""The pace of work that can wait, beside those who take events."""

import time
from collections.abc import Callable

IsOver = Callable[[], bool]
"""Whether to stop: the process ends, or another one took over."""

BUSY_SHARE = 0.03
"""How much of the time such work takes; the rest is left to ingestion."""
_LOOK_SECONDS = 0.5


def leave_room(began: float, is_over: IsOver) -> None:
    """Rests as long as leaves ingestion its share, after work that began at a monotonic time."""
    busy = time.monotonic() - began
    rest(busy * (1 - BUSY_SHARE) / BUSY_SHARE, is_over)


def rest(seconds: float, is_over: IsOver) -> None:
    """Sleeps, but not when all `is_over`: a process that ends need not be waited for."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not is_over():
        time.sleep(min(left, _LOOK_SECONDS))
