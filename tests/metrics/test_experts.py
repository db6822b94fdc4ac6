"""Who is shown and who is clicked: worked examples, counted by hand."""

from datetime import date
from typing import Any

import pytest
from flask import Flask

from tests.conftest import make_tenant, record
from tests.metrics.asking import ANNA, BEN, asked, click, event, search
from tracker.metrics import concentration, experts, places


def shown(at: str, *found: str, session: str | None = ANNA) -> dict[str, Any]:
    """A grid of these experts, in this order."""
    return event("results_shown", at, session, view_id="v1", context="grid", expert_ids=list(found))


def rows_of(app: Flask, metric: Any, **changes: Any) -> dict[str, Any]:
    """The metric's rows by expert, without the expert."""
    return {row[0]: row[1:] for row in asked(app, metric, **changes)}


def test_impressions_and_clicks_are_counted_by_context(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, found=("a", "b")),
        search("03 09:00", BEN, found=("b",)),
        shown("03 09:05", "c", "b", session=BEN),
        click("02 09:01", ANNA, "b", position=2),
        click("02 09:02", ANNA, "b", position=2),  # repeated clicks all count
        click("03 09:06", BEN, "c", context="grid", position=1),
    )
    # Sage rank 1: a and b, no click, CTR 0. Sage rank 2: b once, two clicks, CTR 2.
    # Grid rank 1: c once, one click, CTR 1. Grid rank 2: b once, CTR 0.
    # Expected: a 0, b 0 + 2 + 0 = 2, c 1. COEC: a 5/5, b (2 + 5)/(2 + 5), c (1 + 5)/(1 + 5).
    assert asked(app, experts.exposure) == [
        ("b", 2, 1, 2, 0, 1.0, 0.0, 2.0, 1.0),
        ("a", 1, 0, 0, 0, 0.0, None, None, 1.0),
        ("c", 0, 1, 0, 1, None, 1.0, 1.0, 1.0),
    ]


def test_without_impressions_in_the_grid_its_click_through_is_not_known(app: Flask) -> None:
    record(app, click("02 09:00", ANNA, "a", context="grid", position=4))
    # Nothing was to be expected: COEC is (1 + 5) / (0 + 5).
    assert asked(app, experts.exposure) == [("a", 0, 0, 0, 1, None, None, 4.0, 1.2)]
    assert rows_of(app, experts.standings)["a"][-1] == experts.UNKNOWN


def test_clicks_without_a_position_count_but_have_no_place(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, found=("a", "b")),
        click("02 09:01", ANNA, "b", position=2),
        click("02 09:02", ANNA, "b"),
    )
    assert rows_of(app, experts.exposure)["b"][:7] == (1, 0, 2, 0, 2.0, None, 2.0)
    assert asked(app, experts.click_positions) == [
        ("sage_panel", 1, 1, 0, 0.0),
        ("sage_panel", 2, 1, 1, 1.0),
    ]


def test_a_rank_without_impressions_has_clicks_and_no_rate(app: Flask) -> None:
    record(app, click("02 09:01", ANNA, "b", position=7, context="grid"))
    assert asked(app, experts.click_positions) == [("grid", 7, 0, 1, None)]


def test_every_impression_is_priced_at_its_own_rank(app: Flask) -> None:
    """Of the definition: an expert once at rank 1 and 99 times at rank 10, with 3 clicks.

    CTR .30 at rank 1 and .01 at rank 10: expected .30 + .99 = 1.29, so that without
    shrinkage COEC is 3 / 1.29 = 2.33, and with it (3 + 5) / (1.29 + 5).
    """
    rank = experts.expected_clicks(
        {("grid", 1): places.Counts(1, 1), ("grid", 10): places.Counts(99, 2)},
        {("grid", 1): 0.30, ("grid", 10): 0.01},
    )
    assert rank == pytest.approx(1.29)
    assert 3 / rank == pytest.approx(2.33, abs=0.005)
    assert experts.coec(3, rank) == pytest.approx(8 / 6.29)


def test_the_price_of_a_rank_is_that_of_all_experts_in_the_same_period(app: Flask) -> None:
    ten = tuple("abcdefghij")
    record(
        app,
        # 10 answers with a on top, clicked 3 times; once b is on top, and clicked
        *(search(f"02 09:{n:02}", ANNA, found=ten) for n in range(10)),
        *(click(f"02 10:{n:02}", ANNA, "a", position=1) for n in range(3)),
        search("03 09:00", BEN, found=("b", "a")),
        click("03 09:01", BEN, "b", position=1),
        # a week later everything is clicked; that is another period
        search("12 09:00", BEN, found=("a",)),
        click("12 09:01", BEN, "a", position=1),
    )
    # Rank 1: 11 impressions, 4 clicks. Rank 2: 11 impressions (b ten times, a once), none.
    # a: 10 at 4/11, 1 at 0, 3 clicks; b: 10 at 0, 1 at 4/11, 1 click.
    found = rows_of(app, experts.exposure)
    assert found["a"][-1] == pytest.approx((3 + 5) / (40 / 11 + 5))
    assert found["b"][-1] == pytest.approx((1 + 5) / (4 / 11 + 5))
    assert found["c"][-1] == 1


