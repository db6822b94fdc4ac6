"""The demand ledger: what is wanted and not there, most pressing first, and its state of work."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from tracker.metrics.listing import listing
from tracker.metrics.ratio import ratio
from tracker.metrics.scope import Listing, Scope
from tracker.model import DailyQueries, Demand, DemandQuery

HALF_LIFE = timedelta(days=14)
FORTNIGHT = 14
_MOST_KEYS = 500
_MOST_QUERIES = 5000
"""Of more demands or queries the database is asked about all rather than about each."""


class Wanted(NamedTuple):
    """One demand of the ledger."""

    id: str
    demand: str
    status: str
    people: int
    emails: int
    searches: int
    zero_results: int
    zero_result_rate: float | None
    last_fortnight: int
    fortnight_before: int
    score: float
    last_seen: datetime | None
    queries: int


def demands(session: Session, scope: Scope) -> Listing[Wanted]:
    """What people want that is not there: near-duplicate queries as one demand.

    Queries that found nothing are one demand when their telling words are the same up to
    spelling and endings; operators merge and split them. Counts are over the searches whose
    raw events are held, whatever the period, as of half a minute ago. People are distinct
    e-mail addresses, and sessions without one, that searched in vain; waiting are the
    addresses. The rate is searches that found nothing over all searches of the demand. The
    trend is those that found nothing in the last 14 days of the period, against the 14 days
    before.

    Score = people x (1 + waiting) x rate, halved for every 14 days since the last search in
    vain. Filter: `status`. Source: demands, demand_queries, daily_queries.
    """
    found = listing(
        session,
        scope,
        _demands(scope),
        lambda *values: _wanted(values, scope.now),
        order=("-standing", "id"),
        search="demand",
    )
    trends = _trends(session, scope, [row.id for row in found.rows])
    rows = [
        row._replace(last_fortnight=recent, fortnight_before=before)
        for row in found.rows
        for recent, before in (trends.get(row.id, (0, 0)),)
    ]
    return Listing(rows, found.total)


def _demands(scope: Scope) -> Select[*tuple[Any, ...]]:
    statement = select(
        Demand.id,
        Demand.name.label("demand"),
        Demand.status,
        Demand.people,
        Demand.emails,
        Demand.searches,
        Demand.zero_results,
        Demand.last_at.label("last_seen"),
        Demand.queries,
        Demand.standing,
    ).where(Demand.tenant_id.in_(scope.tenants))
    if status := scope.filters.get("status"):
        statement = statement.where(Demand.status == status)
    if demand_id := scope.filters.get("demand_id"):
        statement = statement.where(Demand.id == demand_id)
    return statement


def _wanted(values: tuple[Any, ...], now: datetime) -> Wanted:
    demand_id, name, status, people, emails, searches, zeros, last_at, queries, _ = values
    rate = ratio(zeros, searches)
    return Wanted(
        id=demand_id,
        demand=name,
        status=status,
        people=people,
        emails=emails,
        searches=searches,
        zero_results=zeros,
        zero_result_rate=rate,
        last_fortnight=0,
        fortnight_before=0,
        score=people * (1 + emails) * (rate or 0) * _faded(last_at, now),
        last_seen=last_at,
        queries=queries,
    )


def _faded(last_at: datetime | None, now: datetime) -> float:
    """What is left of a score after the time since the last search in vain."""
    return 0.5 ** max(0.0, (now - last_at) / HALF_LIFE) if last_at else 0.0


def _trends(
    session: Session, scope: Scope, demand_ids: Collection[str]
) -> dict[str, tuple[int, int]]:
    """Searches in vain of the last fortnight of the period and of the one before, by demand."""
    demand_of = queries_of(session, scope, demand_ids)
    recent = DailyQueries.day > scope.last - timedelta(days=FORTNIGHT)
    zeros = DailyQueries.zero_results
    statement = (
        searches_for(
            demand_of,
            DailyQueries.tenant_id,
            DailyQueries.query,
            func.sum(case((recent, zeros), else_=0)),
            func.sum(case((~recent, zeros), else_=0)),
        )
        .where(DailyQueries.day > scope.last - timedelta(days=2 * FORTNIGHT))
        .where(DailyQueries.day <= scope.last, DailyQueries.tenant_id.in_(scope.tenants))
        .group_by(DailyQueries.tenant_id, DailyQueries.query)
    )
    trends: dict[str, tuple[int, int]] = {}
    for tenant_id, query, now, before in session.execute(statement):
        if demand_id := demand_of.get((tenant_id, query)):
            held = trends.get(demand_id, (0, 0))
            trends[demand_id] = (held[0] + int(now), held[1] + int(before))
    return trends


def queries_of(
    session: Session, scope: Scope, demand_ids: Collection[str]
) -> dict[tuple[str, str], str]:
    """The tenant and text of every query of these demands, with its demand."""
    statement = select(DemandQuery.tenant_id, DemandQuery.query, DemandQuery.demand_id)
    statement = statement.where(DemandQuery.tenant_id.in_(scope.tenants))
    if len(demand_ids) <= _MOST_KEYS:
        statement = statement.where(DemandQuery.demand_id.in_(demand_ids))
    found = session.execute(statement)
    return {(tenant_id, query): demand_id for tenant_id, query, demand_id in found}


def searches_for(queries: Collection[tuple[str, str]], *columns: Any) -> Select[*tuple[Any, ...]]:
    """Columns of the daily searches of these queries.

    They are named one by one and not joined, so that each is looked up.
    """
    statement = select(*columns)
    if len(queries) <= _MOST_QUERIES:
        statement = statement.where(DailyQueries.query.in_({query for _, query in queries}))
    return statement
