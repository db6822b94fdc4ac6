"""Which filters people set, to which values, and what that leaves them with."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from tracker.metrics.histograms import histograms, lower_median
from tracker.metrics.listing import listing
from tracker.metrics.ratio import ratio
from tracker.metrics.rollups import day_by_day, once_each, total, within
from tracker.metrics.scope import Listing, Scope
from tracker.model import DailyDeadEnds, DailyFilters, DailyResults, DailyUniques
from tracker.model.rollups import ANY_VALUE, NO_COUNT

_MOST_KEYS = 500
"""Of more filters and values than this the database is asked about all rather than each."""


class FilterTotals(NamedTuple):
    """One row: how often filters were set, and how often that left nothing."""

    sets: int
    zero_results: int
    zero_result_rate: float | None
    narrowed: int
    killed: int


class ByFilter(NamedTuple):
    """One filter, whatever its value."""

    filter: str
    sets: int
    sessions: int
    zero_results: int
    zero_result_rate: float | None
    median_result_count: int | None


class FilterValue(NamedTuple):
    """One value of one filter, as canonical JSON."""

    filter: str
    value: str
    sets: int
    zero_results: int


class Killer(NamedTuple):
    """How often a filter left nothing of results that were there before it was set."""

    filter: str
    killed: int
    narrowed: int
    kill_rate: float | None
    worst_value: str | None
    worst_value_killed: int


def totals(session: Session, scope: Scope) -> list[FilterTotals]:
    """Filter changes of the period, and what they left.

    A filter counts each time it is set to a value; clearing one counts nowhere. "Found
    nothing" are the changes that left no result; the rate is those over all changes, and
    there is none without a change. "Last straw" are the changes that left nothing of results
    that were there until then. Source: daily_filters, daily_dead_ends.
    """
    changes = select(*map(total, (DailyFilters.sets, DailyFilters.zero_results)))
    sets, zeros = map(int, session.execute(within(changes, DailyFilters, scope)).one())
    ends = select(*map(total, (DailyDeadEnds.narrowed, DailyDeadEnds.killed)))
    ends = ends.where(DailyDeadEnds.filter_value == ANY_VALUE)
    narrowed, killed = map(int, session.execute(within(ends, DailyDeadEnds, scope)).one())
    return [FilterTotals(sets, zeros, ratio(zeros, sets), narrowed, killed)]


def by_filter(session: Session, scope: Scope) -> list[ByFilter]:
    """Each filter that was set in the period, the most often set first.

    Sets are `filter_change` events; sessions are the distinct ones that set it. The rate is
    sets that left no result over all sets of the filter. The median is the lower median of
    the results that its sets left. Source: daily_filters, daily_uniques, daily_results.
    """
    sets = func.sum(DailyFilters.sets)
    statement = (
        select(DailyFilters.filter_name, total(DailyFilters.sets), total(DailyFilters.zero_results))
        .group_by(DailyFilters.filter_name)
        .having(sets > 0)
    )
    found = session.execute(within(statement, DailyFilters, scope)).all()
    sessions = _sessions(session, scope)
    medians = medians_of(session, scope, {(name, ANY_VALUE) for name, _, _ in found})
    rows = [
        ByFilter(
            filter=name,
            sets=int(sets),
            sessions=sessions.get(name, 0),
            zero_results=int(zeros),
            zero_result_rate=zeros / sets,
            median_result_count=medians.get((name, ANY_VALUE)),
        )
        for name, sets, zeros in ((name, int(sets), int(zeros)) for name, sets, zeros in found)
    ]
    return sorted(rows, key=lambda row: (-row.sets, row.filter))


def _sessions(session: Session, scope: Scope) -> dict[str, int]:
    """The distinct sessions that set each filter."""
    statement = (
        select(DailyUniques.key, total(DailyUniques.members))
        .where(DailyUniques.kind == "filter")
        .group_by(DailyUniques.key)
    )
    found = session.execute(once_each(statement, scope))
    return {name: int(count) for name, count in found}


def medians_of(
    session: Session, scope: Scope, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], int | None]:
    """The lower median of the results that the sets of these filters and values left."""
    name, value, count = (
        DailyResults.filter_name,
        DailyResults.filter_value,
        DailyResults.result_count,
    )
    statement = (
        select(name, value, count, total(DailyResults.sets))
        .where(count != NO_COUNT)
        .group_by(name, value, count)
    )
    if len(keys) > _MOST_KEYS:
        statement = within(statement, DailyResults, scope)
    else:
        names, values = {key[0] for key in keys}, {key[1] for key in keys}
        statement = day_by_day(statement, DailyResults, scope)
        statement = statement.where(name.in_(names), value.in_(values))
    found = (((name, value), count, n) for name, value, count, n in session.execute(statement))
    return {key: lower_median(counts) for key, counts in histograms(found).items()}


def values(session: Session, scope: Scope) -> Listing[FilterValue]:
    """Each value that a filter was set to in the period, the most often set first.

    Values are the same when their canonical JSON is: tags in any order are one value, the
    two ends of a range are not. Filter: `filter` names one. Source: daily_filters.
    """
    return listing(
        session,
        scope,
        by_value(scope, DailyFilters.sets),
        lambda name, value, sets, zeros: FilterValue(name, value, int(sets), int(zeros)),
        order=("-sets", "filter", "value"),
        search="value",
    )


def by_value(scope: Scope, present: InstrumentedAttribute[int]) -> Select[str, str, int, int]:
    """Sets and zero results by filter and value, where the counter `present` is not 0."""
    name, value = DailyFilters.filter_name, DailyFilters.filter_value
    statement = (
        select(
            name.label("filter"),
            value.label("value"),
            total(DailyFilters.sets),
            total(DailyFilters.zero_results),
        )
        .group_by(name, value)
        .having(func.sum(present) > 0)
    )
    if wanted := scope.filters.get("filter"):
        statement = statement.where(name == wanted)
    return within(statement, DailyFilters, scope)


def killers(session: Session, scope: Scope) -> list[Killer]:
    """Which filter killed it: results fell to none when it was set.

    Counts the changes of a session that left no result where the change before, at most
    half an hour earlier, had left some ("killed"), and over all changes that could have done
    so ("chances"). Filters that killed nothing are left out. The worst value is the one that
    did it most often, the first by name of several. Filters are set together until the
    visitor pauses, since clearing one is not sent. Killed most often first. Source:
    daily_dead_ends.
    """
    statement = (
        select(
            DailyDeadEnds.filter_name,
            DailyDeadEnds.filter_value,
            total(DailyDeadEnds.killed),
            total(DailyDeadEnds.narrowed),
        )
        .group_by(DailyDeadEnds.filter_name, DailyDeadEnds.filter_value)
        .having(func.sum(DailyDeadEnds.killed) > 0)
    )
    found = session.execute(within(statement, DailyDeadEnds, scope)).all()
    worst: dict[str, tuple[int, str]] = {}
    for name, value, killed, _ in found:
        if value != ANY_VALUE:
            worst[name] = min(worst.get(name, (0, "")), (-int(killed), value))
    rows = [
        _killer(name, int(killed), int(narrowed), worst[name])
        for name, value, killed, narrowed in found
        if value == ANY_VALUE
    ]
    return sorted(rows, key=lambda row: (-row.killed, row.filter))


def _killer(name: str, killed: int, narrowed: int, worst: tuple[int, str]) -> Killer:
    return Killer(name, killed, narrowed, killed / narrowed, worst[1], -worst[0])
