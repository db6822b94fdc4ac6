"""What became of Sage's answers: clicked, at which rank, or asked again.

That depends on the order of a session's events, so it is settled some seconds after they
came in, and counted on the day of the search.
"""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.metrics.listing import listing
from tracker.metrics.ratio import ratio
from tracker.metrics.rollups import of_keys, within
from tracker.metrics.sage import by_day, by_query, totals
from tracker.metrics.scope import Listing, Scope
from tracker.model import DailyQueries, DailySearchClicks, DailySearches


class Answers(NamedTuple):
    """One row: the period's searches, and what became of their answers."""

    searches: int
    zero_results: int
    zero_result_rate: float | None
    answered: int
    clicked_searches: int
    click_through_rate: float | None
    no_click_rate: float | None
    mean_reciprocal_rank: float | None
    reformulated: int
    reformulation_rate: float | None
    unhelpful: int


class DayOfClicks(NamedTuple):
    """One day's searches, and how many of them were clicked or asked again."""

    day: date
    searches: int
    clicked_searches: int
    click_through_rate: float | None
    reformulated: int
    reformulation_rate: float | None


class FirstClicks(NamedTuple):
    """The searches whose first click was at one rank of the answer."""

    rank: int
    searches: int
    share: float | None


class UnhelpfulQuery(NamedTuple):
    """A query whose answers had results that did not help."""

    query: str
    unhelpful: int
    searches: int
    unhelpful_rate: float | None
    clicked_searches: int


def answers(session: Session, scope: Scope) -> list[Answers]:
    """What became of the period's searches, each of them one `sage_query` event.

    Found nothing is searches with zero results over searches. Clicked is searches followed
    by a click, in Sage's panel, on one of their experts, before the session's next search and
    within 30 minutes (or in the same view), over searches; several clicks count once. No click
    is searches with results and no such click over searches with results.

    MRR is the mean over all searches of 1 / rank of the first click, 0 without one: look at
    its trend only. Asked again is searches followed by the session's next one within 5 minutes
    and without a click, over searches. Without a search there are no rates.

    Source: daily_searches, daily_search_clicks.
    """
    names = ("searches", "zero_results", "clicked", "unclicked", "reformulated", "unhelpful")
    counted = select(*totals(DailySearches, *names))
    counts = session.execute(within(counted, DailySearches, scope)).one()
    searches, zero_results, clicked, unclicked, reformulated, unhelpful = map(int, counts)
    reciprocal_ranks = sum(row.searches / row.rank for row in first_clicks(session, scope))
    return [
        Answers(
            searches=searches,
            zero_results=zero_results,
            zero_result_rate=ratio(zero_results, searches),
            answered=searches - zero_results,
            clicked_searches=clicked,
            click_through_rate=ratio(clicked, searches),
            no_click_rate=ratio(unclicked, searches - zero_results),
            mean_reciprocal_rank=ratio(reciprocal_ranks, searches),
            reformulated=reformulated,
            reformulation_rate=ratio(reformulated, searches),
            unhelpful=unhelpful,
        )
    ]


def daily_clicks(session: Session, scope: Scope) -> list[DayOfClicks]:
    """Searches of each day that were clicked, and that were asked again, over its searches.

    A click is one on an expert of the answer, in Sage's panel, before the session's next
    search and within 30 minutes (or in the same view). Asked again: the session's next search
    came within 5 minutes, without a click. Source: daily_searches.
    """
    counts = by_day(session, scope, ("searches", "clicked", "reformulated"))
    return [
        DayOfClicks(day, searches, clicked, ratio(clicked, searches), again, ratio(again, searches))
        for day, (searches, clicked, again) in counts.items()
    ]


def first_clicks(session: Session, scope: Scope) -> list[FirstClicks]:
    """Searches with a click, by the rank of the expert that was clicked first.

    Ranks are places in Sage's answer, from 1. The share is over all searches with a click.
    Source: daily_search_clicks.
    """
    searches = func.sum(DailySearchClicks.searches)
    statement = (
        select(DailySearchClicks.rank, searches)
        .where(DailySearchClicks.tenant_id.in_(scope.tenants))
        .where(DailySearchClicks.day.between(scope.first, scope.last))
        .group_by(DailySearchClicks.rank)
        .having(searches > 0)
        .order_by(DailySearchClicks.rank)
    )
    found = [(rank, int(count)) for rank, count in session.execute(statement)]
    clicked = sum(count for _, count in found)
    return [FirstClicks(rank, count, ratio(count, clicked)) for rank, count in found]


def unhelpful_queries(session: Session, scope: Scope) -> Listing[UnhelpfulQuery]:
    """Queries that were answered without helping: results, no click, asked again.

    Unhelpful is a search with results, without a click on any of them, after which the same
    session searched again within 5 minutes; the rate is over all searches of the query.
    The most unhelpful come first. Source: daily_queries.
    """
    unhelpful = by_query("unhelpful").where(DailyQueries.unhelpful != 0)
    found = listing(
        session,
        scope,
        within(unhelpful, DailyQueries, scope).having(func.sum(DailyQueries.unhelpful) > 0),
        lambda query, count: (query, int(count)),
        order=("-unhelpful", "query"),
        search="query",
    )
    asked = _asked(session, scope, [query for query, _ in found.rows])
    rows = [_unhelpful(query, count, *asked[query]) for query, count in found.rows]
    return Listing(rows, found.total)


def _asked(session: Session, scope: Scope, queries: Collection[str]) -> dict[str, tuple[int, int]]:
    """How often these queries were searched in the period, and clicked."""
    statement = of_keys(by_query("searches", "clicked"), DailyQueries.query, queries, scope)
    return {row[0]: (int(row[1]), int(row[2])) for row in session.execute(statement)}


def _unhelpful(query: str, unhelpful: int, searches: int, clicked: int) -> UnhelpfulQuery:
    return UnhelpfulQuery(query, unhelpful, searches, ratio(unhelpful, searches), clicked)
