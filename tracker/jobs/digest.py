"""The weekly digest by mail: the last full week, on Monday morning, once."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from tracker.config import Settings
from tracker.metrics.digest import last_full_week
from tracker.store.database import Database
from tracker.store.digest import Mail, is_sent, send_digest

Compose = Callable[[Database, date, date, datetime], Mail]
"""Makes the mail of the days from the first to the last, as of now."""

_MORNING = timedelta(hours=6)
"""When a week's digest is due, from the beginning of the next week in the reporting zone."""


def send_when_due(
    database: Database, settings: Settings, compose: Compose | None, now: datetime
) -> bool:
    """Sends the last full week's digest unless it went out; whether it did so now.

    Nothing happens where no recipients are set. A service that was away on Monday catches up,
    with the last week only.
    """
    if compose is None or not settings.digest_to:
        return False
    first, last = last_full_week((now.astimezone(settings.zone) - _MORNING).date())
    with database.read(None) as session:
        if is_sent(session, first):
            return False
    mail = compose(database, first, last, now)
    with database.write() as connection:
        return send_digest(connection, first, settings.digest_to, mail)
