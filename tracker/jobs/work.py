"""The jobs of the clock and their pace."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tracker.config import Settings
from tracker.jobs.alerts import watch
from tracker.jobs.deliveries import deliver_due
from tracker.jobs.digest import Compose, send_when_due
from tracker.jobs.judging import Panels
from tracker.store.channels import tell_given_up
from tracker.store.database import Database
from tracker.store.expired import cutoffs
from tracker.store.merging import merge_slots
from tracker.store.pace import IsOver, rest
from tracker.store.retention import expire
from tracker.store.salts import delete_old_salts
from tracker.store.settling import settle_some

SETTLED_AT_ONCE = 20
SETTLING_RESTS = 6
"""How much longer settling rests than it works while much is to be settled."""


@dataclass(frozen=True)
class Context:
    """What jobs work with. `panels` are what can be watched of the pages;
    `compose_digest` makes the mail of a week."""

    database: Database
    settings: Settings
    panels: Panels = field(default_factory=dict)
    compose_digest: Compose | None = None


@dataclass(frozen=True)
class Job:
    """Something done again and again, in steps that are short for those who write events."""

    name: str
    every_seconds: float
    run: Callable[[Context, IsOver], None]
    first_after_seconds: float = 0


def settle(context: Context, is_over: IsOver) -> None:
    """Brings what depends on the order of events up to date, in the pauses of those who write."""
    began = time.monotonic()
    while settle_some(context.database, at_once=SETTLED_AT_ONCE) and not is_over():
        rest(SETTLING_RESTS * (time.monotonic() - began), is_over)
        began = time.monotonic()


def deliver(context: Context, is_over: IsOver) -> None:
    """Sends what waits in the outbox, and tells of destinations that were given up."""

    def announce(disabled: list[str]) -> None:
        with context.database.write() as connection:
            tell_given_up(connection, disabled)

    deliver_due(context.database, context.settings, is_over, announce)


def watch_rules(context: Context, _is_over: IsOver) -> None:
    """Looks whether something is out of order."""
    watch(context.database, context.settings.zone, context.panels, datetime.now(UTC))


def forget_salts(context: Context, _is_over: IsOver) -> None:
    """Deletes the salts of 48 hours ago, and with them what fingerprints meant."""
    with context.database.write() as connection:
        delete_old_salts(connection)


def expire_raw(context: Context, is_over: IsOver) -> None:
    """Deletes raw events and snapshots whose time is over."""
    settings = context.settings
    now = datetime.now(UTC)
    with context.database.read(None) as session:
        expired = cutoffs(session, now, settings.zone, settings.retention_days)
    for one in expired:
        expire(context.database, one, is_over)


def merge(context: Context, is_over: IsOver) -> None:
    """Merges what several writers counted apart, on days that hardly anybody adds to."""
    today = datetime.now(UTC).astimezone(context.settings.zone).date()
    merge_slots(context.database, today - timedelta(days=1), is_over)


def digest(context: Context, _is_over: IsOver) -> None:
    """Mails the last full week's digest, once."""
    send_when_due(context.database, context.settings, context.compose_digest, datetime.now(UTC))


def jobs() -> tuple[Job, ...]:
    return (
        Job("settle", 2, settle),
        Job("deliveries", 1, deliver),
        Job("alerts", 30, watch_rules, first_after_seconds=5),
        Job("salts", 600, forget_salts),
        Job("digest", 600, digest, first_after_seconds=30),
        Job("retention", 3600, expire_raw, first_after_seconds=60),
        Job("merging", 6 * 3600, merge, first_after_seconds=300),
    )
