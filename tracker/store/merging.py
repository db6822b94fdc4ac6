"""Merging the slots of past days: where several writers left a row each, pages read one.

SQLite has one writer at a time, and one slot.
"""

import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from tracker.store import bulk, locks
from tracker.store.database import Database
from tracker.store.deltas import ROLLUPS, Deltas, shape
from tracker.store.pace import IsOver, leave_room
from tracker.store.settling import SLOT

BATCH = 1000
MERGED = SLOT + 1
"""A slot that no writer adds to, so that merging waits for nobody, and nobody for it."""


def merge_slots(
    database: Database,
    before: date,
    is_over: IsOver = lambda: False,
    rest: Callable[[float, IsOver], None] = leave_room,
) -> int:
    """Sums up the rows that share a key, on the days before one; returns how many went in.

    In short transactions, with a `rest` after each, until all is merged or `is_over`. Rows that
    somebody holds this moment, and those of later events, are left to the next time.
    """
    if database.is_sqlite:
        return 0
    return sum(
        rows
        for table in ROLLUPS.values()
        for part in _scattered(database, table, before)
        for rows in _in_batches(database, table, part, is_over, rest)
    )


def _scattered(database: Database, table: Table, before: date) -> list[ColumnElement[bool]]:
    """The unmerged rows, one tenant's day at a time."""
    unmerged = (table.c.day < before) & (table.c.slot != MERGED)
    places = select(table.c.tenant_id, table.c.day).where(unmerged).distinct()
    with database.read(None) as session:
        return [
            unmerged & (table.c.tenant_id == tenant_id) & (table.c.day == day)
            for tenant_id, day in session.execute(places)
        ]


def _in_batches(
    database: Database,
    table: Table,
    part: ColumnElement[bool],
    is_over: IsOver,
    rest: Callable[[float, IsOver], None],
) -> Iterator[int]:
    while not is_over():
        began = time.monotonic()
        with database.write() as connection:
            merged = _merge(connection, table, part)
        yield merged
        rest(began, is_over)
        if merged < BATCH:
            return


def _merge(connection: Connection, table: Table, part: ColumnElement[bool]) -> int:
    """Moves a batch of rows into the slot of those merged; returns how many."""
    locks.join_writers(connection)
    free = select(table).where(part).limit(BATCH).with_for_update(skip_locked=True)
    rows: list[Any] = [row._mapping for row in connection.execute(free)]
    columns, deltas = shape(table), Deltas()
    for row in rows:
        sums = {name: row[name] for name in (*columns.counters, *columns.extremes)}
        deltas.add(table.name, tuple(row[key] for key in columns.keys), **sums)
    keys = [column.name for column in table.primary_key]
    bulk.delete_keys(connection, table, [tuple(row[key] for key in keys) for row in rows])
    deltas.apply(connection, MERGED)
    return len(rows)
