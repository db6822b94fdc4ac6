"""The day at a glance: what was sent, by whom, and what Sage could not find."""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tracker.metrics.once import once
from tracker.metrics.rollups import once_each
from tracker.metrics.scope import Scope
from tracker.model import DailyEvents, DailySearches, DailyUniques


class Totals(NamedTuple):
    """One row: the period's counts and the share of searches that found nothing."""

    events: int
    sessions: int
    identified_sessions: int
    card_clicks: int
    sage_queries: int
    filter_changes: int
    zero_result_rate: float | None


class DayOfEvents(NamedTuple):
    """One day's marketplace events."""

    day: date
    card_click: int
    sage_query: int
    filter_change: int


class Searches(NamedTuple):
    """How many searches there were, and how many found nothing."""

    searches: int
    zero_results: int

    @property
    def zero_result_rate(self) -> float | None:
        return self.zero_results / self.searches if self.searches else None


def totals(session: Session, scope: Scope) -> list[Totals]:
    """Counts of the period, without what bots sent.

    Events are all that were accepted, of every type. Sessions had at least one event on a
    day of the period and count once however many days they came back; identified sessions
    are those of them with an e-mail address or a user, however late it was linked. The
    zero-result rate is searches that found nothing over all searches; without a search
    there is none. Source: daily_events, daily_uniques, daily_searches.
    """
    events = {kind: int(count) for kind, count in session.execute(_events_by_type(scope))}
    sessions, identified = session.execute(distinct(scope, "session")).one()
    return [
        Totals(
            events=sum(events.values()),
            sessions=int(sessions),
            identified_sessions=int(identified),
            card_clicks=events.get("card_click", 0),
            sage_queries=events.get("sage_query", 0),
            filter_changes=events.get("filter_change", 0),
            zero_result_rate=searches(session, scope).zero_result_rate,
        )
    ]


def _events_by_type(scope: Scope) -> Select[Any, Any]:
    return (
        select(DailyEvents.event_type, func.sum(DailyEvents.events))
        .where(DailyEvents.tenant_id.in_(scope.tenants))
        .where(DailyEvents.day.between(scope.first, scope.last))
        .group_by(DailyEvents.event_type)
    )


def distinct(scope: Scope, kind: str, key: str = "") -> Select[Any, Any]:
    """Distinct members of a kind in the period, and how many of them are identified."""
    members, identified = func.sum(DailyUniques.members), func.sum(DailyUniques.identified)
    counted = select(func.coalesce(members, 0), func.coalesce(identified, 0))
    return once_each(counted.where(DailyUniques.kind == kind, DailyUniques.key == key), scope)


@once
def searches(session: Session, scope: Scope) -> Searches:
    """Searches of the period and those that found nothing. Source: daily_searches."""
    counts = (func.sum(DailySearches.searches), func.sum(DailySearches.zero_results))
    statement = (
        select(*(func.coalesce(count, 0) for count in counts))
        .where(DailySearches.tenant_id.in_(scope.tenants))
        .where(DailySearches.day.between(scope.first, scope.last))
    )
    found = session.execute(statement).one()
    return Searches(int(found[0]), int(found[1]))


def daily_events(session: Session, scope: Scope) -> list[DayOfEvents]:
    """Card clicks, searches and filter changes of each day, zeros too, without bots.

    A day is a day of the reporting time zone. Repeated clicks all count; clearing a
    filter is no change. Source: daily_events.
    """
    types = DayOfEvents._fields[1:]
    statement = (
        select(DailyEvents.day, DailyEvents.event_type, func.sum(DailyEvents.events))
        .where(DailyEvents.tenant_id.in_(scope.tenants))
        .where(DailyEvents.day.between(scope.first, scope.last))
        .where(DailyEvents.event_type.in_(types))
        .group_by(DailyEvents.day, DailyEvents.event_type)
    )
    counts = {(day, kind): int(events) for day, kind, events in session.execute(statement)}
    return [
        DayOfEvents(day, *(counts.get((day, kind), 0) for kind in types))
        for day in scope.each_day()
    ]
