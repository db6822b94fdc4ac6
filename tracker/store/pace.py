"""The pace of work that can wait, beside those who take events."""

import time

BUSY_SHARE = 0.03
"""How much of the time such work takes; the rest is left to ingestion."""


def leave_room(began: float) -> None:
    """Rests as long as leaves ingestion its share, after work that began at a monotonic time."""
    busy = time.monotonic() - began
    time.sleep(busy * (1 - BUSY_SHARE) / BUSY_SHARE)
