"""What people ask for in vain, and who is waiting for it."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tracker.metrics import sage
from tracker.metrics.filters import by_value, medians_of
from tracker.metrics.listing import listing
from tracker.metrics.once import once
from tracker.metrics.ratio import ratio
from tracker.metrics.rollups import of_keys, once_each, total, within
from tracker.metrics.scope import Listing, Scope
from tracker.model import DailyFilters, DailyQueries, DailyUniques


class DemandTotals(NamedTuple):
    """One row: the searches that found nothing, and who made them."""

    searches: int
    zero_results: int
    zero_result_rate: float | None
    sessions: int
    emails: int


class ZeroQuery(NamedTuple):
    """One query that found nothing, and who waits for it."""

    query: str
    searches: int
    zero_results: int
    zero_result_rate: float | None
    sessions: int
    emails: int
    last_seen: datetime | None


class ThinQuery(NamedTuple):
    """One query that found one or two experts."""

    query: str
    searches: int
    thin_results: int
    thin_share: float | None


class UnmetFilter(NamedTuple):
    """One filter value that left nothing."""

    filter: str
    value: str
    sets: int
    zero_results: int
    zero_result_rate: float | None
    median_result_count: int | None


def totals(session: Session, scope: Scope) -> list[DemandTotals]:
    """Searches that found nothing in the period, and the people behind them.

    The rate is searches that found nothing over all searches; without a search there is
    none. People are the distinct sessions with such a search, those waiting the distinct
    e-mail addresses among them, however late they were linked. Source: daily_queries,
    daily_uniques.
    """
    days = volume(session, scope)
    searches, zeros = sum(day.searches for day in days), sum(day.zero_results for day in days)
    people, emails = _distinct(session, scope, "zero"), _distinct(session, scope, "zero_email")
    return [DemandTotals(searches, zeros, ratio(zeros, searches), people, emails)]


volume = once(sage.daily_volume)
"""Searches of each day: the chart's rows, which the totals add up."""


def _distinct(session: Session, scope: Scope, kind: str) -> int:
    """Distinct members of a kind, whatever they searched."""
    statement = select(total(DailyUniques.members)).where(
        DailyUniques.kind == kind, DailyUniques.key == ""
    )
    return int(session.scalar(once_each(statement, scope)) or 0)


def zero_result_queries(session: Session, scope: Scope) -> Listing[ZeroQuery]:
    """Queries that found nothing in the period, the most frequent first.

    Queries are the same when they differ only in case, white space or closing punctuation.
    Searches are all of that query, found nothing those without a result, the rate is the
    second over the first. Sessions and e-mail addresses are distinct over the searches that
    found nothing; last seen is the latest of those. Ties go by sessions, then by the query.
    Source: daily_queries, daily_uniques.
    """
    found = listing(
        session,
        scope,
        _zero_queries(scope),
        lambda query, zeros, sessions, emails, last: ZeroQuery(
            query, 0, int(zeros), None, int(sessions), int(emails), last
        ),
        order=("-zero_results", "-sessions", "query"),
        search="query",
    )
    asked = searches_of(session, scope, [row.query for row in found.rows])
    rows = [
        row._replace(
            searches=asked[row.query], zero_result_rate=row.zero_results / asked[row.query]
        )
        for row in found.rows
    ]
    return Listing(rows, found.total)


def _zero_queries(scope: Scope) -> Select[str, int, int, int, datetime]:
    zeros = within(
        select(
            DailyQueries.query,
            total(DailyQueries.zero_results),
            func.max(DailyQueries.last_zero_at).label("last_seen"),
        )
        .where(DailyQueries.zero_results != 0)
        .group_by(DailyQueries.query)
        .having(func.sum(DailyQueries.zero_results) > 0),
        DailyQueries,
        scope,
    ).subquery()
    sessions, emails = _members("zero", scope).subquery(), _members("zero_email", scope).subquery()
    return (
        select(
            zeros.c.query,
            zeros.c.zero_results,
            func.coalesce(sessions.c.members, 0).label("sessions"),
            func.coalesce(emails.c.members, 0).label("emails"),
            zeros.c.last_seen,
        )
        .join_from(zeros, sessions, sessions.c.key == zeros.c.query, isouter=True)
        .join(emails, emails.c.key == zeros.c.query, isouter=True)
    )


def _members(kind: str, scope: Scope) -> Select[str, int]:
    """Distinct members of a kind by key, but for the key of all."""
    statement = (
        select(DailyUniques.key, total(DailyUniques.members))
        .where(DailyUniques.kind == kind, DailyUniques.key != "")
        .group_by(DailyUniques.key)
    )
    return once_each(statement, scope)


def searches_of(session: Session, scope: Scope, queries: Collection[str]) -> dict[str, int]:
    """All searches of these queries in the period, whatever they found."""
    statement = select(DailyQueries.query, total(DailyQueries.searches))
    statement = of_keys(statement, DailyQueries.query, queries, scope)
    found = session.execute(statement.group_by(DailyQueries.query))
    return {query: int(count) for query, count in found}


def thin_results(session: Session, scope: Scope) -> Listing[ThinQuery]:
    """Queries that found only one or two experts in the period, the most frequent first.

    Searches are all of that query, thin are those with one or two results; the share is the
    second over the first. Source: daily_queries.
    """
    statement = (
        select(DailyQueries.query, total(DailyQueries.thin_results))
        .where(DailyQueries.thin_results != 0)
        .group_by(DailyQueries.query)
        .having(func.sum(DailyQueries.thin_results) > 0)
    )
    found = listing(
        session,
        scope,
        within(statement, DailyQueries, scope),
        lambda query, thin: ThinQuery(query, 0, int(thin), None),
        order=("-thin_results", "query"),
        search="query",
    )
    asked = searches_of(session, scope, [row.query for row in found.rows])
    rows = [
        row._replace(searches=asked[row.query], thin_share=row.thin_results / asked[row.query])
        for row in found.rows
    ]
    return Listing(rows, found.total)


def unmet_filters(session: Session, scope: Scope) -> Listing[UnmetFilter]:
    """Filter values that left nothing in the period, the most frequent first.

    Sets are the `filter_change` events of that filter and value; the rate is those that left
    no result over all of them. The median is the lower median of the results that all of
    them left. Clearing a filter is not counted. Source: daily_filters, daily_results.
    """
    found = listing(
        session,
        scope,
        by_value(scope, DailyFilters.zero_results),
        lambda name, value, sets, zeros: UnmetFilter(
            name, value, int(sets), int(zeros), int(zeros) / int(sets), None
        ),
        order=("-zero_results", "filter", "value"),
        search="value",
    )
    medians = medians_of(session, scope, {row[:2] for row in found.rows})
    rows = [row._replace(median_result_count=medians.get(row[:2])) for row in found.rows]
    return Listing(rows, found.total)
