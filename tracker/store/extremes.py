"""First and last moments in rollups, put right after what they came from was taken out.

Counters can be taken back by subtraction; the latest of some moments can't, so it is looked up
again among those that are left.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, select, update

from tracker.model import Event, TripAttempt
from tracker.store import bulk
from tracker.store.deltas import ROLLUPS, Key, shape

Moments = dict[str, datetime | None]
Withdrawn = dict[str, dict[Key, set[datetime]]]
"""By rollup and key: the moments of what was taken out."""

_CHUNK = 400


def restore_extremes(connection: Connection, withdrawn: Withdrawn) -> None:
    """Looks up the first and last moments of rows that had one of the withdrawn moments."""
    for name, keys in withdrawn.items():
        table, columns = ROLLUPS[name], shape(ROLLUPS[name])
        rows = bulk.matching(connection, table, columns.keys, sorted(keys))
        stale = [row for row in rows if _is_stale(row, columns.extremes, keys[_key(row, name)])]
        right = LEFT[name](connection, {_key(row, name) for row in stale})
        changes = [
            {f"k_{key}": getattr(row, key) for key in (*columns.keys, "slot")}
            | {f"old_{column}": getattr(row, column) for column in columns.extremes}
            | dict.fromkeys(columns.extremes, None)
            | right.get(_key(row, name), {})
            for row in stale
        ]
        if changes:
            connection.execute(_update(name), changes)


def _is_stale(row: Any, extremes: Iterable[str], moments: set[datetime]) -> bool:
    return any(getattr(row, column) in moments for column in extremes)


def _key(row: Any, name: str) -> Key:
    return tuple(getattr(row, key) for key in shape(ROLLUPS[name]).keys)


def _update(name: str) -> Any:
    """Only where nobody has moved the moments on meanwhile."""
    table, columns = ROLLUPS[name], shape(ROLLUPS[name])
    keys = [table.c[k] == bindparam(f"k_{k}", type_=table.c[k].type) for k in columns.keys]
    same = [
        table.c[c].is_not_distinct_from(bindparam(f"old_{c}", type_=table.c[c].type))
        for c in columns.extremes
    ]
    slot = table.c.slot == bindparam("k_slot", type_=table.c.slot.type)
    return (
        update(table)
        .where(and_(*keys, slot, *same))
        .values({c: bindparam(c, type_=table.c[c].type) for c in columns.extremes})
    )


def _of_trips(connection: Connection, keys: set[Key]) -> dict[Key, Moments]:
    """The outcomes of the attempts that are left."""
    by = ("tenant_id", "day", "bucket")
    places = sorted({(key[0], key[1], key[5]) for key in keys})
    found: dict[Key, list[datetime]] = defaultdict(list)
    for row in bulk.matching(connection, TripAttempt.__table__, by, places):
        version, error = row.prompt_contract_version, row.error_code or ""
        if row.outcome_at:
            key = (row.tenant_id, row.day, version, row.status, error, row.bucket)
            found[key].append(row.outcome_at)
    return {key: {"first_at": min(at), "last_at": max(at)} for key, at in found.items()}


def _of_queries(connection: Connection, keys: set[Key]) -> dict[Key, Moments]:
    """The searches that are left.

    Days are taken in order, some at a time, so that each look reads little more than its days.
    """
    zero_at = func.max(Event.occurred_at).filter(Event.zero_results.is_(True))
    by = (Event.tenant_id, Event.day, Event.query, Event.function_called)
    found: dict[Key, Moments] = {}
    wanted = sorted(keys)
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        days = {key[1] for key in some}
        statement = (
            select(*by, func.max(Event.occurred_at), zero_at)
            .where(Event.tenant_id.in_({key[0] for key in some}))
            .where(Event.event_type == "sage_query", Event.is_bot.is_(False))
            .where(Event.occurred_at.between(*_around(days)), Event.day.in_(days))
            .where(Event.query.in_({key[2] for key in some}))
            .group_by(*by)
        )
        for *key, last_at, last_zero_at in connection.execute(statement):
            found[tuple(key)] = {"last_at": last_at, "last_zero_at": last_zero_at}
    return found


def _around(days: set[date]) -> tuple[datetime, datetime]:
    """Moments between which all of the days lie, in whatever time zone they are."""
    midnight = datetime.min.time().replace(tzinfo=UTC)
    first, last = min(days) - timedelta(days=1), max(days) + timedelta(days=2)
    return datetime.combine(first, midnight), datetime.combine(last, midnight)


LEFT: dict[str, Callable[[Connection, set[Key]], dict[Key, Moments]]] = {
    "daily_queries": _of_queries,
    "daily_trips": _of_trips,
}
"""How each rollup that has moments looks them up; by key."""
