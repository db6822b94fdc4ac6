"""Bringing order-dependent facts up to date for whatever was touched since the last time."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from tracker.model import Event, Settled, Unsettled
from tracker.store import bulk, locks
from tracker.store.database import Database
from tracker.store.deltas import Deltas
from tracker.store.demands import settle_demands
from tracker.store.facts import DEMAND, Fact, Facts, settled_under
from tracker.store.marking import Mark, mark_unsettled, marks_of_demands
from tracker.store.pasts import facts_since, forget, pasts_of
from tracker.store.projections import EventRow
from tracker.store.writer import SLOTS

BATCH = 200
SLOT = SLOTS
"""A slot of settling's own, so that it never waits for a writer's rollup rows, nor they for it."""
DEMANDS_AT_ONCE = 50
DEMANDS_EVERY = timedelta(seconds=30)
"""A demand that is much asked for is not counted again with every search."""

UNSETTLED = Unsettled.__table__
SETTLED = Settled.__table__


def settle_all(database: Database) -> int:
    """Settles everything touched so far; returns how many things that were.

    Demands come last: every batch of sessions would have the most frequent counted again.
    """
    total = 0
    while settled := _settle_facts(database, BATCH):
        total += settled
    while settled := _settle_demands(database, BATCH, timedelta()):
        total += settled
    return total


def settle_some(database: Database, at_once: int = BATCH) -> int:
    """Settles one batch in short transactions, so that ingestion is not held up."""
    return _settle_facts(database, at_once) + _settle_demands(database, at_once, DEMANDS_EVERY)


def _settle_facts(database: Database, at_once: int) -> int:
    with database.write() as connection:
        marks = _oldest(connection, at_once, UNSETTLED.c.kind != DEMAND)
        if marks:
            settle(connection, marks, 0 if database.is_sqlite else SLOT)
    return len(marks)


def _settle_demands(database: Database, at_once: int, patience: timedelta) -> int:
    """Counts those demands again that were touched as long ago as this, or longer."""
    due = UNSETTLED.c.since <= datetime.now(UTC) - patience
    with database.write() as connection:
        marks = _oldest(connection, min(at_once, DEMANDS_AT_ONCE), UNSETTLED.c.kind == DEMAND, due)
        if marks:
            locks.join_writers(connection)
            # First, which waits for those who mark them now: what they store is then seen.
            bulk.delete_keys(connection, UNSETTLED, sorted(marks))
            settle_demands(connection, {(tenant, query) for tenant, _, query in marks})
    return len(marks)


def _oldest(connection: Connection, most: int, *which: ColumnElement[bool]) -> list[Mark]:
    chosen = select(UNSETTLED.c.tenant_id, UNSETTLED.c.kind, UNSETTLED.c.key).where(*which)
    ordered = chosen.order_by(UNSETTLED.c.since, UNSETTLED.c.tenant_id, UNSETTLED.c.key)
    rows = connection.execute(ordered.limit(most))
    return [(row.tenant_id, row.kind, row.key) for row in rows]


def settle(connection: Connection, marks: list[Mark], slot: int) -> None:
    """Replaces what the marked things stood for by what their events say now.

    What stands for days that have expired stays.
    """
    locks.join_writers(connection)
    locks.lock_sessions(connection, {key for _, _, key in marks})
    deltas = Deltas()
    events, past = events_of(connection, marks), pasts_of(connection, marks)
    after = {mark: facts_since(mark, events[mark], past[mark]) for mark in marks}
    before = {
        mark: {day: facts for day, facts in held.items() if day > past[mark].until}
        for mark, held in held_facts(connection, marks).items()
    }
    for mark in marks:
        _recount(before.get(mark, {}), after[mark], deltas)
    _replace(connection, before, after, marks)
    asked = marks_of_demands(connection, _asked_otherwise(before, after))
    mark_unsettled(connection, dict.fromkeys(asked, datetime.now(UTC)))
    forget(connection, [mark for mark in marks if not events[mark]])
    bulk.delete_keys(connection, UNSETTLED, marks)
    deltas.apply(connection, slot)


def events_of(connection: Connection, marks: Iterable[Mark]) -> dict[Mark, list[EventRow]]:
    """The stored events of marked things."""
    columns = {"search": "session_id", "conversation": "subject", "ingest": "subject"}
    events: dict[Mark, list[EventRow]] = defaultdict(list)
    for column in sorted(set(columns.values())):
        keys = {(tenant, key) for tenant, kind, key in marks if columns[kind] == column}
        for row in bulk.matching(connection, Event.__table__, ("tenant_id", column), sorted(keys)):
            event = row._asdict()
            # a session has events of conversations and sources too, which are read by subject
            if (mark := settled_under(event)) and columns[mark[1]] == column:
                events[mark].append(event)
    return events


def held_facts(connection: Connection, marks: Iterable[Mark]) -> dict[Mark, Facts]:
    """What marked things stand for in the rollups now."""
    held: dict[Mark, Facts] = defaultdict(dict)
    for row in bulk.matching(connection, SETTLED, ("tenant_id", "kind", "key"), list(marks)):
        held[row.tenant_id, row.kind, row.key][row.day] = [_loaded(fact) for fact in row.facts]
    return held


def _loaded(fact: Any) -> Fact:
    table, key, counters = fact
    return table, (key[0], date.fromisoformat(key[1]), *key[2:]), counters


def _recount(before: Facts, after: Facts, deltas: Deltas) -> None:
    for facts in before.values():
        deltas.add_all(facts, sign=-1)
    for facts in after.values():
        deltas.add_all(facts)


def _asked_otherwise(before: dict[Mark, Facts], after: dict[Mark, Facts]) -> set[tuple[str, str]]:
    """The (tenant, query) pairs with more or fewer searches than before."""
    changes: Counter[tuple[str, str]] = Counter()
    for sign, held in ((-1, before), (1, after)):
        for facts in chain.from_iterable(days.values() for days in held.values()):
            for table, (tenant, _day, *rest), counters in facts:
                if table == "daily_queries":
                    changes[tenant, str(rest[0])] += sign * counters.get("settled", 0)
    return {query for query, change in changes.items() if change}


def _replace(
    connection: Connection, before: dict[Mark, Facts], after: dict[Mark, Facts], marks: list[Mark]
) -> None:
    """Writes down what changed, for all marks at once."""
    now = datetime.now(UTC)
    rows = [
        {
            "tenant_id": mark[0],
            "kind": mark[1],
            "key": mark[2],
            "day": day,
            "facts": facts,
            "settled_at": now,
        }
        for mark in marks
        for day, facts in after[mark].items()
        if facts != before.get(mark, {}).get(day)
    ]
    bulk.upsert(connection, SETTLED, rows, {"facts": "replace", "settled_at": "replace"})
    gone = [
        (*mark, day) for mark, days in before.items() for day in days.keys() - after[mark].keys()
    ]
    bulk.delete_keys(connection, SETTLED, gone)


def settled_as_of(connection: Connection) -> datetime | None:
    """Since when something waits to be settled; None when nothing does."""
    since: datetime | None = connection.execute(
        select(func.min(UNSETTLED.c.since)).where(UNSETTLED.c.kind != DEMAND)
    ).scalar()
    return since
