"""Changes to rollups, added up before they are written."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from sqlalchemy import Connection, Integer, Table

from tracker.model import UtcDateTime
from tracker.model.rollups import Rollup
from tracker.store import bulk
from tracker.store.bulk import Upsert

ROLLUPS: dict[str, Table] = {
    rollup.__tablename__: rollup.__table__ for rollup in Rollup.__subclasses__()
}
Key = tuple[Any, ...]
"""A rollup row's key: its primary key without the slot, in the table's order."""


@dataclass(frozen=True)
class Shape:
    """The parts of a rollup's columns."""

    keys: tuple[str, ...]
    counters: tuple[str, ...]
    extremes: tuple[str, ...]

    @cached_property
    def nothing(self) -> dict[str, int]:
        """The counters of a row to which nothing was added."""
        return dict.fromkeys(self.counters, 0)

    @cached_property
    def merge(self) -> dict[str, str]:
        extremes = {name: "min" if name.startswith("first") else "max" for name in self.extremes}
        return dict.fromkeys(self.counters, "add") | extremes


@cache
def shape(table: Table) -> Shape:
    others = [column for column in table.columns if not column.primary_key]
    return Shape(
        keys=tuple(c.name for c in table.primary_key if c.name != "slot"),
        counters=tuple(c.name for c in others if isinstance(c.type, Integer)),
        extremes=tuple(c.name for c in others if isinstance(c.type, UtcDateTime)),
    )


class Deltas:
    """Additions to rollup rows. Adding an event and taking it out again leaves nothing."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[Key, dict[str, Any]]] = defaultdict(dict)

    def add(self, table: str, key: Key, **changes: int | datetime | None) -> None:
        """Adds to a row: counters by number, `first_`/`last_` columns by moment."""
        rows = self._tables[table]
        row = rows.get(key)
        if row is None:
            rows[key] = changes
            return
        for name, change in changes.items():
            known = row.get(name)
            if not known:
                row[name] = change
            elif isinstance(change, int):
                row[name] = known + change
            elif change is not None:
                row[name] = min(known, change) if name.startswith("first") else max(known, change)

    def add_all(self, facts: Iterable[tuple[str, Key, dict[str, int]]], sign: int = 1) -> None:
        for table, key, counters in facts:
            self.add(table, key, **{name: sign * n for name, n in counters.items()})

    def __iter__(self) -> Iterator[tuple[str, Key, dict[str, Any]]]:
        """Every changed row as (table, key, changes), in one order for all writers."""
        for table in sorted(self._tables):
            for key in sorted(self._tables[table]):
                changes = {k: v for k, v in self._tables[table][key].items() if v}
                if changes:
                    yield table, key, changes

    def apply(self, connection: Connection, slot: int) -> None:
        """Writes the sums. Rows go in sorted order, so that writers can't deadlock."""
        rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for name, key, changes in self:
            columns = shape(ROLLUPS[name])
            place = zip(columns.keys, key, strict=True)
            rows[name].append(dict(place, slot=slot, **(columns.nothing | changes)))
        bulk.upsert_all(
            connection,
            [
                Upsert(ROLLUPS[name], changed, shape(ROLLUPS[name]).merge)
                for name, changed in rows.items()
            ],
        )
