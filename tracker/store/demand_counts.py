"""Counting demands: who asked in vain, how often, and how pressing that makes them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import log2
from typing import Any

from sqlalchemy import Connection, String, bindparam, cast, func, select, update

from tracker.model import DailyQueries, DemandKey, Event
from tracker.store import bulk
from tracker.store.access import audit
from tracker.store.grouping import DEMANDS, FILLED, QUERIES, REOPENED
from tracker.store.likeness import meeting_keys
from tracker.store.pasts import all_of, pasts_of

HALF_LIFE = timedelta(days=14)
"""In which a demand that nobody asks for any more loses half of its score."""

CLOCK = "clock"
_MOST_AT_ONCE = 5000


def recount(connection: Connection, tenant_id: str, demand_ids: Collection[str]) -> None:
    """Counts demands over the searches whose raw events are held.

    Reopens those filled ones that were asked for in vain since, and takes away those that
    nobody asked for after all, unless an operator touched them.
    """
    if not demand_ids:
        return
    everyone = all_of(tenant_id)
    until = pasts_of(connection, [everyone])[everyone].until
    demand_of = _queries(connection, tenant_id, demand_ids)
    people = _people(connection, tenant_id, demand_of, until)
    asked = _asked(connection, tenant_id, demand_of)
    held = [(tenant_id, demand_id) for demand_id in sorted(demand_ids)]
    changes, gone = [], []
    for demand in bulk.matching(connection, DEMANDS, ("tenant_id", "id"), held):
        counts = _counts(people[demand.id], asked[demand.id], until)
        if not counts["zero_results"] and not demand.is_curated:
            gone.append(demand.id)
            continue
        changes.append(counts | _reopened(connection, demand, counts) | {"demand_id": demand.id})
    _update(connection, tenant_id, changes)
    _forget(connection, tenant_id, gone)


def _queries(connection: Connection, tenant_id: str, demand_ids: Collection[str]) -> dict[str, str]:
    """The queries of demands, with the demand of each."""
    statement = select(QUERIES.c.query, QUERIES.c.demand_id).where(
        QUERIES.c.tenant_id == tenant_id, QUERIES.c.demand_id.in_(demand_ids)
    )
    return {row.query: row.demand_id for row in connection.execute(statement)}


@dataclass
class People:
    """Who searched for a demand in vain, and when."""

    known: set[str] = field(default_factory=set)
    """E-mail addresses, and sessions without one."""
    emails: set[str] = field(default_factory=set)
    first_at: datetime | None = None
    last_at: datetime | None = None

    def add(self, row: Any) -> None:
        self.known |= {row.person} - {None}
        self.emails |= {row.email} - {None}
        self.first_at = min(self.first_at or row.first_at, row.first_at)
        self.last_at = max(self.last_at or row.last_at, row.last_at)


def _people(
    connection: Connection, tenant_id: str, demand_of: Mapping[str, str], until: date
) -> dict[str, People]:
    """Who searched in vain after a day, by demand: from the raw events."""
    event = Event.__table__.c
    person = func.coalesce(event.email, cast(event.session_id, String)).label("person")
    statement = (
        select(
            event.query,
            person,
            event.email,
            func.min(event.occurred_at).label("first_at"),
            func.max(event.occurred_at).label("last_at"),
        )
        .where(event.tenant_id == tenant_id, event.zero_results, ~event.is_bot)
        .where(event.day > until)
        .group_by(event.query, person, event.email)
    )
    found: dict[str, People] = defaultdict(People)
    for queries in _chunks(demand_of):
        for row in connection.execute(statement.where(event.query.in_(queries))):
            found[demand_of[row.query]].add(row)
    return found


def _chunks(queries: Iterable[str]) -> Iterator[list[str]]:
    # Named one by one, each is looked up in the index; joined, some planner reads all events.
    ordered = sorted(queries)
    for start in range(0, len(ordered), _MOST_AT_ONCE):
        yield ordered[start : start + _MOST_AT_ONCE]


def _asked(
    connection: Connection, tenant_id: str, demand_of: Mapping[str, str]
) -> dict[str, list[Any]]:
    """The searches of each query and day, by demand: from the rollup."""
    daily = DailyQueries.__table__.c
    statement = (
        select(
            daily.query,
            daily.day,
            func.coalesce(func.sum(daily.searches), 0).label("searches"),
            func.coalesce(func.sum(daily.zero_results), 0).label("zero_results"),
        )
        .where(daily.tenant_id == tenant_id)
        .group_by(daily.query, daily.day)
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for queries in _chunks(demand_of):
        for row in connection.execute(statement.where(daily.query.in_(queries))):
            found[demand_of[row.query]].append(row)
    return found


def _counts(people: People, asked: list[Any], until: date) -> dict[str, Any]:
    """The columns of a demand that are counted, over the days after the last expired one."""
    held = [row for row in asked if row.day > until]
    searches = sum(int(row.searches) for row in held)
    zeros = sum(int(row.zero_results) for row in held)
    counts = {
        "queries": len({row.query for row in asked}),
        "searches": searches,
        "zero_results": zeros,
        "people": len(people.known),
        "emails": len(people.emails),
        "first_at": people.first_at,
        "last_at": people.last_at,
        "standing": _standing(people, zeros / searches) if searches else 0.0,
    }
    return counts | ({"name": _most_frequent(held)} if held else {})


def _most_frequent(asked: list[Any]) -> str:
    zeros: dict[str, int] = {}
    for row in asked:
        zeros[row.query] = zeros.get(row.query, 0) + int(row.zero_results)
    return min(zeros, key=lambda query: (-zeros[query], query))


def _standing(people: People, severity: float) -> float:
    """Orders demands as their scores do on any day: all of them halve in the same time."""
    weight = len(people.known) * (1 + len(people.emails)) * severity
    if not weight or people.last_at is None:
        return 0.0
    return log2(weight) + people.last_at.timestamp() / HALF_LIFE.total_seconds()


def _reopened(connection: Connection, demand: Any, counts: dict[str, Any]) -> dict[str, Any]:
    """The status of a demand that is asked for in vain although it was filled."""
    last_at = counts["last_at"]
    if demand.status != FILLED or not last_at or last_at <= demand.filled_at:
        return {"status": demand.status, "status_at": demand.status_at}
    audit(connection, CLOCK, "demand.reopen", demand.tenant_id, demand=demand.id)
    return {"status": REOPENED, "status_at": last_at}


def _update(connection: Connection, tenant_id: str, changes: list[dict[str, Any]]) -> None:
    # Those with a name and those that keep theirs are two statements.
    for named in (True, False):
        rows = [change for change in changes if ("name" in change) is named]
        if rows:
            columns: dict[str, Any] = {
                name: bindparam(name) for name in rows[0] if name != "demand_id"
            }
            one = DEMANDS.c.id == bindparam("demand_id")
            statement = update(DEMANDS).where(DEMANDS.c.tenant_id == tenant_id, one)
            connection.execute(statement.values(columns), rows)


def _forget(connection: Connection, tenant_id: str, demand_ids: list[str]) -> None:
    if not demand_ids:
        return
    theirs = (QUERIES.c.tenant_id == tenant_id, QUERIES.c.demand_id.in_(demand_ids))
    held = connection.execute(select(QUERIES.c.query, QUERIES.c.words).where(*theirs)).all()
    keys = [(tenant_id, key, row.query) for row in held for key in meeting_keys(row.words)]
    bulk.delete_keys(connection, DemandKey.__table__, keys)
    bulk.delete_keys(connection, QUERIES, [(tenant_id, row.query) for row in held])
    bulk.delete_keys(connection, DEMANDS, [(tenant_id, demand_id) for demand_id in demand_ids])
