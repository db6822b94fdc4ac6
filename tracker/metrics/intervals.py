"""How sure a number is: 95 % intervals of rates and of ratios of counts."""

from math import sqrt
from typing import NamedTuple

Z = 1.959963984540054
"""The standard normal deviate that leaves 2.5 % on either side."""


class Interval(NamedTuple):
    """Where the true value lies, with 95 % certainty."""

    low: float
    high: float


def wilson(successes: float, trials: float) -> Interval | None:
    """The interval of a share of independent trials; None without a trial.

    Wilson's score interval, good for small samples and shares near 0 and 1 too.
    (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927.)
    """
    if not trials:
        return None
    share = successes / trials
    scale = 1 + Z * Z / trials
    middle = share + Z * Z / (2 * trials)
    reach = Z * sqrt(share * (1 - share) / trials + Z * Z / (4 * trials * trials))
    return Interval(max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale))


def ratio_to_expected(count: float, expected: float) -> Interval:
    """The interval of a Poisson count over what was expected of it, both above 0.

    Quantiles of the gamma distribution with shape `count` and rate `expected`: with a prior
    added to both, the credible interval of their ratio. By Wilson and Hilferty's cube, within
    1 % of the exact quantiles from a count of 5 on.
    """
    low, high = (
        count * (1 - 1 / (9 * count) + deviate / (3 * sqrt(count))) ** 3 / expected
        for deviate in (-Z, Z)
    )
    return Interval(low, high)


def change_of_share(before: tuple[int, int], after: tuple[int, int]) -> Interval | None:
    """The interval of the difference of two shares, each (successes, trials): after less before.

    Newcombe's hybrid score interval, from the Wilson intervals of both; None when either has
    no trial. (R. G. Newcombe, Statistics in Medicine 17, 1998, method 10.)
    """
    was, now = wilson(*before), wilson(*after)
    if was is None or now is None:
        return None
    first, second = before[0] / before[1], after[0] / after[1]
    change = second - first
    down = sqrt((second - now.low) ** 2 + (was.high - first) ** 2)
    up = sqrt((now.high - second) ** 2 + (first - was.low) ** 2)
    return Interval(change - down, change + up)
