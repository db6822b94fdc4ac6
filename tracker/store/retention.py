"""Expiry: raw events and snapshots go after their time, and aggregates stay.

Whole days expire, in batches that leave ingestion most of the time. With the last event of a
person goes every identifier: of what a session did on expired days, only its first and last
active days are kept, for as long as it is active at all, so that distinct counts stay right.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, func, or_, select, true
from sqlalchemy.orm import Session

from tracker.model import (
    Delivery,
    Event,
    Identity,
    IngestWarning,
    MemberDay,
    SessionDay,
    Settled,
    Tenant,
    TripAttempt,
)
from tracker.store import bulk, locks
from tracker.store.database import Database
from tracker.store.settings import shorter_retentions
from tracker.store.settling import settle_some
from tracker.store.uniques import FACETS, session_days

BATCH = 500
BUSY_SHARE = 0.2
"""How much of the time is spent deleting; the rest is left to ingestion."""

EVENTS, IDENTITIES = Event.__table__, Identity.__table__
SESSION_DAYS, MEMBER_DAYS = SessionDay.__table__, MemberDay.__table__
_MEMBER = ("tenant_id", "member", "kind", "key")


@dataclass(frozen=True)
class Cutoff:
    """What is expired: days before `day`, and what happened or was written before `moment`.

    Of these `tenants`, or of all when none is named.
    """

    day: date
    moment: datetime
    tenants: tuple[str, ...] = ()


def cutoffs(session: Session, now: datetime, zone: ZoneInfo, retention_days: int) -> list[Cutoff]:
    """What is expired for all tenants, then for those that chose to keep less."""
    everyone = cutoff(now, zone, retention_days)
    shorter = [
        replace(cutoff(now, zone, days), tenants=tenants)
        for days, tenants in shorter_retentions(session, retention_days).items()
    ]
    return [everyone, *shorter]


def cutoff(now: datetime, zone: ZoneInfo, retention_days: int) -> Cutoff:
    """A day expires when all of it is older than the retention."""
    day = now.astimezone(zone).date() - timedelta(days=retention_days)
    return Cutoff(day, datetime.combine(day, datetime.min.time(), zone))


def would_expire(session: Session, *expired: Cutoff) -> dict[str, int]:
    """How many rows of each table would go now."""
    return {
        pairs[0][0].name: int(
            session.execute(
                select(func.count())
                .select_from(pairs[0][0])
                .where(or_(*(condition for _, condition in pairs)))
            ).scalar_one()
        )
        for pairs in zip(*map(_by_age, expired), strict=True)
    }


def _by_age(expired: Cutoff) -> list[tuple[Table, ColumnElement[bool]]]:
    """Tables whose rows go by their age alone, those with the most first."""
    attempts, deliveries = TripAttempt.__table__, Delivery.__table__
    settled, warnings = Settled.__table__, IngestWarning.__table__
    return [
        # What has been settled stays counted; without this it would be taken back.
        (settled, _of_tenants(settled, expired) & (settled.c.day < expired.day)),
        (EVENTS, _of_tenants(EVENTS, expired) & (EVENTS.c.occurred_at < expired.moment)),
        (attempts, _of_tenants(attempts, expired) & (attempts.c.day < expired.day)),
        (warnings, _of_tenants(warnings, expired) & (warnings.c.day < expired.day)),
        (deliveries, _of(deliveries, expired) & (deliveries.c.created_at < expired.moment)),
    ]


def _of_tenants(table: Table, expired: Cutoff) -> ColumnElement[bool]:
    """The tenants' rows: said of all too, so that an index led by the tenant is of use."""
    return table.c.tenant_id.in_(expired.tenants or select(Tenant.id))


def _of(table: Table, expired: Cutoff) -> ColumnElement[bool]:
    """The tenants' rows, and those of no tenant where all are meant."""
    return table.c.tenant_id.in_(expired.tenants) if expired.tenants else true()


def expire(
    database: Database, expired: Cutoff, is_over: Callable[[], bool] = lambda: False
) -> dict[str, int]:
    """Deletes what has expired, until all of it is gone or `is_over`; returns rows by table."""
    _settle(database, is_over)
    deleted: dict[str, int] = {}
    for table, condition in _by_age(expired):
        deleted[table.name] = sum(_in_batches(database, table, condition, is_over))
    if not is_over():
        deleted[SESSION_DAYS.name] = _forget_sessions(database, expired, is_over)
        deleted[MEMBER_DAYS.name] = _forget_members(database, expired, is_over)
        deleted[IDENTITIES.name] = sum(
            _in_batches(database, IDENTITIES, _left_behind(expired), is_over)
        )
    return deleted


def _settle(database: Database, is_over: Callable[[], bool]) -> None:
    """What waits to be settled must be, while the events it depends on are there."""
    while settle_some(database) and not is_over():
        pass


