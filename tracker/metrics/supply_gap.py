"""Filters set together: what the combinations leave, and which pairs lead nowhere."""

import json
from collections import defaultdict
from itertools import combinations_with_replacement
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.metrics.histograms import histograms, lower_median
from tracker.metrics.once import once
from tracker.metrics.people_events import TOGETHER
from tracker.metrics.rollups import total, within
from tracker.metrics.scope import Scope
from tracker.model import DailyCombinations

WIDEST = 10
"""Filters of the matrix: more would fit no screen."""


class Combination(NamedTuple):
    """Filters set at the same time."""

    filters: str
    sets: int
    zero_results: int
    zero_result_rate: float | None
    median_result_count: int | None


class Gap(NamedTuple):
    """Two filters set at the same time; a filter with itself is the filter whatever else."""

    filter: str
    other: str
    sets: int
    median_result_count: int | None
    zero_results: int
    zero_result_rate: float | None


def combinations(session: Session, scope: Scope) -> list[Combination]:
    """Each combination of two or more filters that were set at the same time.

    A change of a filter counts once, under the filters that the session has set by then. A
    filter counts as set until the visitor sets none for more than half an hour, since
    clearing one is not sent; of more than eight the latest count. A change without a session
    counts nowhere. Most often set first. Source: daily_combinations.
    """
    rows = [
        _combination(names, counts)
        for names, counts in _histograms(session, scope).items()
        if len(names) > 1
    ]
    return sorted(rows, key=lambda row: (-row.sets, row.filters))


@once
def _histograms(session: Session, scope: Scope) -> dict[tuple[str, ...], dict[int, int]]:
    """Result counts by the filters that were set."""
    filters, count = DailyCombinations.filters, DailyCombinations.result_count
    statement = (
        select(filters, count, total(DailyCombinations.sets))
        .group_by(filters, count)
        .having(func.sum(DailyCombinations.sets) > 0)
    )
    found = session.execute(within(statement, DailyCombinations, scope))
    return {tuple(json.loads(key)): counts for key, counts in histograms(found).items()}


def _combination(names: tuple[str, ...], counts: dict[int, int]) -> Combination:
    sets, zeros = sum(counts.values()), counts.get(0, 0)
    return Combination(TOGETHER.join(names), sets, zeros, zeros / sets, lower_median(counts))


def supply_gap(session: Session, scope: Scope) -> list[Gap]:
    """Filter against filter: what people are left with when both are set.

    A change of a filter counts in the cell of every two filters set by then; the cell of a
    filter with itself counts every change made while it was set. A share of dead ends is the
    changes that left no result over all of the cell. Shows the ten filters whose own cells
    count most, as each other's rows and columns. A filter counts as set until the visitor
    sets none for more than half an hour, since clearing one is not sent; of more than eight
    the latest count. A change without a session counts nowhere. Source: daily_combinations.
    """
    cells: dict[tuple[str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for names, counts in _histograms(session, scope).items():
        for pair in combinations_with_replacement(sorted(names), 2):
            for value, sets in counts.items():
                cells[pair][value] += sets
    shown = _most_set(cells)
    return [
        _gap(name, other, cells[pair])
        for name in shown
        for other in shown
        if (pair := (min(name, other), max(name, other))) in cells
    ]


def _most_set(cells: dict[tuple[str, str], dict[int, int]]) -> list[str]:
    sets = {name: sum(counts.values()) for (name, other), counts in cells.items() if name == other}
    return sorted(sets, key=lambda name: (-sets[name], name))[:WIDEST]


def _gap(name: str, other: str, counts: dict[int, int]) -> Gap:
    sets, zeros = sum(counts.values()), counts.get(0, 0)
    return Gap(name, other, sets, lower_median(counts), zeros, zeros / sets)
