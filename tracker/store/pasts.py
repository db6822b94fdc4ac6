"""What is remembered of expired events, for later ones to be settled as if they were there.

An ingestion that ends after midnight began on a day that expires before the other; so do
conversations, trip attempts, and filters that are set together. Of what began on expired days
and still has events the beginning is remembered, without who it was and what they said. What
stands for expired days stays as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.orm import Session

from tracker.model import Remembered
from tracker.store import bulk
from tracker.store.facts import SETTLE, Facts
from tracker.store.marking import Mark
from tracker.store.projections import EventRow

REMEMBERED = Remembered.__table__
_NOT_KEPT: EventRow = dict.fromkeys(("session_id", "user_id", "filter_value"))


@dataclass(frozen=True)
class Past:
    """Until which day something has expired, and what is remembered of it."""

    until: date = date.min
    events: tuple[EventRow, ...] = ()


class Pasts:
    """The pasts of what was asked for."""

    def __init__(self, found: Mapping[Mark, Past]) -> None:
        self._found = found

    def __getitem__(self, mark: Mark) -> Past:
        everyone = self._found.get(all_of(mark[0]), Past())
        own = self._found.get(mark, everyone)
        return Past(max(own.until, everyone.until), own.events)

    def marks(self, tenant_id: str) -> set[Mark]:
        """Of what something is remembered."""
        return {mark for mark in self._found if mark[0] == tenant_id and mark[1]}

    def until(self) -> date:
        """The last day on which something of any tenant has expired."""
        return max((past.until for past in self._found.values()), default=date.min)


def all_of(tenant_id: str) -> Mark:
    """Under which it is remembered until which day a tenant's events have expired."""
    return (tenant_id, "", "")


def pasts_of(connection: Connection, marks: Iterable[Mark]) -> Pasts:
    asked = {*marks, *(all_of(mark[0]) for mark in marks)}
    by = ("tenant_id", "kind", "key")
    return Pasts(dict(map(_loaded, bulk.matching(connection, REMEMBERED, by, sorted(asked)))))


def all_pasts(connection: Connection | Session) -> Pasts:
    return Pasts(dict(map(_loaded, connection.execute(select(REMEMBERED)))))


def _loaded(row: Row[Any]) -> tuple[Mark, Past]:
    events = tuple(
        _NOT_KEPT
        | event
        | {
            "day": date.fromisoformat(event["day"]),
            "occurred_at": datetime.fromisoformat(event["occurred_at"]),
        }
        for event in row.events
    )
    return (row.tenant_id, row.kind, row.key), Past(row.until, events)


def facts_since(mark: Mark, events: Iterable[EventRow], past: Past) -> Facts:
    """What the events stand for, on the days that have not expired."""
    held = [row for row in events if row["day"] > past.until]
    facts = SETTLE[mark[1]]([*past.events, *held])
    return {day: found for day, found in facts.items() if day > past.until}


def forget(connection: Connection, marks: Iterable[Mark]) -> None:
    """Nothing came later, or it is gone."""
    bulk.delete_keys(connection, REMEMBERED, sorted(marks))
