"""Many rows in one statement, with the driver's own means.

The one place with a branch per database. Keys travel as one JSON text, and so do rows to
PostgreSQL (its arrays take the driver twice as long to write); SQLite takes rows by repeated
execution. The statements' texts do not depend on the number of rows, so they are prepared once.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any

import orjson
from sqlalchemy import JSON, Column, Connection, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from tracker.model import UtcDateTime

Values = tuple[Any, ...]


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> set[Values]:
    """Inserts the rows whose primary key is new; returns the keys of those inserted."""
    keys = tuple(column.name for column in table.primary_key)
    if not rows:
        return set()
    if connection.dialect.name == "postgresql":
        sql = _postgres_insert(table) + f" ON CONFLICT DO NOTHING RETURNING {', '.join(keys)}"
        found = _run(connection, sql, {"rows": _json(rows)})
        return {tuple(str(part) for part in row) for row in found}
    wanted = {tuple(row[key] for key in keys): row for row in rows}
    present = {tuple(row) for row in matching(connection, table, keys, list(wanted), keys)}
    fresh = [row for key, row in wanted.items() if key not in present]
    if fresh:
        _sqlite_insert(connection, table, fresh)
    return set(wanted) - present


def upsert(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], merge: dict[str, str]
) -> None:
    """Inserts the rows, or merges them into those there.

    `merge` says how per column: `add`, `min`, `max` (nulls ignored) or `replace`.
    """
    if not rows:
        return
    suffix = _on_conflict(table, tuple(merge.items()), connection.dialect.name)
    if connection.dialect.name == "postgresql":
        _run(connection, _postgres_insert(table) + suffix, {"rows": _json(rows)})
    else:
        _sqlite_insert(connection, table, rows, suffix)


@dataclass(frozen=True)
class Upsert:
    """Rows to be inserted, or merged into those there as `merge` says (see `upsert`)."""

    table: Table
    rows: Sequence[dict[str, Any]]
    merge: dict[str, str]


def upsert_all(connection: Connection, upserts: Iterable[Upsert]) -> None:
    """Does them all; no two may be about the same row.

    On PostgreSQL they are one statement, so that a group waits once for the server's answer.
    """
    wanted = [one for one in upserts if one.rows]
    if connection.dialect.name != "postgresql":
        for one in wanted:
            upsert(connection, one.table, one.rows, one.merge)
    elif wanted:
        sql = _postgres_upserts(tuple((one.table, tuple(one.merge.items())) for one in wanted))
        _run(connection, sql, {f"rows{n}": _json(one.rows) for n, one in enumerate(wanted)})


@cache
def _postgres_upserts(wanted: tuple[tuple[Table, tuple[tuple[str, str], ...]], ...]) -> str:
    parts = (
        f"upsert{n} AS ("
        + _postgres_insert(table, f"rows{n}")
        + _on_conflict(table, merge, "postgresql")
        + ")"
        for n, (table, merge) in enumerate(wanted)
    )
    return f"WITH {', '.join(parts)} SELECT 1"


def _run(connection: Connection, sql: str, values: Any, times: str = "once") -> Any:
    """Runs a statement on a cursor of the driver; returns the cursor.

    SQLAlchemy takes as long on the way there as a short statement does. Its errors are raised
    all the same.
    """
    driver = connection.connection
    try:
        cursor = driver.cursor()
        if times == "many":
            cursor.executemany(sql, values)
        else:
            cursor.execute(sql, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _raised(connection, error) from error
    return cursor


def _raised(connection: Connection, error: Exception) -> BaseException:
    """The driver's error as SQLAlchemy raises it; a connection that is gone is given up."""
    dialect, driver = connection.dialect, connection.connection
    gone = dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]
    if gone:
        connection.invalidate(error)
    base = dialect.loaded_dbapi.Error
    return DBAPIError.instance(
        None, None, error, base, connection_invalidated=gone, dialect=dialect
    )


def matching(
    connection: Connection,
    table: Table,
    by: Sequence[str],
    keys: Iterable[Values],
    columns: Sequence[str] | None = None,
) -> list[Any]:
    """The rows whose `by` columns equal one of `keys`, with all columns or those named."""
    listed = list(keys)
    if not listed:
        return []
    names = tuple(columns or table.columns.keys())
    sql = _matching_statement(table, tuple(by), names, connection.dialect.name)
    found = _run(connection, sql, (_json(listed),))
    codes = tuple(column[1] for column in found.description)
    return _reader(table, names, connection.dialect, codes)(found)


def delete_keys(connection: Connection, table: Table, keys: Iterable[Values]) -> None:
    """Deletes rows by primary key."""
    rows: list[Values] = list(keys)
    if not rows:
        return
    columns = list(table.primary_key)
    mark = "%s"
    if connection.dialect.name == "sqlite":
        mark = "?"
        for place, column in enumerate(columns):
            if adapt := _sqlite_adapter(column):
                rows = [(*row[:place], adapt(row[place]), *row[place + 1 :]) for row in rows]
    where = " AND ".join(f"{column.name} = {mark}" for column in columns)
    _run(connection, f"DELETE FROM {table.name} WHERE {where}", rows, times="many")


def delete_matching(
    connection: Connection, table: Table, by: Sequence[str], keys: Iterable[Values]
) -> int:
    """Deletes the rows whose `by` columns equal one of `keys`; returns how many."""
    rows = matching(connection, table, by, keys, [column.name for column in table.primary_key])
    delete_keys(connection, table, [tuple(row) for row in rows])
    return len(rows)


