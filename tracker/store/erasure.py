"""Erasing a person: every row and every copy, taken out of the aggregates exactly.

Everything is taken out by the same functions that counted it, with the sign turned, behind the
barrier that keeps other writers out. What arrives later is a new person.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from tracker.model import (
    Event,
    SessionDay,
)
from tracker.store import bulk, locks
from tracker.store.access import audit
from tracker.store.database import Database
from tracker.store.deltas import ROLLUPS, Deltas, Key, shape
from tracker.store.extremes import restore_extremes
from tracker.store.facts import Fact, settled_under
from tracker.store.forgetting import forget, take_out_of_ledger
from tracker.store.linking import identities
from tracker.store.persons import Kind, Person, Trace, person_of, trace
from tracker.store.projections import project
from tracker.store.settling import held_facts, settle
from tracker.store.trips import refold
from tracker.store.uniques import (
    Days,
    MemberKey,
    SessionKey,
    add_up,
    count_event,
    count_facets,
    count_members,
    memberships,
    session_days,
)

_CHECKPOINT_TRIES = 50
_LEADING = 4
"""Columns of a rollup's key that lead to few rows."""

_SESSION_DAYS = SessionDay.__table__


@dataclass(frozen=True)
class Erased:
    """How much there was of somebody."""

    sessions: int
    events: int
    attempts: int


def erase(database: Database, kind: Kind, value: str, actor: str, tenant: str = "") -> Erased:
    """Erases somebody; AccessError when the identifier can't be one. Doing it twice is harmless.

    On SQLite the log is truncated afterwards, so that the file holds no copy either.
    """
    with database.write() as connection:
        locks.barrier(connection)
        person = person_of(connection, kind, value, tenant)
        erased = erase_person(connection, person)
        audit(
            connection,
            actor,
            "person.erase",
            tenant or None,
            by=kind,
            sessions=erased.sessions,
            events=erased.events,
            attempts=erased.attempts,
        )
    if database.is_sqlite:
        _truncate_log(database)
    return erased


def erase_person(connection: Connection, person: Person) -> Erased:
    """Erases somebody within a transaction that holds the barrier."""
    found = trace(connection, person)
    if not found.is_empty:
        _take_out(connection, found)
    forget(connection, found)
    return Erased(len(found.sessions), len(found.events), len(found.requests))


def _take_out(connection: Connection, found: Trace) -> None:
    """Deletes the raw events and turns back what they added."""
    deltas = Deltas()
    for row in found.events:
        project(row, deltas, -1)
    bulk.delete_keys(
        connection, Event.__table__, [(row["tenant_id"], row["id"]) for row in found.events]
    )
    members: dict[MemberKey, Counter[date]] = defaultdict(Counter)
    changes, _ = refold(connection, found.requests, deltas, afresh=True)
    members.update(changes)
    for row in found.events:
        for member, day in memberships(row):
            members[member][day] -= 1
    touched = {(row["tenant_id"], row["session_id"]) for row in found.events if row["session_id"]}
    # A failure that they reported goes from the session of its attempt, which may be another's.
    touched |= {(member[0], member[1]) for member in changes}
    known = identities(connection, touched | found.sessions)
    count_members(connection, members, lambda session: session in known, deltas)
    _recount_sessions(connection, found, known.keys(), deltas)
    deltas.apply(connection, 0)
    keys: dict[str, set[Key]] = defaultdict(set)
    for name, key, _ in [*deltas, *_settle_again(connection, found)]:
        keys[name].add(key)
    _tidy(connection, keys)
    restore_extremes(connection, {"daily_queries": _search_moments(found)})
    take_out_of_ledger(connection, found)


def _recount_sessions(
    connection: Connection,
    found: Trace,
    known: Iterable[SessionKey],
    deltas: Deltas,
) -> None:
    """Days of sessions without what was erased; days that had expired stay counted."""
    lost: dict[SessionKey, set[date]] = defaultdict(set)
    for row in found.events:
        if row["session_id"] and not row["is_bot"]:
            lost[row["tenant_id"], row["session_id"]].add(row["day"])
    left: dict[SessionKey, Days] = defaultdict(dict)
    by = ("tenant_id", "session_id")
    for held_row in bulk.matching(connection, Event.__table__, by, sorted(lost)):
        row = held_row._asdict()
        session = (row["tenant_id"], row["session_id"])
        if not row["is_bot"] and row["day"] in lost[session]:
            count_event(left[session], row)
    held = session_days(connection, lost)
    kept, gone = [], []
    for session, days in lost.items():
        before = held[session]
        after = {day: counts for day, counts in before.items() if day not in days} | left[session]
        count_facets(deltas, session, before, after, session in known)
        add_up(after)
        who = dict(zip(by, session, strict=True))
        kept += [who | {"day": day} | counts for day, counts in after.items()]
        gone += [(*session, day) for day in days - left[session].keys()]
    others = [c.name for c in _SESSION_DAYS.columns if not c.primary_key]
    bulk.upsert(connection, _SESSION_DAYS, kept, dict.fromkeys(others, "replace"))
    bulk.delete_keys(connection, _SESSION_DAYS, gone)


def _search_moments(found: Trace) -> dict[Key, set[datetime]]:
    moments: dict[Key, set[datetime]] = defaultdict(set)
    for row in found.events:
        if row["event_type"] == "sage_query" and not row["is_bot"]:
            key = (row["tenant_id"], row["day"], row["query"], row["function_called"])
            moments[key].add(row["occurred_at"])
    return moments


def _settle_again(connection: Connection, found: Trace) -> Iterator[Fact]:
    """Settles what somebody took part in; returns what it stood for before."""
    marks = {mark for row in found.events if (mark := settled_under(row))}
    marks |= {(tenant, "search", session_id) for tenant, session_id in found.sessions}
    before = held_facts(connection, sorted(marks))
    settle(connection, sorted(marks), 0)
    return (fact for facts in before.values() for day in facts.values() for fact in day)


def _tidy(connection: Connection, keys: Mapping[str, set[Key]]) -> None:
    """Removes rows that count nothing any more, in all slots together."""
    for name in sorted(keys):
        table, columns = ROLLUPS[name], shape(ROLLUPS[name])
        asked = (*columns.keys, "slot", *columns.counters)
        width = len(columns.keys)
        slots: dict[Key, list[Key]] = defaultdict(list)
        # By all columns PostgreSQL may take a smaller index that leads to a day's whole rows.
        leading = sorted({key[:_LEADING] for key in keys[name]})
        for row in bulk.matching(connection, table, columns.keys[:_LEADING], leading, asked):
            slots[tuple(row[:width])].append(tuple(row))
        gone = [
            row[: width + 1]
            for key, rows in slots.items()
            if key in keys[name]
            and not any(map(sum, zip(*(row[width + 1 :] for row in rows), strict=True)))
            for row in rows
        ]
        bulk.delete_keys(connection, table, gone)


def _truncate_log(database: Database) -> None:
    """Writes SQLite's log into the file and empties it, once no reader looks at it any more."""
    connection = database.writer.raw_connection()
    try:
        for _ in range(_CHECKPOINT_TRIES):
            cursor = connection.cursor()
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            cursor.close()
            if not busy:
                return
            time.sleep(0.1)
    finally:
        connection.close()
