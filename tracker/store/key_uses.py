"""When each key was last used, to the minute or so: written by the first request of a minute."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from tracker.model import ApiKey
from tracker.store.database import Database

EVERY_SECONDS = 60.0


class KeyUses:
    """What this process knows of the keys' uses. Safe to use from any thread."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._written: dict[str, float] = {}

    def note(self, key_id: str) -> None:
        """The key was used now. That this could not be written keeps nobody from using it."""
        now = self._clock()
        if now - self._written.get(key_id, float("-inf")) < EVERY_SECONDS:
            return
        self._written[key_id] = now
        try:
            with self._database.write() as connection:
                used = update(ApiKey).where(ApiKey.id == key_id)
                connection.execute(used.values(last_used_at=datetime.now(UTC)))
        except (SQLAlchemyError, OSError):
            del self._written[key_id]
