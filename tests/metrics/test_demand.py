"""What people ask for in vain: worked examples, counted by hand."""

from datetime import UTC, datetime

from flask import Flask

from tests.conftest import make_tenant, record
from tests.metrics.asking import ANNA, BEN, CARA, asked, event, search
from tracker.metrics import demand


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def link(session: str, email: str) -> dict[str, str]:
    return {"session_id": session, "email": email}


def change(at: str, session: str, name: str, value: object, left: int) -> dict[str, object]:
    return event("filter_change", at, session, filter=name, value=value, result_count=left)


def test_a_query_counts_its_searches_and_the_people_who_searched_in_vain(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, "Surf teacher"),
        search("03 09:00", ANNA, "surf  TEACHER?"),
        search("03 10:00", BEN, "surf teacher"),
        search("04 10:00", CARA, "surf teacher", found=("a",)),
        search("05 10:00", BEN, "surf teacher", found=("a",)),
        link(ANNA, "anna@example.com"),
        link(CARA, "cara@example.com"),
    )
    # 5 searches, 3 in vain, by Anna (twice) and Ben; of these Anna has an address. Cara's
    # search found someone, so she does not wait. The last one in vain was Ben's, on the 3rd.
    assert asked(app, demand.zero_result_queries) == [
        ("surf teacher", 5, 3, 3 / 5, 2, 1, at(3, 10))
    ]
    assert asked(app, demand.totals) == [(5, 3, 3 / 5, 2, 1)]


def test_queries_that_found_nothing_as_often_are_ordered_by_sessions_then_by_name(
    app: Flask,
) -> None:
    record(
        app,
        search("02 09:00", ANNA, "b"),
        search("02 09:01", ANNA, "b"),
        search("02 09:02", ANNA, "a"),
        search("02 09:03", ANNA, "a"),
        search("02 09:04", ANNA, "c"),
        search("02 09:05", BEN, "c"),
        search("02 09:06", ANNA, "found", found=("x",)),
    )
    assert [row[0] for row in asked(app, demand.zero_result_queries)] == ["c", "a", "b"]


def test_the_list_is_searched_sorted_and_cut_where_it_is_made(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, "surf teacher"),
        search("02 09:01", ANNA, "surf board"),
        search("03 09:01", ANNA, "surf board"),
        search("02 09:02", ANNA, "50% off"),
    )
    with_surf = asked(app, demand.zero_result_queries, filters={"q": "SURF"}, limit=1)
    assert [row[0] for row in with_surf] == ["surf board"]
    assert [row[0] for row in asked(app, demand.zero_result_queries, filters={"q": "0%"})] == [
        "50% off"
    ]
    by_name = asked(app, demand.zero_result_queries, sort="-query", offset=1)
    assert [row[0] for row in by_name] == ["surf board", "50% off"]


def test_a_session_that_comes_back_counts_once_and_one_from_before_counts_again(
    app: Flask,
) -> None:
    record(
        app,
        search("01 09:00", ANNA, "surf teacher"),  # before the period
        search("02 09:00", ANNA, "surf teacher"),
        search("08 09:00", ANNA, "surf teacher"),
        search("09 09:00", BEN, "surf teacher"),  # after it
    )
    assert asked(app, demand.zero_result_queries) == [("surf teacher", 2, 2, 1.0, 1, 0, at(8, 9))]
    assert asked(app, demand.totals) == [(2, 2, 1.0, 1, 0)]


def test_a_search_without_a_session_counts_but_is_nobody(app: Flask) -> None:
    record(app, search("02 09:00", None, "surf teacher"))
    assert asked(app, demand.zero_result_queries) == [("surf teacher", 1, 1, 1.0, 0, 0, at(2, 9))]


def test_thin_results_are_one_or_two(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, "surf teacher", found=("a",)),
        search("02 09:01", ANNA, "surf teacher", found=("a", "b")),
        search("02 09:02", ANNA, "surf teacher", found=("a", "b", "c")),
        search("02 09:03", ANNA, "surf teacher"),
        search("02 09:04", ANNA, "chef", found=("a", "b", "c")),
    )
    assert asked(app, demand.thin_results) == [("surf teacher", 4, 2, 0.5)]


def test_unmet_filters_are_the_values_that_left_nothing(app: Flask) -> None:
    record(
        app,
        change("02 09:00", ANNA, "language", "Dutch", 0),
        change("02 09:01", ANNA, "language", "Dutch", 4),
        change("02 09:02", BEN, "language", "Dutch", 2),
        change("02 09:03", BEN, "language", "Dutch", 0),
        change("02 09:04", ANNA, "language", "English", 9),
        change("02 09:05", ANNA, "city", ["b", "a"], 0),
        change("02 09:06", ANNA, "area", "North", 0),
        change("01 09:00", ANNA, "city", ["b", "a"], 0),  # before the period
    )
    # Dutch left 0 0 2 4: the lower of the two middle ones is 0. English left something.
    assert asked(app, demand.unmet_filters) == [
        ("language", '"Dutch"', 4, 2, 0.5, 0),
        ("area", '"North"', 1, 1, 1.0, 0),
        ("city", '["a","b"]', 1, 1, 1.0, 0),
    ]


def test_nothing_asked_is_nothing_and_has_no_rate(app: Flask) -> None:
    assert asked(app, demand.totals) == [(0, 0, None, 0, 0)]
    for metric in (demand.zero_result_queries, demand.thin_results, demand.unmet_filters):
        assert asked(app, metric) == []


def test_another_tenants_searches_do_not_count(app: Flask) -> None:
    make_tenant(app, "acme")
    record(app, search("02 09:00", ANNA, "surf"), tenant="acme")
    assert asked(app, demand.zero_result_queries) == []
    both = asked(app, demand.zero_result_queries, tenants=("acme", "default"))
    assert both == [("surf", 1, 1, 1.0, 1, 0, at(2, 9))]


def test_long_lists_are_counted_like_short_ones(app: Flask) -> None:
    record(
        app,
        *(search(f"02 09:{n // 60:02}:{n % 60:02}", ANNA, f"query {n:03}") for n in range(600)),
        *(change("03 09:00", ANNA, "n", n, 0) for n in range(600)),
    )
    rows = asked(app, demand.zero_result_queries, limit=1000)
    assert len(rows) == 600
    assert rows[599][:6] == ("query 599", 1, 1, 1.0, 1, 0)
    unmet = asked(app, demand.unmet_filters, limit=1000)
    assert len(unmet) == 600
    assert {row[2:] for row in unmet} == {(1, 1, 1.0, 0)}
