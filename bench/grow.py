"""Ten times the events, of the same days, queries, filters and experts.

    python -m bench.grow DATABASE_URL [TIMES]

What would be loaded in an hour is copied in minutes: every event, session and trip attempt gets
copies under other ids, and the rollups' counters are multiplied. Distinct keys stay the same,
counts and sessions grow, as when more visitors do what visitors do. The demand ledger and what
settling remembers stay as they are.
"""

import sys
from typing import Any

import sqlalchemy
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Table,
    Text,
    case,
    cast,
    column,
    func,
    insert,
    select,
    text,
    update,
)

from bench.servers import connected
from tracker.model import Event, Identity, MemberDay, SessionDay, TripAttempt
from tracker.model.base import Uuid
from tracker.model.rollups import Rollup

COPIED: tuple[Any, ...] = tuple(
    model.__table__ for model in (Event, SessionDay, MemberDay, Identity, TripAttempt)
)
_VERSIONS = "012389abcdef"
"""Versions that no UUID of the sample data has: each copy gets one instead of its own."""
_VERSION_AT = 15
_NAMES = ("email", "user_id", "request_id")


def grow(connection: Connection, times: int = 10) -> None:
    """Makes `times` of everything."""
    if connection.dialect.name == "sqlite":
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000"):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
    told = _told(connection)
    for table in COPIED:
        _copy(connection, table, _VERSIONS[: times - 1])
    for rollup in Rollup.__subclasses__():
        _multiply(connection, rollup.__table__, times)
    connection.commit()
    if connection.dialect.name == "sqlite":
        connection.execute(text("DELETE FROM sqlite_stat1"))
        connection.execute(text("INSERT INTO sqlite_stat1 VALUES (:tbl, :idx, :stat)"), told)
        connection.commit()
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    else:
        connection.execute(text("ANALYZE"))
    connection.commit()


def _told(connection: Connection) -> list[dict[str, Any]]:
    """What the migration tells SQLite of its indexes: it is forgotten with an index."""
    if connection.dialect.name != "sqlite":
        return []
    return [dict(row._mapping) for row in connection.execute(text("SELECT * FROM sqlite_stat1"))]


def _copy(connection: Connection, table: Table, versions: str) -> None:
    """Rows first, then the indexes: sorting once is faster than inserting in the middle."""
    for index in table.indexes:
        index.drop(connection)
    connection.execute(text(f"CREATE TEMPORARY TABLE first_ones AS SELECT * FROM {table.name}"))
    first_ones = sqlalchemy.table("first_ones", *(column(c.name, c.type) for c in table.c))
    names = [c.name for c in table.c]
    for version in versions:
        copied = select(*(_other(name, first_ones.c, version) for name in names))
        connection.execute(insert(table).from_select(names, copied))
        connection.commit()
    connection.execute(text("DROP TABLE first_ones"))
    for index in table.indexes:
        index.create(connection)
    connection.commit()


def _other(name: str, row: Any, version: str) -> ColumnElement[Any]:
    """A column of a copied row."""
    value: ColumnElement[Any] = row[name]
    if isinstance(value.type, Uuid):
        return cast(_other_id(value, version), Uuid)
    if name == "member":
        return case((row.kind == "zero_email", version + value), else_=_other_id(value, version))
    return version + value if name in _NAMES else value


def _other_id(value: ColumnElement[Any], version: str) -> ColumnElement[str]:
    whole = cast(value, Text)
    rest: ColumnElement[str] = func.substr(whole, _VERSION_AT + 1)
    return func.substr(whole, 1, _VERSION_AT - 1) + version + rest


def _multiply(connection: Connection, table: Table, times: int) -> None:
    counters = [c for c in table.c if isinstance(c.type, Integer) and not c.primary_key]
    connection.execute(update(table).values({c: c * times for c in counters}))


def main() -> None:
    url, *times = sys.argv[1:]
    with connected(url) as connection:
        grow(connection, *map(int, times))


if __name__ == "__main__":
    main()
