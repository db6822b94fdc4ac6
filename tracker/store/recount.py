"""Recomputing the rollups from the raw events that are still there.

`check` compares, `rebuild` repairs. Both look only at days whose raw events are all held:
what older days say can't be recomputed, only kept.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, delete, func, select

from tracker.model import Event, Identity, MemberDay, SessionDay, Unsettled
from tracker.store import bulk, locks
from tracker.store.deltas import ROLLUPS, Deltas, Key, shape
from tracker.store.facts import SETTLE, Facts, settled_under
from tracker.store.linking import Known
from tracker.store.marking import Mark
from tracker.store.pasts import Pasts, all_pasts, facts_since
from tracker.store.projections import EventRow, project
from tracker.store.settling import held_facts
from tracker.store.trips import TELEMETRY, count_attempt, fold_with, mark_of
from tracker.store.uniques import (
    MemberKey,
    SessionKey,
    add_up,
    chain,
    count_event,
    count_weeks,
    days_by_facet,
    memberships,
)

RECOUNTED = {name: table for name, table in ROLLUPS.items() if name != "daily_ingest"}
"""All rollups but the record of refusals and duplicates, which leave no raw rows."""

SESSION_DAYS, MEMBER_DAYS = SessionDay.__table__, MemberDay.__table__
Rows = dict[tuple[str, Key], dict[str, Any]]


@dataclass
class Recount:
    """Rollups and session states as the raw events say they must be."""

    deltas: Deltas = field(default_factory=Deltas)
    sessions: dict[SessionKey, dict[date, dict[str, Any]]] = field(default_factory=dict)
    members: dict[MemberKey, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    expired_sessions: dict[SessionKey, dict[date, dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    expired_members: dict[MemberKey, set[date]] = field(default_factory=lambda: defaultdict(set))
    """Active days whose raw events have expired, of those who are still active."""
    waiting: dict[Mark, Facts] = field(default_factory=dict)
    """What waits to be settled, with the facts that it stands for until then."""
    pasts: Pasts = field(default_factory=lambda: Pasts({}))


@dataclass(frozen=True)
class Difference:
    """A row whose stored values are not what the raw events add up to."""

    table: str
    key: Key
    stored: dict[str, Any]
    counted: dict[str, Any]


def held_days(now: datetime, zone: ZoneInfo, retention_days: int) -> tuple[date, date]:
    """The days whose raw events are all still there: from the day after the oldest, on."""
    today = now.astimezone(zone).date()
    return today - timedelta(days=retention_days - 1), today + timedelta(days=1)


def recount(connection: Connection, first: date) -> Recount:
    """Counts every raw event again, with the functions that counted it the first time.

    Of days before `first` what is remembered of expired activity goes into distinct counts.
    """
    result = Recount(waiting=_waiting(connection), pasts=all_pasts(connection))
    subjects: dict[tuple[str, str, str], list[EventRow]] = defaultdict(list)
    requests: dict[tuple[str, str], list[EventRow]] = defaultdict(list)
    for session, events in groupby(_events(connection), key=_session_of):
        rows = [row for row in events if not row["is_bot"]]
        for row in rows:
            project(row, result.deltas)
            for member, day in memberships(row):
                result.members[member][day] += 1
            if row["event_type"] in TELEMETRY:
                requests[row["tenant_id"], row["request_id"]].append(row)
            if (mark := settled_under(row)) and mark[1] != "search":
                subjects[mark].append(row)
        _count_session(session, rows, result)
    for mark, rows in subjects.items():
        _count_facts(mark, rows, result)
    for days in result.waiting.values():
        for facts in days.values():
            result.deltas.add_all(facts)
    for request, rows in requests.items():
        attempt, _ = fold_with(result.pasts[mark_of(request)], rows, None)
        count_attempt(attempt, result.deltas, result.members, +1)
    _remember_expired(connection, result, first)
    _count_uniques(connection, result)
    return result


def _waiting(connection: Connection) -> dict[Mark, Facts]:
    columns = Unsettled.__table__.c
    marks = select(columns.tenant_id, columns.kind, columns.key).where(columns.kind.in_(SETTLE))
    waiting = [(row.tenant_id, row.kind, row.key) for row in connection.execute(marks)]
    held = held_facts(connection, waiting)
    return {mark: held[mark] for mark in waiting}


def _events(connection: Connection) -> Iterator[EventRow]:
    table = Event.__table__
    ordered = select(table).order_by(
        table.c.tenant_id, table.c.session_id, table.c.occurred_at, table.c.id
    )
    streamed = connection.execute(ordered, execution_options={"yield_per": 5000})
    return (dict(row._mapping) for row in streamed)


def _session_of(row: EventRow) -> tuple[str, str | None]:
    return row["tenant_id"], row["session_id"]


def _count_session(session: tuple[str, str | None], rows: list[EventRow], result: Recount) -> None:
    if session[1] is None or not rows:
        return
    days: dict[date, dict[str, Any]] = {}
    for row in rows:
        count_event(days, row)
    add_up(days)
    result.sessions[session[0], session[1]] = days
    _count_facts((session[0], "search", session[1]), rows, result)


def _count_facts(mark: Mark, rows: list[EventRow], result: Recount) -> None:
    if mark not in result.waiting:
        for facts in facts_since(mark, rows, result.pasts[mark]).values():
            result.deltas.add_all(facts)


def _remember_expired(connection: Connection, result: Recount, first: date) -> None:
    for row in connection.execute(select(SESSION_DAYS).where(SESSION_DAYS.c.day < first)):
        session = (row.tenant_id, row.session_id)
        if row.day not in result.sessions.get(session, {row.day: None}):
            result.expired_sessions[session][row.day] = dict(row._mapping)
    for row in connection.execute(select(MEMBER_DAYS).where(MEMBER_DAYS.c.day < first)):
        member = (row.tenant_id, row.member, row.kind, row.key)
        if row.day not in result.members.get(member, {row.day: None}):
            result.expired_members[member].add(row.day)


def _count_uniques(connection: Connection, result: Recount) -> None:
    known = {
        (row.tenant_id, row.session_id): Known(row.email, row.user_id)
        for row in connection.execute(select(Identity.__table__))
    }
    for session, held in result.sessions.items():
        days = held | result.expired_sessions.get(session, {})
        for kind, active in days_by_facet(days).items():
            _add_chain(result.deltas, session[0], kind, "", active, session in known)
        count_weeks(result.deltas, session[0], (), days, session in known)
    for (tenant, who, kind, key), counted in result.members.items():
        identified = kind != "zero_email" and (tenant, who) in known
        days_active = {*counted, *result.expired_members.get((tenant, who, kind, key), ())}
        _add_chain(result.deltas, tenant, kind, key, days_active, identified)


def _add_chain(
    deltas: Deltas, tenant: str, kind: str, key: str, days: Iterable[date], identified: bool
) -> None:
    for day, previous in chain(days).items():
        row = (tenant, day, kind, key, previous)
        deltas.add("daily_uniques", row, members=1, identified=int(identified))


def check(connection: Connection, first: date, last: date) -> list[Difference]:
    """Every difference between the rollups and a recount, on the days from first to last."""
    counted = {
        (table, key): changes
        for table, key, changes in recount(connection, first).deltas
        if first <= key[1] <= last
    }
    stored = dict(_stored(connection, first, last))
    return [
        Difference(*row, stored.get(row, {}), counted.get(row, {}))
        for row in sorted(stored.keys() | counted.keys())
        if stored.get(row, {}) != counted.get(row, {})
    ]


def _stored(
    connection: Connection, first: date, last: date
) -> Iterator[tuple[tuple[str, Key], dict[str, Any]]]:
    """The rollups' rows with their slots summed, without zeros."""
    for name, table in RECOUNTED.items():
        columns = shape(table)
        keys = [table.c[key] for key in columns.keys]
        sums = [func.sum(table.c[counter]).label(counter) for counter in columns.counters]
        extremes = [
            (func.min if column.startswith("first") else func.max)(table.c[column]).label(column)
            for column in columns.extremes
        ]
        rows = select(*keys, *sums, *extremes).where(table.c.day.between(first, last))
        for row in connection.execute(rows.group_by(*keys)):
            values = dict(row._mapping)
            key = tuple(values.pop(column) for column in columns.keys)
            counts = {counter: int(values[counter]) for counter in columns.counters}
            if any(counts.values()):
                kept = counts | {column: values[column] for column in columns.extremes}
                yield (name, key), {k: v for k, v in kept.items() if v}


