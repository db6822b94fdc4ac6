"""What filters are set to and what they leave: worked examples, counted by hand."""

import time
from collections import Counter

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import make_tenant, record
from tests.metrics.asking import ANNA, BEN, CARA, FIRST, LAST, asked, event
from tracker.metrics import filters, rate_demand, supply_gap
from tracker.metrics.histograms import Running, lower_median
from tracker.metrics.rate_demand import covered


def change(at: str, session: str | None, name: str, value: object, left: int) -> dict[str, object]:
    """A filter set to a value, which left so many results."""
    return event("filter_change", at, session, filter=name, value=value, result_count=left)


def test_a_filter_counts_its_sets_its_sessions_and_the_sets_that_left_nothing(app: Flask) -> None:
    record(
        app,
        change("02 09:00", ANNA, "language", "Dutch", 0),
        change("02 09:01", ANNA, "language", "English", 9),
        change("03 09:00", ANNA, "language", "Dutch", 0),
        change("04 09:00", BEN, "language", "English", 4),
        change("04 09:01", BEN, "city", "Porto", 3),
        change("01 09:00", CARA, "city", "Porto", 0),  # the day before the period
        change("09 09:00", CARA, "city", "Porto", 0),  # the day after
    )
    # language: 4 sets by Anna and Ben, 2 of 4 left nothing; sorted counts 0 0 4 9: the lower
    # of the two middle ones is 0. city: 1 set.
    assert asked(app, filters.by_filter) == [
        ("language", 4, 2, 2, 0.5, 0),
        ("city", 1, 1, 0, 0.0, 3),
    ]


def test_filters_with_as_many_sets_come_in_the_order_of_their_names(app: Flask) -> None:
    record(app, change("02 09:00", ANNA, "b", 1, 1), change("02 09:00", ANNA, "a", 1, 1))
    assert [row[0] for row in asked(app, filters.by_filter)] == ["a", "b"]


def test_the_median_of_an_odd_number_of_sets_is_the_middle_one(app: Flask) -> None:
    record(app, *(change("02 09:00", ANNA, "city", "Porto", left) for left in (7, 1, 5)))
    assert asked(app, filters.by_filter)[0][5] == 5


def test_values_are_one_when_their_tags_are_in_another_order_but_not_when_a_range_is_turned(
    app: Flask,
) -> None:
    record(
        app,
        change("02 09:00", ANNA, "tags", ["b", "a"], 1),
        change("02 09:01", ANNA, "tags", ["a", "b"], 0),
        change("02 09:02", ANNA, "rate", [50, 120], 1),
        change("02 09:03", ANNA, "rate", [120, 50], 0),
    )
    assert asked(app, filters.values) == [
        ("tags", '["a","b"]', 2, 1),
        ("rate", "[120,50]", 1, 1),
        ("rate", "[50,120]", 1, 0),
    ]


def test_values_can_be_searched_and_cut_to_one_filter(app: Flask) -> None:
    record(
        app,
        change("02 09:00", ANNA, "city", "Porto", 1),
        change("02 09:01", ANNA, "city", "Lisbon", 1),
        change("02 09:02", ANNA, "district", "Porto", 1),
    )
    of_city = asked(app, filters.values, filters={"filter": "city"})
    assert of_city == [("city", '"Lisbon"', 1, 0), ("city", '"Porto"', 1, 0)]
    assert asked(app, filters.values, filters={"q": "porto"}, limit=1) == [
        ("city", '"Porto"', 1, 0)
    ]


@pytest.mark.parametrize(
    ("value", "bins"),
    [
        ("[50,120]", [50, 75, 100]),
        ("[50,100]", [50, 75]),
        ("[49,101]", [25, 50, 75, 100]),
        ("[60,60]", [50]),
        ("[75,75]", [75]),
        ("[0,25]", [0]),
        ("[120,50]", [50, 75, 100]),
        ("[12.5,25.5]", [0, 25]),
        ("[-10,10]", [-25, 0]),
        ("[50]", []),
        ("60", []),
        ('["50","120"]', []),
        ("[true,false]", []),
        ("[50,12", []),
    ],
)
def test_a_range_covers_the_bins_it_overlaps(value: str, bins: list[int]) -> None:
    assert list(covered(value)) == bins


def test_a_range_without_end_is_cut() -> None:
    assert len(list(covered("[0,1e300]"))) == 4000


def test_rate_demand_counts_a_set_in_every_bin_its_range_covers(app: Flask) -> None:
    record(
        app,
        change("02 09:00", ANNA, "rate", [50, 100], 0),
        change("02 09:01", ANNA, "rate", [75, 125], 3),
        change("02 09:02", BEN, "rate", [200, 210], 1),
        change("02 09:03", BEN, "fee", [50, 100], 1),
    )
    # 50-75: the first. 75-100: both. 100-125: the second. Nothing between 125 and 200.
    assert asked(app, rate_demand.rate_demand) == [
        (50, 75, 1, 1),
        (75, 100, 2, 1),
        (100, 125, 1, 0),
        (200, 225, 1, 0),
    ]
    # Of 3 ranges, 2 cover 75-100; they left 0 and 3, of which 0 is the lower middle one.
    assert asked(app, rate_demand.rate_supply)[1] == (75, 100, 2, 2 / 3, 0.5, 0)


