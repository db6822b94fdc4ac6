"""What came in: the newest events, what was refused and why, and what became of it all."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, false, func, select, union_all
from sqlalchemy.orm import Session

from tracker.metrics.listing import listing
from tracker.metrics.scope import Listing, Scope
from tracker.model import DailyEvents, DailyIngest, Event, IngestWarning, Unsettled
from tracker.model.base import uuid_of


class Received(NamedTuple):
    """One event of the log."""

    received_at: datetime
    occurred_at: datetime
    event_type: str
    tenant_id: str
    session_id: str | None
    email: str | None
    source: str
    is_bot: bool
    id: str
    payload: dict[str, object]


class Refused(NamedTuple):
    """Why events of one type were refused on one day, with one redacted sample."""

    last_at: datetime
    event_type: str
    code: str
    path: str
    message: str
    events: int
    tenant_id: str
    sample: str


class Trust(NamedTuple):
    """What became of everything that was sent in a period."""

    accepted: int
    refused: int
    duplicates: int
    late: int
    bots: int
    sampled: int


class DayOfOneType(NamedTuple):
    """One day's events of one type."""

    day: date
    events: int


class Volume(NamedTuple):
    """How much of one event type came in, and on which day the last one did."""

    event_type: str
    events: int
    last_day: date


_MOST_BRANCHES = 100


def events(session: Session, scope: Scope) -> Listing[Received]:
    """The newest accepted events, by time of receipt; bots' too, which no metric counts.

    Filters: `type`, `session`, `outcome` (bot). The length is known as far as the
    next slice only: `total` is larger than what was seen when there is more.
    Source: events.
    """
    newest = (Event.received_at.desc(), Event.id.desc())
    wanted = scope.offset + scope.limit + 1
    # One branch per tenant: each reads the newest rows of one index, where a list of
    # tenants would have the database sort all they ever sent.
    groups: Sequence[Sequence[str]] = [[tenant] for tenant in scope.tenants]
    if len(groups) > _MOST_BRANCHES:
        groups = [scope.tenants]
    branches = [
        select(_events(scope, group).order_by(*newest).limit(wanted).subquery()) for group in groups
    ]
    if not branches:
        return Listing([], 0)
    merged = union_all(*branches).subquery()
    order = (merged.c.received_at.desc(), merged.c.id.desc())
    found = session.execute(select(merged).order_by(*order).limit(wanted).offset(scope.offset))
    rows = [Received(*row) for row in found]
    return Listing(rows[: scope.limit], scope.offset + len(rows))


def _events(scope: Scope, tenants: Sequence[str]) -> Select[Any]:
    statement = select(*(getattr(Event, name) for name in Received._fields))
    statement = statement.where(Event.tenant_id.in_(tenants))
    if kind := scope.filters.get("type"):
        statement = statement.where(Event.event_type == kind)
    if visitor := scope.filters.get("session"):
        statement = statement.where(Event.session_id == uuid_of(visitor))
    outcome = scope.filters.get("outcome")
    if outcome == "bot":
        statement = statement.where(Event.is_bot)
    return statement.where(false()) if outcome == "refused" else statement


def refused(session: Session, scope: Scope) -> Listing[Refused]:
    """Why events were refused in the period: one row per day, type, code and field at fault.

    Counts events, not requests; the sample is the start of one such event, redacted.
    Filters: `type`, `outcome` (accepted and bot leave nothing). Source: ingest_warnings.
    """
    statement = (
        select(
            IngestWarning.last_at,
            IngestWarning.event_type,
            IngestWarning.code,
            IngestWarning.path,
            IngestWarning.message,
            IngestWarning.count.label("events"),
            IngestWarning.tenant_id,
            IngestWarning.sample,
        )
        .where(IngestWarning.tenant_id.in_(scope.tenants))
        .where(IngestWarning.day.between(scope.first, scope.last))
    )
    if kind := scope.filters.get("type"):
        statement = statement.where(IngestWarning.event_type == kind)
    if scope.filters.get("outcome") in ("accepted", "bot"):
        statement = statement.where(false())
    order = ("-last_at", "event_type", "code", "path", "tenant_id")
    return listing(session, scope, statement, Refused, order=order, search="message")


def trust(session: Session, scope: Scope, events: Sequence[str] = ()) -> Trust:
    """What became of what was received in the period, of these event types or of all.

    Counts events by day of receipt; accepted are stored, bots' included; late are those of them
    that had occurred over an hour before. Source: daily_ingest.
    """
    sums = [func.coalesce(func.sum(getattr(DailyIngest, name)), 0) for name in Trust._fields]
    statement = (
        select(*sums)
        .where(DailyIngest.tenant_id.in_(scope.tenants))
        .where(DailyIngest.day.between(scope.first, scope.last))
    )
    if events:
        statement = statement.where(DailyIngest.event_type.in_(events))
    return Trust(*map(int, session.execute(statement).one()))


def settled_until(session: Session, scope: Scope) -> datetime:
    """Up to when facts that depend on order are settled: now, when nothing waits."""
    waiting = (
        select(func.min(Unsettled.since))
        .where(Unsettled.tenant_id.in_(scope.tenants))
        .where(Unsettled.kind != "demand")  # the ledger tells its own time
    )
    return session.scalar(waiting) or scope.now


def volumes(session: Session, scope: Scope) -> list[Volume]:
    """Events of each type in the period, and the last day with one, without bots.

    Largest first. Source: daily_events.
    """
    events = func.sum(DailyEvents.events)
    # What was erased is a negative number in a slot of its own, until the slots are merged.
    last_day = func.max(DailyEvents.day).filter(DailyEvents.events > 0)
    statement = (
        select(DailyEvents.event_type, events, last_day)
        .where(DailyEvents.tenant_id.in_(scope.tenants))
        .where(DailyEvents.day.between(scope.first, scope.last))
        .group_by(DailyEvents.event_type)
        .having(events > 0)
    )
    rows = [Volume(kind, int(count), day) for kind, count, day in session.execute(statement)]
    return sorted(rows, key=lambda row: (-row.events, row.event_type))


def daily_volume(session: Session, scope: Scope) -> list[DayOfOneType]:
    """Events of one type (filter `event_type`) on each day, zeros too, without bots.

    Scaled up where the type is sampled. Source: daily_events.
    """
    statement = (
        select(DailyEvents.day, func.sum(DailyEvents.events))
        .where(DailyEvents.tenant_id.in_(scope.tenants))
        .where(DailyEvents.event_type == scope.filters["event_type"])
        .where(DailyEvents.day.between(scope.first, scope.last))
        .group_by(DailyEvents.day)
    )
    counts = {day: int(events) for day, events in session.execute(statement)}
    return [DayOfOneType(day, counts.get(day, 0)) for day in scope.each_day()]