@cache
def _matching_statement(
    table: Table, by: tuple[str, ...], names: tuple[str, ...], dialect: str
) -> str:
    columns = ", ".join(f"t.{name}" for name in names)
    if dialect == "postgresql":
        source = "json_array_elements(%s::json) AS k(value)"
        parts = [
            f"CAST(k.value ->> {n} AS {_postgres_type(table.columns[name])})"
            for n, name in enumerate(by)
        ]
    else:
        source = "json_each(?) AS k"
        parts = [f"json_extract(k.value, '$[{n}]')" for n in range(len(by))]
    where = " AND ".join(f"t.{name} = {part}" for name, part in zip(by, parts, strict=True))
    # CROSS JOIN keeps SQLite from reading the table first
    return f"SELECT {columns} FROM {source} CROSS JOIN {table.name} AS t WHERE {where}"


@cache
def _reader(
    table: Table, names: tuple[str, ...], dialect: Dialect, codes: tuple[Any, ...]
) -> Callable[[Iterable[Values]], list[Any]]:
    """Makes named tuples of the driver's rows, with the values that SQLAlchemy would give.

    `codes` are the driver's own types of the columns.
    """
    row_type = namedtuple("Row", names)  # type: ignore[misc]
    columns = (table.columns[name] for name in names)
    processors = map(lambda column, code: _processor(column, dialect, code), columns, codes)
    readers = [(place, read) for place, read in enumerate(processors) if read]

    def read_all(found: Iterable[Values]) -> list[Any]:
        values: list[Iterable[Any]] = list(zip(*found, strict=True))
        for place, read in readers if values else ():
            values[place] = map(read, values[place])
        return list(map(row_type._make, zip(*values, strict=True)))

    return read_all


def _processor(column: Column[Any], dialect: Dialect, code: Any) -> Callable[[Any], Any] | None:
    if dialect.name == "sqlite" and isinstance(column.type, UtcDateTime):
        return _read_sqlite_time
    return column.type.dialect_impl(dialect).result_processor(dialect, code)


@cache
def _postgres_type(column: Column[Any]) -> str:
    dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return column.type.compile(dialect=dialect)


@cache
def _postgres_insert(table: Table, parameter: str = "rows") -> str:
    names = ", ".join(table.columns.keys())
    rows = f"json_populate_recordset(NULL::{table.name}, %({parameter})s::json)"
    return f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {rows}"


def _sqlite_insert(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], suffix: str = ""
) -> None:
    _run(connection, _sqlite_statement(table) + suffix, sqlite_tuples(table, rows), times="many")


def sqlite_tuples(table: Table, rows: Sequence[dict[str, Any]]) -> Iterator[Values]:
    """The rows as the driver takes them, made column by column, which is the quicker way."""
    columns = []
    for name, adapt in _sqlite_columns(table):
        values = [row.get(name) for row in rows]
        if adapt:
            values = [None if value is None else adapt(value) for value in values]
        columns.append(values)
    return zip(*columns, strict=True)


@cache
def _sqlite_statement(table: Table) -> str:
    marks = ", ".join("?" for _ in table.columns)
    return f"INSERT INTO {table.name} ({', '.join(table.columns.keys())}) VALUES ({marks})"


@cache
def _sqlite_columns(table: Table) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """The columns' names, and what to do to their values."""
    return [(column.name, _sqlite_adapter(column)) for column in table.columns]


def _sqlite_adapter(column: Column[Any]) -> Callable[[Any], Any] | None:
    if isinstance(column.type, UtcDateTime):
        return sqlite_time
    if _is_json(column):
        return _json
    if column.type.python_type is date:
        return date.isoformat
    return None


@lru_cache(maxsize=4096)  # a moment comes in several rows, and often for many events
def sqlite_time(moment: datetime) -> str:
    """A moment as SQLAlchemy writes it to SQLite."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(" ", "microseconds")[:26]  # without the offset


def _read_sqlite_time(text: str | None) -> datetime | None:
    """The moment that `sqlite_time` wrote."""
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


def _is_json(column: Column[Any]) -> bool:
    return isinstance(column.type, JSON)


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


@cache
def _on_conflict(table: Table, merge: tuple[tuple[str, str], ...], dialect: str) -> str:
    keys = ", ".join(column.name for column in table.primary_key)
    merged = {name: _merged(table.name, name, how, dialect) for name, how in merge}
    if not merged:
        return f" ON CONFLICT ({keys}) DO NOTHING"
    sets = ", ".join(f"{name} = {value}" for name, value in merged.items())
    update = f" ON CONFLICT ({keys}) DO UPDATE SET {sets}"
    if {how for _, how in merge} <= {"min", "max"}:  # most often nothing changes: write nothing
        differs = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
        changed = (f"{table.name}.{name} {differs} {value}" for name, value in merged.items())
        update += " WHERE " + " OR ".join(changed)
    return update


def _merged(table: str, name: str, how: str, dialect: str) -> str:
    old, new = f"{table}.{name}", f"excluded.{name}"
    if how == "add":
        return f"{old} + {new}"
    if how == "replace":
        return new
    scalar = {"sqlite": {"min": "MIN", "max": "MAX"}}.get(
        dialect, {"min": "LEAST", "max": "GREATEST"}
    )
    return f"{scalar[how]}(COALESCE({old}, {new}), COALESCE({new}, {old}))"
