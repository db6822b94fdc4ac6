"""Where on the price scale people look, and where there is something to find."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import ceil, floor
from typing import NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.metrics.histograms import Running
from tracker.metrics.ratio import ratio
from tracker.metrics.rollups import total, within
from tracker.metrics.scope import Scope
from tracker.model import DailyFilters, DailyResults
from tracker.model.rollups import ANY_VALUE, NO_COUNT

RATE = "rate"
"""The filter whose values are ranges [low, high]."""

BIN = 25
FURTHEST = 4000 * BIN
"""Ranges are cut here, either side of 0: a visitor can type any number."""


class RateBin(NamedTuple):
    """One bin of the rate filter: how often a range covered it."""

    low: int
    high: int
    sets: int
    zero_results: int


class RateSupply(NamedTuple):
    """One bin of the rate filter: what the ranges that covered it found."""

    low: int
    high: int
    sets: int
    share: float | None
    zero_result_rate: float | None
    median_result_count: int | None


def rate_demand(session: Session, scope: Scope) -> list[RateBin]:
    """How often each bin of 25 units was looked in, with the filter `rate`, lowest first.

    A set counts in every bin that its range [low, high] covers: those that begin below its
    high end and end above its low end, so that [50, 100] covers 50 to 75 and 75 to 100. A
    range of one point counts in the bin it lies in; which end of a range comes first does
    not matter. Values that are no range of two numbers count nowhere; bins that no range
    covered have no row. Ranges are cut at 100,000 either side of 0. Source: daily_filters.
    """
    statement = (
        select(
            DailyFilters.filter_value, total(DailyFilters.sets), total(DailyFilters.zero_results)
        )
        .where(DailyFilters.filter_name == RATE)
        .group_by(DailyFilters.filter_value)
    )
    rows = session.execute(within(statement, DailyFilters, scope)).all()
    bins, sets, zeros = [], 0, 0
    for low, changes in _changes((value, (int(n), int(found))) for value, n, found in rows):
        for sign, (more, found_nothing) in changes:
            sets, zeros = sets + sign * more, zeros + sign * found_nothing
        if sets:
            bins.append(RateBin(low, low + BIN, sets, zeros))
    return bins


Told = TypeVar("Told")


def _changes(told: Iterable[tuple[str, Told]]) -> Iterator[tuple[int, list[tuple[int, Told]]]]:
    """Each bin from the first covered to the last, with what begins (1) and has ended (-1) there.

    To look at each bin of each range would take long: one covers up to 8,000.
    """
    changes: dict[int, list[tuple[int, Told]]] = defaultdict(list)
    for value, what in told:
        if bins := covered(value):
            changes[bins[0]].append((1, what))
            changes[bins[-1] + BIN].append((-1, what))
    for low in range(min(changes, default=0), max(changes, default=0), BIN):
        yield low, changes.get(low, [])


def covered(value: str) -> range:
    """The lower ends of the bins that a range, as canonical JSON, covers."""
    ends = _ends(value)
    if ends is None:
        return range(0)
    low, high = ends
    first = floor(low / BIN)
    last = max(first, ceil(high / BIN) - 1)
    return range(first * BIN, last * BIN + 1, BIN)


def _ends(value: str) -> tuple[float, float] | None:
    try:
        ends = json.loads(value)
    except ValueError:  # a value too long to be kept whole
        return None
    if not isinstance(ends, list) or len(ends) != 2:
        return None
    if not all(type(end) in (int, float) for end in ends):
        return None
    low, high = sorted(max(-FURTHEST, min(FURTHEST, end)) for end in ends)
    return low, high


def rate_supply(session: Session, scope: Scope) -> list[RateSupply]:
    """Where people look against where there is something to find, by bin of 25 units.

    Share is the sets whose range covers the bin over all sets of the filter `rate` that are
    a range. The rate is those of them that left no result. The median is the lower median of
    the results they left: of whole ranges with every other filter set then, so it shows where
    supply is thin, not how many experts ask that price. Source: daily_results.
    """
    statement = (
        select(DailyResults.filter_value, DailyResults.result_count, total(DailyResults.sets))
        .where(DailyResults.filter_name == RATE, DailyResults.filter_value != ANY_VALUE)
        .where(DailyResults.result_count != NO_COUNT)
        .group_by(DailyResults.filter_value, DailyResults.result_count)
    )
    rows = session.execute(within(statement, DailyResults, scope)).all()
    ranges = sum(int(sets) for value, _, sets in rows if covered(value))
    found = Running(result_count for _, result_count, _ in rows)
    bins, zeros = [], 0
    for low, changes in _changes((value, (results, int(n))) for value, results, n in rows):
        for sign, (results, n) in changes:
            found.add(results, sign * n)
            zeros += 0 if results else sign * n
        if found.total:
            bins.append(_supply(low, found, zeros, ranges))
    return bins


def _supply(low: int, found: Running, zeros: int, ranges: int) -> RateSupply:
    return RateSupply(
        low=low,
        high=low + BIN,
        sets=found.total,
        share=ratio(found.total, ranges),
        zero_result_rate=ratio(zeros, found.total),
        median_result_count=found.lower_median(),
    )