def _in_batches(
    database: Database, table: Table, condition: ColumnElement[bool], is_over: Callable[[], bool]
) -> Iterator[int]:
    keys = select(*table.primary_key).where(condition).limit(BATCH)
    while not is_over():
        with database.read(None) as session:  # looking may take long; writers need not wait
            some = [tuple(row) for row in session.execute(keys)]
        began = time.monotonic()
        with database.write() as connection:
            bulk.delete_keys(connection, table, some)
        yield len(some)
        if len(some) < BATCH:
            return
        _leave_room(began)


def _leave_room(began: float) -> None:
    busy = time.monotonic() - began
    time.sleep(busy * (1 - BUSY_SHARE) / BUSY_SHARE)


def _forget_sessions(database: Database, expired: Cutoff, is_over: Callable[[], bool]) -> int:
    def forget(connection: Connection, some: Sequence[tuple[Any, ...]]) -> int:
        locks.lock_sessions(connection, {key[1] for key in some})
        gone = []
        for session, days in session_days(connection, some).items():
            kept = _still_needed(days, expired.day)
            gone += [(*session, day) for day in days if day < expired.day and day not in kept]
        bulk.delete_keys(connection, SESSION_DAYS, gone)
        return len(gone)

    columns = ("tenant_id", "session_id")
    return _walk(database, SESSION_DAYS, columns, expired, forget, is_over)


def _still_needed(days: dict[date, dict[str, Any]], first_held: date) -> set[date]:
    """The first expired day and the last under each facet, if a later day is held."""
    if max(days) < first_held:
        return set()
    expired = [day for day in days if day < first_held]
    return {min(expired)} | {
        max(under)
        for holds in FACETS.values()
        if (under := [day for day in expired if holds(days[day])])
    }


def _forget_members(database: Database, expired: Cutoff, is_over: Callable[[], bool]) -> int:
    def forget(connection: Connection, some: Sequence[tuple[Any, ...]]) -> int:
        locks.lock_sessions(connection, {key[1] for key in some if key[2] != "zero_email"})
        locks.lock_people(connection, {key[1] for key in some if key[2] == "zero_email"})
        active: dict[tuple[Any, ...], list[date]] = {}
        for row in bulk.matching(connection, MEMBER_DAYS, _MEMBER, some, (*_MEMBER, "day")):
            active.setdefault(tuple(row[:4]), []).append(row.day)
        gone = []
        for member, days in active.items():
            old = sorted(day for day in days if day < expired.day)
            gone += [(*member, day) for day in (old[:-1] if max(days) >= expired.day else old)]
        bulk.delete_keys(connection, MEMBER_DAYS, gone)
        return len(gone)

    return _walk(database, MEMBER_DAYS, _MEMBER, expired, forget, is_over)


def _walk(
    database: Database,
    table: Table,
    columns: Sequence[str],
    expired: Cutoff,
    forget: Callable[[Connection, Sequence[tuple[Any, ...]]], int],
    is_over: Callable[[], bool],
) -> int:
    """Goes once through everyone with an expired day, some at a time, in order of their keys."""
    keys = [table.c[name] for name in columns]
    condition = _of(table, expired) & (table.c.day < expired.day)
    deleted, last = 0, None
    while not is_over():
        with database.read(None) as session:
            some = _next(session, keys, last, condition)
        began = time.monotonic()
        with database.write() as connection:
            locks.join_writers(connection)
            deleted += forget(connection, some) if some else 0
        if len(some) < BATCH:
            break
        last = some[-1]
        _leave_room(began)
    return deleted


def _next(
    session: Session, keys: list[Any], last: tuple[Any, ...] | None, condition: Any
) -> list[tuple[Any, ...]]:
    statement = select(*keys).where(condition).distinct().order_by(*keys).limit(BATCH)
    if last is not None:
        statement = statement.where(_behind(keys, last))
    return [tuple(row) for row in session.execute(statement)]


def _behind(keys: list[Any], last: tuple[Any, ...]) -> ColumnElement[bool]:
    """Keys that come after `last` in order."""
    key, value = keys[0], last[0]
    after: ColumnElement[bool] = key > value
    if len(keys) == 1:
        return after
    return after | and_(key == value, _behind(keys[1:], last[1:]))


def _left_behind(expired: Cutoff) -> ColumnElement[bool]:
    """Identities of sessions without an event, but for those linked ahead of their first."""
    of_session = and_(
        SESSION_DAYS.c.tenant_id == IDENTITIES.c.tenant_id,
        SESSION_DAYS.c.session_id == IDENTITIES.c.session_id,
    )
    stored = and_(
        EVENTS.c.tenant_id == IDENTITIES.c.tenant_id,
        EVENTS.c.session_id == IDENTITIES.c.session_id,
    )
    return and_(
        _of(IDENTITIES, expired),
        IDENTITIES.c.linked_at < expired.moment,
        ~exists(select(SESSION_DAYS.c.day).where(of_session)),
        ~exists(select(EVENTS.c.id).where(stored)),
    )
