"""Exact histograms of small numbers, such as result counts."""

from bisect import bisect_left
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


class Running:
    """A histogram of values known beforehand that goes up and down, and its lower median at once.

    A Fenwick tree: a change, or a median, costs the logarithm of how many values there are.
    """

    def __init__(self, values: Iterable[int]) -> None:
        self._values = sorted(set(values))
        self._tree = [0] * (len(self._values) + 1)
        self.total = 0

    def add(self, value: int, count: int) -> None:
        self.total += count
        place = bisect_left(self._values, value) + 1
        while place < len(self._tree):
            self._tree[place] += count
            place += place & -place

    def lower_median(self) -> int | None:
        """As `lower_median` has it."""
        if self.total <= 0:
            return None
        rank, place, step = (self.total + 1) // 2, 0, 1 << len(self._values).bit_length()
        while step := step >> 1:
            if place + step < len(self._tree) and self._tree[place + step] < rank:
                place += step
                rank -= self._tree[place]
        return self._values[place]
