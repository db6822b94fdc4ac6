"""Gini, Lorenz and the share of the top, by hand."""

import pytest

from tracker.metrics.inequality import gini, lorenz, top_share


def test_nothing_to_share_has_no_coefficient() -> None:
    assert gini([]) is None
    assert gini([0, 0]) is None


def test_equal_shares_are_zero() -> None:
    assert gini([7, 7, 7]) == pytest.approx(0)


def test_the_coefficient_is_that_of_the_definition() -> None:
    # x = 1, 2, 3, 4: 2 * (1 + 4 + 9 + 16) / (4 * 10) - 5/4 = 1.5 - 1.25
    assert gini([4, 1, 3, 2]) == pytest.approx(0.25)
    # x = 0, 0, 10: 2 * 30 / (3 * 10) - 4/3 = 2/3, not 1: one of three has all
    assert gini([10, 0, 0]) == pytest.approx(2 / 3)


def test_with_fewer_things_than_takers_the_fairest_distribution_is_zero() -> None:
    # 5 impressions over 5 of 100 experts: plain it would be .95
    assert gini([1] * 5 + [0] * 95) == pytest.approx(0)


def test_with_fewer_things_than_takers_one_who_has_everything_is_one() -> None:
    # c = 5, n = 100, y_100 = 1: max(1/5, 1/100) * (2 * 100 - 101) - 20 + 1 = 19.8 - 19 = .8,
    # the most that five things can be unequal over a hundred takers: (c - 1) / c
    assert gini([5] + [0] * 99) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([10] * 10, 0.1),
        ([91] + [1] * 9, 0.91),
        ([50, 30, 20], 0.5),  # 10 % of 3 is one
        ([5] * 30, 0.1),  # and of 30 three
        ([1] * 11, 2 / 11),  # and of 11 two
        ([0, 0], None),
        ([], None),
    ],
)
def test_the_top_tenth_is_rounded_up(counts: list[int], expected: float | None) -> None:
    assert top_share(counts, 0.1) == (expected if expected is None else pytest.approx(expected))


def test_the_curve_runs_from_the_poorest_to_all() -> None:
    # of 1 + 3 + 6 = 10 the poorest third has 1, the poorer two thirds 4
    assert lorenz([6, 1, 3]) == [(0, 0), (1 / 3, 0.1), (2 / 3, 0.4), (1, 1)]


def test_a_long_curve_is_drawn_in_a_hundred_steps() -> None:
    curve = lorenz([1] * 5000)
    assert len(curve) == 101
    assert curve[-1] == (1, 1)
    assert curve[50] == (0.5, 0.5)


def test_nothing_to_share_has_no_curve() -> None:
    assert lorenz([0, 0]) == []