def rebuild(connection: Connection, first: date, last: date) -> int:
    """Writes the rollups of the days from first to last anew; returns the rows written."""
    locks.barrier(connection)
    result = recount(connection, first)
    for table in RECOUNTED.values():
        connection.execute(delete(table).where(table.c.day.between(first, last)))
    fresh = Deltas()
    written = 0
    for name, key, changes in result.deltas:
        if first <= key[1] <= last:
            fresh.add(name, key, **changes)
            written += 1
    fresh.apply(connection, 0)
    _rebuild_states(connection, result, first)
    return written


def _rebuild_states(connection: Connection, result: Recount, first: date) -> None:
    """Writes what is known of sessions anew from the first day on; what was before stays."""
    session_rows = [
        {"tenant_id": session[0], "session_id": session[1], "day": day} | counts
        for session, days in result.sessions.items()
        for day, counts in days.items()
        if day >= first
    ]
    by = ("tenant_id", "member", "kind", "key")
    member_rows = [
        dict(zip(by, member, strict=True)) | {"day": day, "events": n}
        for member, days in result.members.items()
        for day, n in days.items()
        if day >= first
    ]
    for table, rows in ((SESSION_DAYS, session_rows), (MEMBER_DAYS, member_rows)):
        _replace_from(connection, table, rows, first)


def _replace_from(
    connection: Connection, table: Table, rows: list[dict[str, Any]], first: date
) -> None:
    connection.execute(delete(table).where(table.c.day >= first))
    others = [column.name for column in table.columns if not column.primary_key]
    for start in range(0, len(rows), 5000):
        bulk.upsert(connection, table, rows[start : start + 5000], dict.fromkeys(others, "replace"))
