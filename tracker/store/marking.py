"""The queue of what has to be settled again."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from sqlalchemy import Connection, select

from tracker.model import DemandQuery, Event, Unsettled
from tracker.store import bulk, locks
from tracker.store.bulk import Upsert
from tracker.store.facts import DEMAND, SETTLED_BY, marks_of

Mark = tuple[str, str, str]
"""Tenant, kind and key of something to settle."""


def mark_unsettled(connection: Connection, marks: Mapping[Mark, datetime]) -> None:
    """Queues what was touched, with the time at which it was."""
    bulk.upsert_all(connection, unsettled(marks))


def unsettled(marks: Mapping[Mark, datetime]) -> list[Upsert]:
    """The rows that queue what was touched."""
    rows = [
        {"tenant_id": tenant, "kind": kind, "key": key, "since": since}
        for (tenant, kind, key), since in sorted(marks.items())
    ]
    # Sessions and the like are locked by whoever marks or settles them. Queries are not:
    # merging locks the mark itself, so that settling it waits for this transaction.
    locked = [row for row in rows if row["kind"] != DEMAND]
    others = [row for row in rows if row["kind"] == DEMAND]
    table = Unsettled.__table__
    return [Upsert(table, locked, {}), Upsert(table, others, {"since": "min"})]


def marks_of_demands(connection: Connection, queries: Iterable[tuple[str, str]]) -> list[Mark]:
    """What queues the demands that these (tenant, query) pairs are of.

    Searches that found something count there, but begin none: most are of no demand, and cost
    no mark. Those in vain are marked when they are written.
    """
    by = ("tenant_id", "query")
    found = bulk.matching(connection, DemandQuery.__table__, by, sorted(set(queries)), by)
    return [(row.tenant_id, DEMAND, row.query) for row in found]


def mark_days(connection: Connection, first: date, last: date) -> None:
    """Queues all that has an event on the days from first to last."""
    locks.barrier(connection)
    table, now = Event.__table__, datetime.now(UTC)
    concerned = table.c.day.between(first, last) & table.c.event_type.in_(SETTLED_BY)
    rows = connection.execute(select(table).where(concerned), execution_options={"yield_per": 5000})
    marks = {mark for row in rows for mark in marks_of(dict(row._mapping))}
    mark_unsettled(connection, dict.fromkeys(marks, now))
