"""One demand of the ledger: how it was put, who waits for it, and whether filling it helped."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from rapidfuzz import fuzz
from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.orm import Session

from tracker.metrics.intervals import Interval, change_of_share, wilson
from tracker.metrics.ledger import Wanted, demands, queries_of, searches_for
from tracker.metrics.ratio import ratio
from tracker.metrics.rollups import total
from tracker.metrics.scope import Scope
from tracker.model import DailyQueries, Demand, Event
from tracker.model.base import uuid_of

SUBJECT = "demand_id"
DAYS_BEFORE = 28
_MOST_OTHERS = 500


class DayOfDemand(NamedTuple):
    """One day's searches for a demand."""

    day: date
    found: int
    zero_results: int


class Wording(NamedTuple):
    """One query of a demand."""

    query: str
    searches: int
    zero_results: int
    zero_result_rate: float | None
    last_seen: datetime | None


class Waiting(NamedTuple):
    """One person with an e-mail address who searched in vain."""

    email: str
    searches: int
    first_seen: datetime
    last_seen: datetime
    query: str


class Effect(NamedTuple):
    """The searches for a demand before or after it was filled, with a 95 % interval."""

    when: str
    searches: int
    zero_results: int
    zero_result_rate: float | None
    low_rate: float | None
    high_rate: float | None


def exists(session: Session, scope: Scope) -> bool:
    """Whether the demand is there, and in one of the scope's tenants."""
    return held(session, scope) is not None


def held(session: Session, scope: Scope) -> Demand | None:
    """The demand itself."""
    demand_id = uuid_of(scope.filters[SUBJECT])
    statement = select(Demand).where(Demand.tenant_id.in_(scope.tenants), Demand.id == demand_id)
    return session.scalars(statement).first()


def standing(session: Session, scope: Scope) -> list[Wanted]:
    """The demand as the ledger has it: over the searches whose raw events are held.

    People are distinct e-mail addresses, and sessions without one, that searched in vain;
    waiting are the addresses. Score = people x (1 + waiting) x rate, halved for every 14 days
    since the last search in vain. Source: demands.
    """
    return demands(session, scope).rows


def daily(session: Session, scope: Scope) -> list[DayOfDemand]:
    """Searches for the demand by day, however it was put: those that found something, and not.

    Days without a search too. Source: daily_queries.
    """
    statement = (
        _searches(session, scope, DailyQueries.day)
        .where(DailyQueries.day.between(scope.first, scope.last))
        .group_by(DailyQueries.day)
    )
    counts = {
        day: (int(n) - int(zeros), int(zeros)) for day, n, zeros in session.execute(statement)
    }
    return [DayOfDemand(day, *counts.get(day, (0, 0))) for day in scope.each_day()]


