"""How unevenly something is shared out."""

from collections.abc import Iterable
from itertools import accumulate
from math import ceil

from tracker.metrics.ratio import ratio


def gini(counts: Iterable[int]) -> float | None:
    """The Gini coefficient: 0 when all have the same, near 1 when one has everything.

    Those with nothing belong into `counts`. With fewer things than takers even the fairest
    distribution leaves most with nothing; the coefficient is then corrected so that 0 still
    is the fairest (Bernasco and Steenbeek, J. Quant. Criminol. 33, 2017). None when there is
    nothing to share.
    """
    ascending = sorted(counts)
    n, total = len(ascending), sum(ascending)
    if not total:
        return None
    weighted = sum(i * x for i, x in enumerate(ascending, start=1))
    if total >= n:
        return 2 * weighted / (n * total) - (n + 1) / n
    return max(1 / total, 1 / n) * (2 * weighted / total - n - 1) - max(n / total, 1) + 1


def top_share(counts: Iterable[int], part: float) -> float | None:
    """The share that the largest `part` of all hold, rounded up to whole ones; None of nothing."""
    descending = sorted(counts, reverse=True)
    total = sum(descending)
    # 0.1 * 30 is a little more than 3 in binary
    largest = descending[: ceil(round(part * len(descending), 9))]
    return ratio(sum(largest), total)


def lorenz(counts: Iterable[int], steps: int = 100) -> list[tuple[float, float]]:
    """The Lorenz curve: (share of takers, poorest first; the share of things that they hold).

    From (0, 0) to (1, 1) in at most `steps` steps; empty when there is nothing to share.
    """
    ascending = sorted(counts)
    n, held = len(ascending), [0, *accumulate(ascending)]
    if not held[-1]:
        return []
    places = sorted({round(step * n / steps) for step in range(steps + 1)})
    return [(place / n, held[place] / held[-1]) for place in places]