def test_many_wide_ranges_take_no_longer_than_narrow_ones(app: Flask) -> None:
    wide = [[-(10**6) - n, 10**6] for n in range(1000)]
    record(app, *(change("02 09:00", ANNA, "rate", ends, n) for n, ends in enumerate(wide)))
    began = time.process_time()
    demand, supply = asked(app, rate_demand.rate_demand), asked(app, rate_demand.rate_supply)
    assert time.process_time() - began < 1.5
    assert [row[2:] for row in demand] == [(1000, 1)] * 8000
    assert {row[2:] for row in supply} == {(1000, 1, 1 / 1000, 499)}


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 3)), min_size=1),
    st.lists(st.integers(0, 20)),
)
def test_a_running_histogram_has_the_median_of_what_it_holds(
    added: list[tuple[int, int]], taken: list[int]
) -> None:
    running, held = Running(value for value, _ in added), Counter[int]()
    changes = [*added, *((value, -n) for value, n in added if value in taken)]
    for value, n in changes:
        running.add(value, n)
        held[value] += n
        assert running.lower_median() == lower_median(held)


def test_a_combination_is_what_the_session_has_set_until_it_pauses(app: Flask) -> None:
    record(
        app,
        change("02 09:00", ANNA, "city", "Porto", 8),
        change("02 09:05", ANNA, "language", "Dutch", 2),
        change("02 09:06", ANNA, "language", "Frisian", 0),
        change("02 09:37", ANNA, "rate", [0, 50], 5),  # after a pause of 31 minutes
        change("02 09:05", BEN, "rate", [0, 50], 1),
        change("02 09:35", BEN, "city", "Porto", 1),  # half an hour is no pause
    )
    # Anna: {city} 8, {city, language} 2 and 0, {rate} 5. Ben: {rate} 1, {city, rate} 1.
    assert asked(app, supply_gap.combinations) == [
        ("city + language", 2, 1, 0.5, 0),
        ("city + rate", 1, 0, 0.0, 1),
    ]
    # city was set in 4 changes (8 2 0 1), language in 2 (2 0), rate in 3 (5 1 1).
    cells = {row[:2]: row[2:] for row in asked(app, supply_gap.supply_gap)}
    assert cells["city", "city"] == (4, 1, 1, 0.25)
    assert cells["city", "language"] == cells["language", "city"] == (2, 0, 1, 0.5)
    assert cells["rate", "rate"] == (3, 1, 0, 0.0)
    assert ("language", "rate") not in cells


def test_the_filter_that_left_nothing_of_some_results_killed_them(app: Flask) -> None:
    record(
        app,
        change("02 09:00", ANNA, "city", "Porto", 8),
        change("02 09:01", ANNA, "language", "Dutch", 0),  # language killed it
        change("02 09:02", ANNA, "rate", [0, 50], 0),  # nothing was left to kill
        change("02 09:03", ANNA, "rate", [0, 500], 4),
        change("02 09:04", ANNA, "language", "English", 4),  # it could have, and did not
        change("02 11:00", ANNA, "language", "Dutch", 0),  # a new choice: nothing before it
        change("03 09:00", BEN, "city", "Porto", 8),
        change("03 09:01", BEN, "language", "Frisian", 0),
        change("03 09:05", CARA, "city", "Porto", 8),
        change("03 09:06", CARA, "language", "Frisian", 0),
    )
    # language had 4 chances (Anna twice, Ben, Cara) and took 3: Dutch 1, Frisian 2.
    assert asked(app, filters.killers) == [("language", 3, 4, 0.75, '"Frisian"', 2)]


def test_a_late_event_corrects_what_was_settled(app: Flask) -> None:
    record(app, change("02 09:01", ANNA, "language", "Dutch", 0))
    assert asked(app, filters.killers) == []
    record(app, change("02 09:00", ANNA, "city", "Porto", 8))
    assert asked(app, filters.killers) == [("language", 1, 1, 1.0, '"Dutch"', 1)]
    assert asked(app, supply_gap.combinations) == [("city + language", 1, 1, 1.0, 0)]


def test_totals_are_empty_without_a_filter_and_have_no_rate(app: Flask) -> None:
    assert asked(app, filters.totals) == [(0, 0, None, 0, 0)]
    assert asked(app, filters.by_filter) == []
    assert asked(app, rate_demand.rate_demand) == []
    record(app, change("02 09:00", ANNA, "a", 1, 2), change("02 09:01", ANNA, "b", 1, 0))
    assert asked(app, filters.totals) == [(2, 1, 0.5, 1, 1)]


def test_another_tenants_filters_do_not_count(app: Flask) -> None:
    make_tenant(app, "acme")
    record(app, change("02 09:00", ANNA, "city", "Porto", 1), tenant="acme")
    for metric in (filters.by_filter, filters.values, filters.killers, supply_gap.combinations):
        assert asked(app, metric) == []
    assert asked(app, filters.by_filter, tenants=("acme", "default"))[0][:3] == ("city", 1, 1)


def test_days_outside_the_period_do_not_count(app: Flask) -> None:
    record(
        app,
        change("01 23:59:59", ANNA, "rate", [0, 25], 0),
        change(f"{FIRST.day:02} 00:00", BEN, "rate", [0, 25], 0),
        change(f"{LAST.day:02} 23:59:59", CARA, "rate", [0, 25], 1),
        change("09 00:00", ANNA, "rate", [0, 25], 0),
    )
    assert asked(app, filters.by_filter) == [("rate", 2, 2, 1, 0.5, 0)]
    assert asked(app, rate_demand.rate_demand) == [(0, 25, 2, 1)]
