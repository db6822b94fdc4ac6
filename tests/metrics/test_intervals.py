"""Intervals against published values."""

import pytest

from tracker.metrics.intervals import change_of_share, ratio_to_expected, wilson


def test_wilson_is_that_of_the_textbooks() -> None:
    # Newcombe, Stat. Med. 17 (1998), table I: 81 of 263 and 15 of 148
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)


def test_wilson_at_the_ends_stays_between_none_and_all() -> None:
    # of 20 without a success, the upper end is z^2 / (n + z^2) = 3.8415 / 23.8415
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson(20, 20) == pytest.approx((0.8389, 1), abs=5e-5)


def test_the_change_of_a_share_is_that_of_the_textbooks() -> None:
    # Newcombe, Stat. Med. 17 (1998) 873, table II, method 10: 56/70 less 48/80, 9/10 less 3/10
    assert change_of_share((48, 80), (56, 70)) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert change_of_share((3, 10), (9, 10)) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert change_of_share((0, 0), (1, 2)) is None
    assert change_of_share((1, 2), (0, 0)) is None


def test_no_trial_has_no_interval() -> None:
    assert wilson(0, 0) is None


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [
        # half the 2.5 % and 97.5 % quantiles of chi square with 2 * count degrees of freedom
        (5, 3.2470 / 2, 20.4832 / 2),
        (10, 9.5908 / 2, 34.1696 / 2),
        (50, 74.2219 / 2, 129.5612 / 2),
    ],
)
def test_a_count_over_what_was_expected_is_within_one_percent(
    count: int, low: float, high: float
) -> None:
    assert ratio_to_expected(count, 1) == pytest.approx((low, high), rel=0.01)
    assert ratio_to_expected(count, 10) == pytest.approx((low / 10, high / 10), rel=0.01)
