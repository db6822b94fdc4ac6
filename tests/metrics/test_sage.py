"""What Sage is asked and what comes of it: worked examples, counted by hand."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import make_tenant, record
from tests.metrics.asking import ANNA, BEN, CARA, FIRST, LAST, asked, click, event, search
from tracker.metrics import sage, sage_answers
from tracker.model import DailyQueries

ABC = ("a", "b", "c")


def outcomes(app: Flask) -> dict[str, int]:
    """The counts of the one row of answers."""
    row = sage_answers.Answers(*asked(app, sage_answers.answers)[0])
    return {
        "searches": row.searches,
        "clicked": row.clicked_searches,
        "again": row.reformulated,
        "unhelpful": row.unhelpful,
    }


def test_every_day_has_a_row_and_a_day_without_searches_has_no_rate(app: Flask) -> None:
    record(
        app,
        search("01 23:59:59", ANNA),  # the day before the period
        search("02 09:00", ANNA),
        search("02 10:00", ANNA, found=ABC),
        search("08 23:59:59", BEN, found=ABC),
        search("09 00:00", BEN),  # the day after
    )
    rows = asked(app, sage.daily_volume)
    assert [row[0] for row in rows] == [FIRST + timedelta(days=n) for n in range(7)]
    assert rows[0] == (date(2026, 11, 2), 2, 1, 0.5)
    assert rows[1] == (date(2026, 11, 3), 0, 0, None)
    assert rows[6] == (LAST, 1, 0, 0.0)


def test_functions_are_counted_apart_with_a_mean_over_the_searches_that_have_a_count(
    app: Flask,
) -> None:
    record(
        app,
        search("02 09:00", ANNA, found=ABC),
        click("02 09:01", ANNA, "b"),
        search("02 10:00", ANNA),
        search("02 11:00", ANNA, found=("a",)),
        search("02 12:00", BEN, function_called="apply_filters", result_count=None),
        search("02 13:00", BEN, function_called="apply_filters", result_count=5),
    )
    # search_experts: 3 searches, 1 of 3 found nothing, (3 + 0 + 1) / 3 results, 1 clicked.
    # apply_filters: 2 searches, the mean is over the one with a count; a null is no zero.
    assert asked(app, sage.by_function) == [
        ("search_experts", 3, 1, 1 / 3, 4 / 3, 1, 1 / 3),
        ("apply_filters", 2, 0, 0.0, 5.0, 0, 0.0),
    ]


def test_a_function_without_any_count_has_no_mean(app: Flask) -> None:
    record(app, search("02 12:00", BEN, function_called="apply_filters", result_count=None))
    assert asked(app, sage.by_function) == [("apply_filters", 1, 0, 0.0, None, 0, 0.0)]


def test_queries_are_grouped_by_their_normal_form_and_ordered_by_searches_then_name(
    app: Flask,
) -> None:
    record(
        app,
        search("02 09:00", ANNA, "Tax  adviser?"),
        search("03 09:00", ANNA, "tax adviser", found=ABC),
        search("03 09:30", BEN, "TAX ADVISER", found=ABC),
        search("04 09:00", BEN, "zither teacher"),
        search("04 10:00", BEN, "accountant", found=("a",)),
    )
    # The three spellings are one query: 3 searches, 1 without results, by 2 sessions.
    assert asked(app, sage.top_queries) == [
        ("tax adviser", 3, 1, 2),
        ("accountant", 1, 0, 1),
        ("zither teacher", 1, 1, 1),
    ]


def test_a_session_counts_once_per_query_also_when_it_was_active_before_the_period(
    app: Flask,
) -> None:
    record(
        app,
        search("01 09:00", ANNA, "chef"),
        search("03 09:00", ANNA, "chef"),
        search("05 09:00", ANNA, "chef"),
    )
    assert asked(app, sage.top_queries) == [("chef", 2, 2, 1)]


def test_queries_can_be_searched_and_cut(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, "tax adviser"),
        search("02 10:00", ANNA, "syntax coach"),
        search("02 11:00", ANNA, "chef"),
    )
    assert asked(app, sage.top_queries, filters={"q": "TAX"}) == [
        ("syntax coach", 1, 1, 1),
        ("tax adviser", 1, 1, 1),
    ]
    assert asked(app, sage.top_queries, limit=1, offset=1) == [("syntax coach", 1, 1, 1)]


def test_a_query_is_found_however_its_letters_were_typed(app: Flask) -> None:
    record(app, search("02 09:00", ANNA, "Nähe Große Straße"))
    for typed in ("Straße", "STRASSE", "NÄHE große"):
        assert len(asked(app, sage.top_queries, filters={"q": typed})) == 1


@pytest.mark.parametrize(
    ("lines", "counted"),
    [
        pytest.param([click("02 09:01", ANNA, "b")], (1, 0, 0), id="on one of its experts"),
        pytest.param(
            [click("02 09:01", ANNA, "b"), click("02 09:02", ANNA, "c")],
            (1, 0, 0),
            id="several clicks count once",
        ),
        pytest.param([click("02 09:30", ANNA, "b")], (1, 0, 0), id="30 minutes later"),
        pytest.param([click("02 09:30:01", ANNA, "b")], (0, 0, 0), id="a second too late"),
        pytest.param([click("02 08:59:59", ANNA, "b")], (0, 0, 0), id="before the search"),
        pytest.param([click("02 09:01", ANNA, "z")], (0, 0, 0), id="on somebody else"),
        pytest.param([click("02 09:01", BEN, "b")], (0, 0, 0), id="in another session"),
        pytest.param([click("02 09:01", ANNA, "b", context="grid")], (0, 0, 0), id="in the grid"),
        pytest.param(
            [click("02 09:50", ANNA, "b", view_id="v1")], (1, 0, 0), id="late, in its view"
        ),
        pytest.param(
            [click("02 09:50", ANNA, "b", view_id="v2")], (0, 0, 0), id="late, in another view"
        ),
    ],
)
def test_a_search_is_clicked_by_a_click(
    app: Flask, lines: list[dict[str, Any]], counted: tuple[int, int, int]
) -> None:
    record(app, search("02 09:00", ANNA, found=ABC, view_id="v1"), *lines)
    assert outcomes(app) == dict(
        zip(("searches", "clicked", "again", "unhelpful"), (1, *counted), strict=True)
    )


def test_a_click_after_the_next_search_is_the_next_ones(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, "first", found=ABC),
        search("02 09:04", ANNA, "second", found=ABC),
        click("02 09:04:30", ANNA, "a"),
    )
    assert outcomes(app) == {"searches": 2, "clicked": 1, "again": 1, "unhelpful": 1}
    assert asked(app, sage_answers.unhelpful_queries) == [("first", 1, 1, 1.0, 0)]


@pytest.mark.parametrize(
    ("found", "again_at", "counted"),
    [
        (ABC, "02 09:05", (1, 1)),
        (ABC, "02 09:05:01", (0, 0)),
        ((), "02 09:05", (1, 0)),  # asked again, but there was nothing to be unhelpful with
    ],
)
def test_asked_again_is_the_next_search_within_five_minutes(
    app: Flask, found: tuple[str, ...], again_at: str, counted: tuple[int, int]
) -> None:
    record(app, search("02 09:00", ANNA, "x", found), search(again_at, ANNA, "y", ABC))
    counts = outcomes(app)
    assert (counts["again"], counts["unhelpful"]) == counted


def test_a_clicked_search_is_not_asked_again(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, found=ABC),
        click("02 09:01", ANNA, "a"),
        search("02 09:02", ANNA, found=ABC),
    )
    assert outcomes(app) == {"searches": 2, "clicked": 1, "again": 0, "unhelpful": 0}


def test_the_order_of_arrival_does_not_matter(app: Flask) -> None:
    record(app, click("02 09:04:30", ANNA, "b"))
    record(app, search("02 09:04", ANNA, "second", found=ABC))
    assert outcomes(app) == {"searches": 1, "clicked": 1, "again": 0, "unhelpful": 0}
    record(app, search("02 09:00", ANNA, "first", found=ABC))
    assert outcomes(app) == {"searches": 2, "clicked": 1, "again": 1, "unhelpful": 1}


def test_rates_are_over_searches_and_no_click_is_over_searches_with_results(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, found=ABC),
        click("02 09:01", ANNA, "b"),  # first click at rank 2
        click("02 09:02", ANNA, "a"),
        search("03 09:00", BEN, found=ABC),
        click("03 09:01", BEN, "c"),  # rank 3
        search("04 09:00", CARA, found=ABC),  # never clicked
        search("05 09:00", CARA),  # found nothing
        search("05 09:01", CARA),  # the one before is asked again
    )
    row = asked(app, sage_answers.answers)[0]
    # 5 searches, 2 of them found nothing, 2 clicked. No click: 1 of the 3 with results.
    # MRR: (1/2 + 1/3) / 5 = 1/6. Asked again: 1 of 5.
    assert row[:6] == (5, 2, 0.4, 3, 2, 0.4)
    assert row[6] == pytest.approx(1 / 3)
    assert row[7] == pytest.approx(1 / 6)
    assert row[8:] == (1, 0.2, 0)
    assert asked(app, sage_answers.first_clicks) == [(2, 1, 0.5), (3, 1, 0.5)]


def test_what_became_of_a_search_counts_on_the_day_of_the_search(app: Flask) -> None:
    record(
        app,
        search("03 23:50", ANNA, found=ABC),
        click("04 00:10", ANNA, "a"),
    )
    rows = {row[0].day: row[1:] for row in asked(app, sage_answers.daily_clicks)}
    assert rows[3] == (1, 1, 1.0, 0, 0.0)
    assert rows[4] == (0, 0, None, 0, None)


def test_a_search_without_a_session_is_one_without_a_click(app: Flask) -> None:
    record(app, search("02 09:00", None, found=ABC), search("02 10:00", None))
    row = asked(app, sage_answers.answers)[0]
    # 2 searches; the one with results was not clicked: 1 of 1.
    assert row[4:7] == (0, 0.0, 1.0)
    with app.extensions["database"].read(None) as session:
        assert sum(session.scalars(select(DailyQueries.settled))) == 2


def test_nothing_is_counted_of_other_tenants_or_other_events(app: Flask) -> None:
    make_tenant(app, "other")
    record(app, search("02 09:00", ANNA, found=ABC), tenant="other")
    record(
        app, event("filter_change", "02 09:00", BEN, filter="city", value="Rome", result_count=1)
    )
    assert asked(app, sage_answers.answers) == [(0, 0, None, 0, 0, None, None, None, 0, None, 0)]
    assert asked(app, sage.by_function) == []
    assert asked(app, sage.top_queries) == []
    assert asked(app, sage_answers.first_clicks) == []
    assert asked(app, sage_answers.unhelpful_queries) == []
    assert asked(app, sage.top_queries, tenants=("default", "other")) == [("tax adviser", 1, 0, 1)]