def test_only_what_the_interval_makes_sure_is_labelled(app: Flask) -> None:
    both = [search(f"02 {h:02}:{m:02}", ANNA, found=("a", "b")) for h in (8, 9) for m in range(60)]
    twisted = [
        search(f"03 {h:02}:{m:02}", BEN, found=("b", "a")) for h in (8, 9) for m in range(60)
    ]
    clicks = [click(f"02 10:{n:02}", ANNA, "a", position=1) for n in range(40)]
    few = [click(f"03 10:{n:02}", BEN, "b", position=1) for n in range(2)]
    record(app, *both, *twisted, *clicks, *few)
    # Rank 1: 240 impressions, 42 clicks; rank 2 has none. Expected of each: 120 * 42/240 = 21.
    # a: 45/26 = 1.73, and the gamma quantiles of 45 over 26 are 1.26 and 2.27.
    # b: 7/26 = .27, from .11 to .50.
    found = rows_of(app, experts.standings)
    assert found["a"][:3] == (240, 40, 21)
    assert found["a"][3:6] == pytest.approx((45 / 26, 1.26, 2.27), abs=0.01)
    assert found["b"][3:6] == pytest.approx((7 / 26, 0.11, 0.50), abs=0.01)
    assert found["a"][6] == "hidden gem"
    assert found["b"][6] == "over-exposed"


def test_a_few_clicks_prove_nothing(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, found=("a", "b")),
        search("02 10:00", ANNA, found=("b", "a")),
        click("02 09:01", ANNA, "a", position=1),
    )
    assert {row[-1] for row in asked(app, experts.standings)} == {""}


def test_concentration_is_over_all_experts_that_are_known(app: Flask) -> None:
    record(
        app,
        search("01 09:00", ANNA, found=("z",)),  # known from the day before the period
        event("card_click", "12 09:00", ANNA, expert_id="y", context="grid"),  # and from later
        *(search(f"02 09:{n:02}", ANNA, found=("a", "b")) for n in range(3)),
        search("02 10:00", ANNA, found=("a",)),
    )
    # Impressions 0, 0, 3, 4 of y, z, b, a: 2 * (3 * 3 + 4 * 4) / (4 * 7) - 5/4 = 50/28 - 1.25.
    # A tenth of four is one: a, with 4 of 7. Nobody was shown in the grid.
    [(context, known, impressions, gini, top)] = asked(app, concentration.by_context)
    assert (context, known, impressions) == ("sage_panel", 4, 7)
    assert gini == pytest.approx(50 / 28 - 1.25)
    assert top == pytest.approx(4 / 7)
    assert asked(app, concentration.curve)[1:4] == [
        ("sage_panel", 0.25, 0.0),
        ("sage_panel", 0.5, 0.0),
        ("sage_panel", 0.75, 3 / 7),
    ]


def test_concentration_is_corrected_when_there_are_fewer_impressions_than_experts(
    app: Flask,
) -> None:
    record(
        app,
        search("01 09:00", ANNA, found=tuple(f"e{n}" for n in range(100))),
        search("02 09:00", ANNA, found=tuple(f"e{n}" for n in range(5))),
    )
    # 5 impressions over 5 of 100 experts: plain .95, corrected 0
    [(_, known, impressions, gini, _)] = asked(app, concentration.by_context)
    assert (known, impressions) == (100, 5)
    assert gini == pytest.approx(0)


def test_contexts_are_ordered_by_impressions(app: Flask) -> None:
    record(app, search("02 09:00", ANNA, found=("a",)), shown("02 09:00", "a", "b"))
    assert [row[0] for row in asked(app, concentration.by_context)] == ["grid", "sage_panel"]


def test_experts_that_were_shown_most_lead_those_not_shown_in_the_period(app: Flask) -> None:
    record(
        app,
        search("01 09:00", ANNA, found=("z", "b")),
        search("01 10:00", ANNA, found=("z", "a")),
        search("02 09:00", ANNA, found=("seen",)),
    )
    assert [row[:2] for row in asked(app, places.absent_experts)] == [("z", 2), ("a", 1), ("b", 1)]


def test_experts_of_one_tenant_are_not_known_to_another(app: Flask) -> None:
    make_tenant(app, "other")
    record(app, search("02 09:00", ANNA, found=("a", "b", "c")), tenant="other")
    record(app, search("02 09:00", ANNA, found=("a", "d")))
    assert asked(app, concentration.by_context)[0][1] == 2
    assert asked(app, concentration.by_context, tenants=("default", "other"))[0][1] == 4
    assert rows_of(app, experts.exposure, tenants=("default", "other"))["a"][0] == 2


def test_totals_are_of_all_experts(app: Flask) -> None:
    record(
        app,
        search("01 09:00", ANNA, found=("z",)),
        search("02 09:00", ANNA, found=("a", "b")),
        search("02 10:00", ANNA, found=("a",)),
        click("02 10:01", ANNA, "a", position=1),
    )
    # a, b and z are known, two of them shown, 3 times, with one click
    assert asked(app, experts.totals) == [(3, 2, 2 / 3, 3, 1, 1 / 3, 0, 0)]


def test_nobody_is_known_where_nothing_came_in(app: Flask) -> None:
    for metric in (
        experts.exposure,
        experts.standings,
        experts.click_positions,
        concentration.by_context,
        concentration.curve,
    ):
        assert asked(app, metric) == []


def test_no_share_is_shown_of_a_period_in_which_nobody_was(app: Flask) -> None:
    record(app, shown("02 09:00", "a"))
    october = {"first": date(2026, 10, 1), "last": date(2026, 10, 7)}
    assert asked(app, experts.totals, **october) == [(1, 0, None, 0, 0, None, 0, 0)]
