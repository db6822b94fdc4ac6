"""Exact histograms of small numbers, such as result counts."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

Group = TypeVar("Group", bound=Hashable)


def lower_median(counts: Mapping[int, int]) -> int | None:
    """The middle value of a histogram {value: how often}; of two middle ones the lower.

    None when the histogram is empty.
    """
    rank = (sum(counts.values()) + 1) // 2
    for value in sorted(counts):
        rank -= counts[value]
        if rank <= 0 and counts[value] > 0:
            return value
    return None


def histograms(rows: Iterable[tuple[Group, int, int]]) -> dict[Group, dict[int, int]]:
    """Rows of (group, value, how often) as one histogram per group."""
    grouped: dict[Group, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for group, value, count in rows:
        grouped[group][value] += int(count)
    return grouped
