"""How much Sage is asked, what, and what it finds."""

from collections.abc import Collection
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from tracker.metrics.listing import listing
from tracker.metrics.ratio import ratio
from tracker.metrics.rollups import of_keys, within
from tracker.metrics.scope import Listing, Scope
from tracker.model import DailyQueries, DailySearches, DailyUniques
from tracker.model.rollups import SearchCounters


class DayOfSearches(NamedTuple):
    """One day's searches, and how many of them found nothing."""

    day: date
    searches: int
    zero_results: int
    zero_result_rate: float | None


class ByFunction(NamedTuple):
    """The searches that Sage answered by one function."""

    function_called: str
    searches: int
    zero_results: int
    zero_result_rate: float | None
    mean_result_count: float | None
    clicked_searches: int
    click_through_rate: float | None


class TopQuery(NamedTuple):
    """One query, however it was written, and how many sessions asked it."""

    query: str
    searches: int
    zero_results: int
    sessions: int


def daily_volume(session: Session, scope: Scope) -> list[DayOfSearches]:
    """Searches of each day, and those that found nothing; days without a search too.

    A search is one `sage_query` event. The rate is searches with zero results over
    searches; a day without a search has none. Source: daily_searches.
    """
    counts = by_day(session, scope, ("searches", "zero_results"))
    return [
        DayOfSearches(day, searches, zero_results, ratio(zero_results, searches))
        for day, (searches, zero_results) in counts.items()
    ]


def by_day(session: Session, scope: Scope, names: tuple[str, ...]) -> dict[date, tuple[int, ...]]:
    """Counters of daily_searches for every day of the period, zeros too."""
    counted = select(DailySearches.day, *totals(DailySearches, *names))
    statement = within(counted, DailySearches, scope)
    found = {
        row[0]: tuple(map(int, row[1:]))
        for row in session.execute(statement.group_by(DailySearches.day))
    }
    return {day: found.get(day, (0,) * len(names)) for day in scope.each_day()}


def totals(rollup: type[SearchCounters], *names: str) -> list[ColumnElement[Any]]:
    """The sums of counters, 0 for no row, under their names."""
    return [func.coalesce(func.sum(getattr(rollup, name)), 0).label(name) for name in names]


def by_function(session: Session, scope: Scope) -> list[ByFunction]:
    """Searches by the function Sage called to answer them, most called first.

    The mean result count is over the searches that have one: `apply_filters` may send none.
    Click-through is searches followed by a click on one of their experts, in Sage's panel,
    before the session's next search and within 30 minutes (or in the same view), over all
    searches of the function. Source: daily_searches.
    """
    names = ("searches", "zero_results", "results", "counted", "clicked")
    searches = func.sum(DailySearches.searches)
    counted = select(DailySearches.function_called, *totals(DailySearches, *names))
    statement = (
        within(counted, DailySearches, scope)
        .group_by(DailySearches.function_called)
        .having(searches > 0)
        .order_by(searches.desc(), DailySearches.function_called)
    )
    return [_function(row[0], *map(int, row[1:])) for row in session.execute(statement)]


def _function(
    name: str, searches: int, zero_results: int, results: int, counted: int, clicked: int
) -> ByFunction:
    return ByFunction(
        function_called=name,
        searches=searches,
        zero_results=zero_results,
        zero_result_rate=ratio(zero_results, searches),
        mean_result_count=ratio(results, counted),
        clicked_searches=clicked,
        click_through_rate=ratio(clicked, searches),
    )


def top_queries(session: Session, scope: Scope) -> Listing[TopQuery]:
    """The queries asked most often, with the distinct sessions that asked them.

    Queries are the same when they differ only in case, white space or closing punctuation.
    Source: daily_queries, daily_uniques.
    """
    found = listing(
        session,
        scope,
        within(_asked(), DailyQueries, scope).having(func.sum(DailyQueries.searches) > 0),
        lambda query, searches, zeros: TopQuery(query, int(searches), int(zeros), 0),
        order=("-searches", "query"),
        search="query",
    )
    sessions = _sessions(session, scope, [row.query for row in found.rows])
    rows = [row._replace(sessions=sessions.get(row.query, 0)) for row in found.rows]
    return Listing(rows, found.total)


def _asked() -> Select[Any]:
    """Searches by query, without the rows that count their outcomes only."""
    counted = (DailyQueries.searches != 0) | (DailyQueries.zero_results != 0)
    return by_query("searches", "zero_results").where(counted)


def by_query(*names: str) -> Select[Any]:
    """Counters of daily_queries by query."""
    return select(DailyQueries.query, *totals(DailyQueries, *names)).group_by(DailyQueries.query)


def _sessions(session: Session, scope: Scope, queries: Collection[str]) -> dict[str, int]:
    """The distinct sessions that asked each query in the period."""
    statement = (
        select(DailyUniques.key, func.sum(DailyUniques.members))
        .where(DailyUniques.kind == "query", DailyUniques.prev_day < scope.first)
        .group_by(DailyUniques.key)
    )
    found = session.execute(of_keys(statement, DailyUniques.key, queries, scope))
    return {key: int(count) for key, count in found}
