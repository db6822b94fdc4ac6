"""Emptying the outbox: many deliveries at a time, and no destination holds up the others."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from tracker.config import Settings
from tracker.jobs.sending import send
from tracker.store import deliveries
from tracker.store.database import Database
from tracker.store.deliveries import Claimed, Outcome

SENDERS = 48
AT_ONCE = 16
"""Deliveries claimed at a time, and in the air to a destination before others come first."""
_POLL_SECONDS = 1.0
_PARKING_SECONDS = 0.1

Flights = dict[Future[Outcome], Claimed]
Announce = Callable[[list[str]], None]


def deliver_due(
    database: Database,
    settings: Settings,
    is_over: Callable[[], bool] = lambda: False,
    announce: Announce = lambda _disabled: None,
) -> int:
    """Sends everything that is due; returns the attempts made.

    `is_over` ends it early, with what is in the air finished first. `announce` is told which
    destinations were given up.
    """
    sent = 0
    flights: Flights = {}
    queue = _Queue(database)
    claimed = queue.claim(flights)
    if not claimed:
        return 0
    # Made here, in the thread that uses it: under gevent its threads are greenlets of this one.
    with ThreadPoolExecutor(SENDERS, thread_name_prefix="deliveries") as senders:
        while claimed or flights:
            for delivery in claimed:
                flights[senders.submit(send, delivery, settings)] = delivery
            done, _ = wait(flights, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            sent += len(done)
            _finish(database, [future.result() for future in done], announce)
            for future in done:
                del flights[future]
            claimed = [] if is_over() else queue.claim(flights)
    return sent


@dataclass
class _Queue:
    """What is due, claimed some at a time.

    While a claim reads, others may not write. So what waits for stopped destinations is put aside,
    and behind all that waits for busy ones is looked once a second where there was nothing.
    """

    database: Database
    _busy: tuple[str, ...] = ()
    _again_at: float = 0
    _park_at: float = 0

    def claim(self, flights: Flights) -> list[Claimed]:
        in_hand = Counter(delivery.destination_id for delivery in flights.values())
        free = min(SENDERS - len(flights), AT_ONCE)
        busy = tuple(sorted(one for one, n in in_hand.items() if n >= AT_ONCE))
        if free <= 0 or (busy == self._busy and time.monotonic() < self._again_at):
            return []
        self._park()
        with self.database.write() as connection:
            found = deliveries.claim(connection, uuid4().hex, free, datetime.now(UTC), busy)
        if busy and len(found) < free:
            self._busy, self._again_at = busy, time.monotonic() + _POLL_SECONDS
        return found

    def _park(self) -> None:
        now = time.monotonic()
        if now < self._park_at:
            return
        while time.monotonic() < now + _PARKING_SECONDS:
            with self.database.write() as connection:
                if not deliveries.park(connection, datetime.now(UTC)):
                    break
        self._park_at = time.monotonic() + _POLL_SECONDS


def _finish(database: Database, outcomes: list[Outcome], announce: Announce) -> None:
    if not outcomes:
        return
    with database.write() as connection:
        disabled = deliveries.finish(connection, outcomes, datetime.now(UTC))
    if disabled:
        announce(disabled)
