"""What a process remembers between requests. All of it may be lost, and is at every restart."""

from datetime import UTC, datetime

from flask import Flask

from tracker.catalog.calendar import Calendar
from tracker.ingest.intake import Intake
from tracker.ingest.ratelimit import RateCounters
from tracker.store.key_uses import KeyUses
from tracker.store.salts import Salts
from tracker.store.settings import TenantChoices
from tracker.store.writer import Writer


def remember_nothing(app: Flask) -> None:
    """Gives the app the memory of a process that has just begun."""
    settings, database = app.extensions["settings"], app.extensions["database"]
    calendar = Calendar(settings.zone)
    app.extensions |= {
        "calendar": calendar,
        "writer": Writer(database),
        "salts": Salts(database),
        "key_uses": KeyUses(database),
        "rate_counters": RateCounters(),
        "choices": TenantChoices(
            lambda: database.read(None), lambda: calendar.day(datetime.now(UTC))
        ),
    }
    app.extensions["intake"] = Intake.of(app)