def _searches(session: Session, scope: Scope, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Columns and counts of the daily searches for the demand."""
    counts = (total(DailyQueries.searches), total(DailyQueries.zero_results))
    queries = queries_of(session, scope, [scope.filters[SUBJECT]])
    tenants = {tenant_id for tenant_id, _ in queries}
    return searches_for(queries, *columns, *counts).where(DailyQueries.tenant_id.in_(tenants))


def wordings(session: Session, scope: Scope) -> list[Wording]:
    """Every query of the demand, over all days, the one that most often found nothing first.

    Source: demand_queries, daily_queries.
    """
    last = func.max(DailyQueries.last_zero_at)
    statement = _searches(session, scope, DailyQueries.query, last).group_by(DailyQueries.query)
    rows = [
        Wording(query, int(n), int(zeros), int(zeros) / int(n) if n else None, at)
        for query, at, n, zeros in session.execute(statement)
    ]
    return sorted(rows, key=lambda row: (-row.zero_results, row.query))


def waiting(session: Session, scope: Scope) -> list[Waiting]:
    """The e-mail addresses of those who searched in vain, over the events held.

    Addresses count however late their session was linked. The query is the first in the
    alphabet of theirs. Latest search first. Source: events.
    """
    when = Event.occurred_at
    statement = (
        select(Event.email, Event.query, func.count(), func.min(when), func.max(when))
        .where(*_of_the_demand(session, scope), ~Event.is_bot)
        .where(Event.zero_results == true(), Event.email.is_not(None))
        .group_by(Event.email, Event.query)
    )
    people: dict[str, Waiting] = {}
    for email, query, n, first, last in session.execute(statement):
        held = people.get(str(email), Waiting(str(email), 0, first, last, str(query)))
        people[held.email] = held._replace(
            searches=held.searches + n,
            first_seen=min(held.first_seen, first),
            last_seen=max(held.last_seen, last),
            query=min(held.query, str(query)),
        )
    by_name = sorted(people.values(), key=lambda row: row.email)
    return sorted(by_name, key=lambda row: row.last_seen, reverse=True)


def _of_the_demand(session: Session, scope: Scope) -> tuple[ColumnElement[bool], ...]:
    """That an event is a search for the demand."""
    queries = queries_of(session, scope, [scope.filters[SUBJECT]])
    tenants, texts = {key[0] for key in queries}, {key[1] for key in queries}
    return Event.tenant_id.in_(tenants), Event.query.in_(texts)


def effect(session: Session, scope: Scope) -> list[Effect]:
    """Whether filling it helped: the share that found nothing, before and since.

    Before are the 28 days up to the day it was last marked filled, and that day until then;
    since is all that came later. Low and high are the Wilson 95 % interval of each share.
    Nothing when it was never marked filled. Source: daily_queries; events of that one day.
    """
    demand = held(session, scope)
    if demand is None or demand.filled_at is None:
        return []
    before, since = _before_and_since(session, scope, demand.filled_at)
    return [_effect("before it was filled", *before), _effect("since it was filled", *since)]


def _before_and_since(
    session: Session, scope: Scope, filled_at: datetime
) -> tuple[tuple[int, int], tuple[int, int]]:
    """(Searches, those that found nothing) on either side."""
    border = filled_at.astimezone(scope.zone).date()
    day_before = border - timedelta(days=1)
    before = _between(session, scope, border - timedelta(days=DAYS_BEFORE), day_before)
    since = _between(session, scope, border + timedelta(days=1), date.max)
    until, after = _on_the_day(session, scope, border, filled_at)
    return _sum(before, until), _sum(since, after)


def _between(session: Session, scope: Scope, first: date, last: date) -> tuple[int, int]:
    statement = _searches(session, scope).where(DailyQueries.day.between(first, last))
    searches, zeros = session.execute(statement).one()
    return int(searches), int(zeros)


def _on_the_day(
    session: Session, scope: Scope, day: date, border: datetime
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The searches of one day, before a moment of it and after."""
    statement = select(Event.occurred_at, Event.zero_results).where(
        *_of_the_demand(session, scope), Event.day == day, ~Event.is_bot
    )
    until, after = [0, 0], [0, 0]
    for at, found_nothing in session.execute(statement):
        side = until if at < border else after
        side[0] += 1
        side[1] += bool(found_nothing)
    return (until[0], until[1]), (after[0], after[1])


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def _effect(when: str, searches: int, zeros: int) -> Effect:
    interval = wilson(zeros, searches)
    return Effect(
        when=when,
        searches=searches,
        zero_results=zeros,
        zero_result_rate=ratio(zeros, searches),
        low_rate=interval.low if interval else None,
        high_rate=interval.high if interval else None,
    )


def change_since_filled(session: Session, scope: Scope) -> Interval | None:
    """The 95 % interval of how the share that found nothing changed since it was filled."""
    sides = effect(session, scope)
    if not sides:
        return None
    before, since = ((side.zero_results, side.searches) for side in sides)
    return change_of_share(before, since)


def others(session: Session, scope: Scope) -> list[tuple[str, str]]:
    """The id and name of the tenant's most pressing other demands, those named most alike first."""
    demand = held(session, scope)
    if demand is None:
        return []
    statement = (
        select(Demand.id, Demand.name)
        .where(Demand.tenant_id == demand.tenant_id, Demand.id != demand.id)
        .order_by(Demand.standing.desc(), Demand.id)
        .limit(_MOST_OTHERS)
    )
    pressing = [(demand_id, name) for demand_id, name in session.execute(statement)]
    return sorted(pressing, key=lambda other: -fuzz.token_set_ratio(other[1], demand.name))


def tenant_of(session: Session, demand_id: str) -> str | None:
    """Whose demand it is; None when there is none."""
    return session.scalar(select(Demand.tenant_id).where(Demand.id == demand_id))
