"""Expiry: raw events and snapshots go after their time, and aggregates stay.

Whole days expire, in batches that leave ingestion most of the time. With the last event of a
person goes every identifier: of what a session did on expired days, only its first and last
active days are kept, for as long as it is active at all, so that distinct counts stay right.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, select
from sqlalchemy.orm import Session

from tracker.model import Delivery, Event, Identity, MemberDay, SessionDay, Tenant
from tracker.store import bulk, locks
from tracker.store.database import Database
from tracker.store.expired import Cutoff, by_age, left_behind
from tracker.store.forgetting import forget_copies
from tracker.store.pace import leave_room
from tracker.store.remembering import remember
from tracker.store.settling import settle_some, settled_as_of
from tracker.store.uniques import days_by_facet, session_days

BATCH = 500
SETTLED_AT_ONCE = 20

EVENTS, IDENTITIES, DELIVERIES = Event.__table__, Identity.__table__, Delivery.__table__
SESSION_DAYS, MEMBER_DAYS = SessionDay.__table__, MemberDay.__table__
_SESSION = ("tenant_id", "session_id")
_MEMBER = ("tenant_id", "member", "kind", "key")


def expire(
    database: Database, expired: Cutoff, is_over: Callable[[], bool] = lambda: False
) -> dict[str, int]:
    """Deletes what has expired, until all of it is gone or `is_over`; returns rows by table."""
    _settle(database, is_over)
    remember(database, expired)
    deleted: Counter[str] = Counter()
    for aged in by_age(expired):
        with database.read(None) as session:
            owners = session.scalars(aged.owners).all()
        for owner in owners:
            _in_batches(database, aged.table, aged.oldest(owner, BATCH), is_over, deleted)
    if not is_over():
        deleted.update(_forget_sessions(database, expired, is_over))
        deleted[MEMBER_DAYS.name] = _forget_members(database, expired, is_over)
        alone = select(*IDENTITIES.primary_key).where(left_behind(expired)).limit(BATCH)
        _in_batches(database, IDENTITIES, alone, is_over, deleted)
    return deleted


def _settle(database: Database, is_over: Callable[[], bool]) -> None:
    """What waits to be settled must be, while the events it depends on are there.

    What is touched from now on is left to the clock: while events pour in there is always more.
    """
    now = datetime.now(UTC)
    while not is_over():
        with database.snapshot() as connection:
            since = settled_as_of(connection)
        if since is None or since > now:
            return
        began = time.monotonic()
        settle_some(database, at_once=SETTLED_AT_ONCE)
        leave_room(began, is_over)


def _in_batches(
    database: Database,
    table: Table,
    keys: Select[Any],
    is_over: Callable[[], bool],
    deleted: Counter[str],
) -> None:
    """Deletes the rows with these keys, of which there are `BATCH` at a time; counts them."""
    while not is_over():
        began = time.monotonic()
        with database.read(None) as session:  # looking may take long; writers need not wait
            some = [tuple(row) for row in session.execute(keys)]
        if some:
            with database.write() as connection:
                bulk.delete_keys(connection, table, some)
                if table is EVENTS:
                    # What came late was copied late: by its age the copy would outlive it.
                    deleted[DELIVERIES.name] += forget_copies(connection, some)
        deleted[table.name] += len(some)
        if len(some) < BATCH:
            return
        leave_room(began, is_over)


def _forget_sessions(
    database: Database, expired: Cutoff, is_over: Callable[[], bool]
) -> dict[str, int]:
    """Deletes expired days of sessions, and whose those were that have no other day."""
    identities = 0

    def forget(connection: Connection, some: Sequence[tuple[Any, ...]]) -> int:
        nonlocal identities
        locks.lock_sessions(connection, {key[1] for key in some})
        gone, over = [], []
        for session, days in session_days(connection, some).items():
            kept = _still_needed(days, expired.day)
            gone += [(*session, day) for day in days if day < expired.day and day not in kept]
            if not kept:
                over.append(session)
        bulk.delete_keys(connection, SESSION_DAYS, gone)
        named = list(bulk.matching(connection, IDENTITIES, _SESSION, over, _SESSION))
        bulk.delete_keys(connection, IDENTITIES, named)
        identities += len(named)
        return len(gone)

    days = _walk(database, SESSION_DAYS, _SESSION, expired, forget, is_over)
    return {SESSION_DAYS.name: days, IDENTITIES.name: identities}


def _still_needed(days: dict[date, dict[str, Any]], first_held: date) -> set[date]:
    """The first expired day and the last under each facet, if a later day is held."""
    if max(days) < first_held:
        return set()
    expired = {day: counts for day, counts in days.items() if day < first_held}
    return {min(expired)} | {max(under) for under in days_by_facet(expired).values() if under}


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


def would_forget(session: Session, *expired: Cutoff) -> dict[str, int]:
    """How many days of sessions and of what they were active under would go now."""
    sessions = members = 0
    for tenant_id in session.scalars(select(Tenant.id)).all():
        first_held = max(one.day for one in expired if tenant_id in one.tenants or not one.tenants)
        old, spanning = _old_days(session, SESSION_DAYS, _SESSION, tenant_id, first_held)
        held = session_days(session.connection(), spanning)
        sessions += old - sum(len(_still_needed(days, first_held)) for days in held.values())
        old, spanning = _old_days(session, MEMBER_DAYS, _MEMBER, tenant_id, first_held)
        members += old - len(spanning)  # each keeps its last expired day
    return {SESSION_DAYS.name: sessions, MEMBER_DAYS.name: members}


def _old_days(
    session: Session, table: Table, columns: Sequence[str], tenant_id: str, first_held: date
) -> tuple[int, list[tuple[Any, ...]]]:
    """How many expired days there are, and who has days on both sides of the border."""
    of_tenant, keys = table.c.tenant_id == tenant_id, [table.c[name] for name in columns]
    old = select(func.count()).select_from(table).where(of_tenant, table.c.day < first_held)
    both = and_(func.min(table.c.day) < first_held, func.max(table.c.day) >= first_held)
    spanning = select(*keys).where(of_tenant).group_by(*keys).having(both)
    return session.scalar(old) or 0, [tuple(row) for row in session.execute(spanning)]


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
    condition = expired.covers(table.c.tenant_id) & (table.c.day < expired.day)
    deleted, last = 0, None
    while not is_over():
        began = time.monotonic()
        with database.read(None) as session:
            some = _next(session, keys, last, condition)
        with database.write() as connection:
            locks.join_writers(connection)
            deleted += forget(connection, some) if some else 0
        if len(some) < BATCH:
            break
        last = some[-1]
        leave_room(began, is_over)
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
