"""Counting demands: who asked in vain, how often, and how pressing that makes them."""

from collections.abc import Collection
from datetime import timedelta
from itertools import groupby
from math import log2
from typing import Any

from sqlalchemy import Connection, String, bindparam, cast, func, select, update

from tracker.model import DailyQueries, DemandKey, Event
from tracker.store import bulk
from tracker.store.access import audit
from tracker.store.grouping import DEMANDS, FILLED, QUERIES, REOPENED
from tracker.store.likeness import meeting_keys

HALF_LIFE = timedelta(days=14)
"""In which a demand that nobody asks for any more loses half of its score."""

CLOCK = "clock"


def recount(connection: Connection, tenant_id: str, demand_ids: Collection[str]) -> None:
    """Counts demands over the searches whose raw events are held.

    Reopens those filled ones that were asked for in vain since, and takes away those that
    nobody asked for after all, unless an operator touched them.
    """
    if not demand_ids:
        return
    people = _people(connection, tenant_id, demand_ids)
    asked = _asked(connection, tenant_id, demand_ids)
    held = [(tenant_id, demand_id) for demand_id in sorted(demand_ids)]
    changes, gone = [], []
    for demand in bulk.matching(connection, DEMANDS, ("tenant_id", "id"), held):
        counts = _counts(people.get(demand.id), asked.get(demand.id, []))
        if not counts["zero_results"] and not demand.is_curated:
            gone.append(demand.id)
            continue
        changes.append(counts | _reopened(connection, demand, counts) | {"demand_id": demand.id})
    _update(connection, tenant_id, changes)
    _forget(connection, tenant_id, gone)


def _people(connection: Connection, tenant_id: str, demand_ids: Collection[str]) -> dict[str, Any]:
    """Who searched in vain, by demand: from the raw events."""
    event = Event.__table__.c
    person = func.coalesce(event.email, cast(event.session_id, String))
    statement = (
        select(
            QUERIES.c.demand_id,
            func.count(person.distinct()).label("people"),
            func.count(event.email.distinct()).label("emails"),
            func.min(event.day).label("first_day"),
            func.min(event.occurred_at).label("first_at"),
            func.max(event.occurred_at).label("last_at"),
        )
        .join_from(QUERIES, Event.__table__, event.query == QUERIES.c.query)
        .where(QUERIES.c.tenant_id == tenant_id, QUERIES.c.demand_id.in_(demand_ids))
        .where(event.tenant_id == tenant_id, event.zero_results, event.query.is_not(None))
        .where(~event.is_bot)
        .group_by(QUERIES.c.demand_id)
    )
    return {row.demand_id: row for row in connection.execute(statement)}


def _asked(
    connection: Connection, tenant_id: str, demand_ids: Collection[str]
) -> dict[str, list[Any]]:
    """The searches of each query and day, by demand: from the rollup."""
    daily = DailyQueries.__table__.c
    statement = (
        select(
            QUERIES.c.demand_id,
            QUERIES.c.query,
            daily.day,
            func.coalesce(func.sum(daily.searches), 0).label("searches"),
            func.coalesce(func.sum(daily.zero_results), 0).label("zero_results"),
        )
        .join_from(QUERIES, DailyQueries.__table__, daily.query == QUERIES.c.query)
        .where(QUERIES.c.tenant_id == tenant_id, QUERIES.c.demand_id.in_(demand_ids))
        .where(daily.tenant_id == tenant_id)
        .group_by(QUERIES.c.demand_id, QUERIES.c.query, daily.day)
        .order_by(QUERIES.c.demand_id)
    )
    rows = groupby(connection.execute(statement), key=lambda row: row.demand_id)
    return {demand_id: list(found) for demand_id, found in rows}


def _counts(people: Any, asked: list[Any]) -> dict[str, Any]:
    """The columns of a demand that are counted."""
    held = [row for row in asked if people and row.day >= people.first_day]
    searches = sum(int(row.searches) for row in held)
    zeros = sum(int(row.zero_results) for row in held)
    counts = {
        "queries": len({row.query for row in asked}),
        "searches": searches,
        "zero_results": zeros,
        "people": people.people if people else 0,
        "emails": people.emails if people else 0,
        "first_at": people.first_at if people else None,
        "last_at": people.last_at if people else None,
        "standing": _standing(people, zeros / searches) if people and searches else 0.0,
    }
    return counts | ({"name": _most_frequent(held)} if held else {})


def _most_frequent(asked: list[Any]) -> str:
    zeros: dict[str, int] = {}
    for row in asked:
        zeros[row.query] = zeros.get(row.query, 0) + int(row.zero_results)
    return min(zeros, key=lambda query: (-zeros[query], query))


def _standing(people: Any, severity: float) -> float:
    """Orders demands as their scores do on any day: all of them halve in the same time."""
    weight = people.people * (1 + people.emails) * severity
    return log2(weight) + people.last_at.timestamp() / HALF_LIFE.total_seconds() if weight else 0.0


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
