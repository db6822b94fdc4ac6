"""Where on the price scale people look, and where there is something to find."""

import json
from collections import defaultdict
from collections.abc import Iterator
from math import ceil, floor
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.metrics.histograms import lower_median
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
    bins: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for value, sets, zeros in session.execute(within(statement, DailyFilters, scope)):
        for low in covered(value):
            bins[low][0] += int(sets)
            bins[low][1] += int(zeros)
    return [
        RateBin(low, low + BIN, sets, zeros) for low, (sets, zeros) in sorted(bins.items()) if sets
    ]


def covered(value: str) -> Iterator[int]:
    """The lower ends of the bins that a range, as canonical JSON, covers."""
    ends = _ends(value)
    if ends is None:
        return
    low, high = ends
    first = floor(low / BIN)
    last = max(first, ceil(high / BIN) - 1)
    yield from range(first * BIN, last * BIN + 1, BIN)


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
    bins: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    ranges = 0
    for value, result_count, sets in session.execute(within(statement, DailyResults, scope)):
        lows = list(covered(value))
        ranges += int(sets) if lows else 0
        for low in lows:
            bins[low][result_count] += int(sets)
    return [_supply(low, counts, ranges) for low, counts in sorted(bins.items())]


def _supply(low: int, counts: dict[int, int], ranges: int) -> RateSupply:
    sets = sum(counts.values())
    return RateSupply(
        low=low,
        high=low + BIN,
        sets=sets,
        share=ratio(sets, ranges),
        zero_result_rate=ratio(counts.get(0, 0), sets),
        median_result_count=lower_median(counts),
    )
