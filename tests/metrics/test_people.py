"""Who came, how far they got and whether they came back: counted by hand."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask

from tests.conftest import make_tenant, record
from tests.metrics.asking import ANNA, BEN, CARA, LAST, asked, click, event, scope, search
from tracker.metrics import people, timeline
from tracker.store.recount import check


def link(session: str, **identity: str) -> dict[str, Any]:
    return {"session_id": session} | identity


def filtered(at: str, session: str, name: str = "city", value: Any = "Rome") -> dict[str, Any]:
    return event("filter_change", at, session, filter=name, value=value, result_count=3)


def ids(app: Flask, **filters: str) -> list[str]:
    return [row[0] for row in asked(app, people.sessions, filters=filters)]


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_sessions_are_counted_within_the_period_most_events_first(app: Flask) -> None:
    record(
        app,
        search("01 09:00", ANNA),  # before the period
        search("02 09:00", ANNA),
        click("04 10:30", ANNA, "a"),
        filtered("03 08:00", BEN),
        filtered("03 08:01", BEN),
        search("03 08:02", BEN),
        event("create_trip__cta--generate", "08 23:00", CARA),
        search("09 09:00", CARA),  # after it
        link(ANNA, email="Anna@Example.org"),
        link(BEN, user_id="u7"),
    )
    assert asked(app, people.sessions) == [
        (BEN, None, "u7", moment(3, 8), moment(3, 8, 2), 3, 1, 0),
        (ANNA, "anna@example.org", None, moment(2, 9), moment(4, 10, 30), 2, 1, 1),
        (CARA, None, None, moment(8, 23), moment(8, 23), 1, 0, 0),
    ]


def test_sessions_with_as_many_events_are_ordered_by_id_and_can_be_cut(app: Flask) -> None:
    record(app, search("02 09:00", CARA), search("02 09:00", ANNA), search("02 09:00", BEN))
    assert ids(app) == [ANNA, BEN, CARA]
    assert [row[0] for row in asked(app, people.sessions, limit=1, offset=1)] == [BEN]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("anna@example.org", [ANNA]),
        ("EXAMPLE.org", [ANNA, BEN]),
        ("u7", [BEN]),
        (BEN, [BEN]),
        (BEN.upper(), [BEN]),
        ("2222", [BEN]),
        ("nobody", []),
        ("%", []),
    ],
)
def test_sessions_are_found_by_email_user_or_the_start_of_their_id(
    app: Flask, typed: str, found: list[str]
) -> None:
    record(
        app,
        *(search("02 09:00", who) for who in (ANNA, BEN, CARA)),
        link(ANNA, email="anna@example.org"),
        link(BEN, email="ben@example.org", user_id="u7"),
    )
    assert ids(app, q=typed) == found


def test_a_query_leads_to_the_sessions_that_asked_it(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, "Tax adviser?", found=("a",)),
        search("03 09:00", BEN, "tax adviser"),
        search("03 09:00", CARA, "tax adviser for freelancers"),
        search("01 09:00", CARA, "tax adviser"),
    )
    assert ids(app, query="tax adviser") == [ANNA, BEN]
    assert ids(app, query="Tax  Adviser?") == [ANNA, BEN]
    assert ids(app, query="tax adviser", zero="1") == [BEN]
    assert ids(app, zero="1") == [BEN, CARA]


def test_a_filter_or_one_of_its_values_leads_to_the_sessions_that_set_it(app: Flask) -> None:
    record(
        app,
        filtered("02 09:00", ANNA),
        filtered("02 09:00", BEN, value="Oslo"),
        filtered("02 09:00", CARA, name="rate", value=[50, 120]),
    )
    assert ids(app, filter="city") == [ANNA, BEN]
    assert ids(app, filter="city", value='"Oslo"') == [BEN]
    record(app, filtered("02 09:01", BEN, name="rate", value=[50, 120]))
    assert ids(app, **{"filter": "city", "with": "rate"}) == [BEN]
    assert ids(app, filter="rate", value="[50,120]") == [BEN, CARA]
    assert ids(app, filter="rate", value="[120,50]") == []


def test_an_expert_leads_to_the_sessions_that_clicked_it(app: Flask) -> None:
    record(app, click("02 09:00", ANNA, "a"), click("02 09:00", BEN, "b"))
    assert ids(app, expert_id="a") == [ANNA]


def test_an_error_leads_to_the_sessions_whose_trips_failed_with_it(app: Flask) -> None:
    def trip(kind: str, request: str, session: str, **payload: Any) -> dict[str, Any]:
        return event(f"create_trip_{kind}", "02 09:00", session, **payload) | {
            "request_id": request
        }

    record(
        app,
        trip("attempted", "r1", ANNA, input_snapshot={}),
        trip("failed", "r1", ANNA, error_code="TIMEOUT"),
        trip("attempted", "r2", BEN, input_snapshot={}),
        trip("failed", "r2", BEN, error_code="QUOTA"),
    )
    assert ids(app, error_code="TIMEOUT") == [ANNA]


def test_conditions_hold_together(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, "chef"),
        search("02 09:00", BEN, "chef"),
        filtered("02 09:05", BEN),
    )
    assert ids(app, query="chef", filter="city") == [BEN]
    assert ids(app, query="chef", q=ANNA) == [ANNA]


def test_each_step_of_the_funnel_contains_the_next(app: Flask) -> None:
    dora, emil = "4" * 8 + "-4444-4444-8444-" + "4" * 12, "5" * 8 + "-5555-4555-8555-" + "5" * 12
    record(
        app,
        # searched, clicked on another day and is known
        search("02 09:00", ANNA),
        click("03 09:00", ANNA, "a"),
        link(ANNA, email="anna@example.org"),
        # set a filter and clicked, but is unknown
        filtered("02 09:00", BEN),
        click("02 09:01", BEN, "a"),
        # clicked only; known, but not engaged
        click("02 09:00", CARA, "a"),
        link(CARA, user_id="u1"),
        # searched only, and is known
        search("04 09:00", dora),
        link(dora, email="dora@example.org"),
        # did something else
        event("create_trip__cta--generate", "05 09:00", emil),
    )
    assert asked(app, people.funnel) == [
        ("had any event", 5, 1.0),
        ("set a filter or searched", 3, 0.6),
        ("clicked a card", 2, 0.4),
        ("were identified", 1, 0.2),
    ]


def test_a_step_taken_before_the_period_does_not_count(app: Flask) -> None:
    record(app, search("01 09:00", ANNA), click("02 09:00", ANNA, "a"))
    assert [row[1] for row in asked(app, people.funnel)] == [1, 0, 0, 0]


def test_returning_visitors_had_an_event_before_the_period(app: Flask) -> None:
    record(
        app,
        search("01 09:00", ANNA),
        search("02 09:00", ANNA),
        search("05 09:00", ANNA),
        search("02 09:00", BEN),
        search("08 09:00", BEN),
        link(BEN, email="ben@example.org"),
        search("01 09:00", CARA),  # not in the period at all
    )
    assert asked(app, people.visitors) == [(2, 1, 0.5, 1, 0.5)]


def test_who_came_back_is_counted_once_a_week_from_the_first_week_on(app: Flask) -> None:
    record(
        app,
        # Mondays: 26 October, 2 and 9 November
        search("01 23:00", ANNA),  # a Sunday
        search("02 09:00", ANNA),
        search("03 09:00", ANNA),
        search("09 09:00", ANNA),
        search("01 10:00", BEN),
        search("04 10:00", CARA),
        search("09 10:00", CARA),
    )
    first, second = date(2026, 10, 26), date(2026, 11, 2)
    assert asked(app, people.returns, last=date(2026, 11, 15)) == [
        (first, 1, 2, 1, 0.5),
        (first, 2, 2, 1, 0.5),
        (second, 1, 1, 1, 1.0),
    ]
    assert asked(app, people.returns, last=LAST) == [(first, 1, 2, 1, 0.5)]


def test_a_week_in_which_nobody_came_back_is_told(app: Flask) -> None:
    record(app, search("02 09:00", ANNA), search("16 09:00", ANNA))
    assert asked(app, people.returns, last=date(2026, 11, 22)) == [
        (date(2026, 11, 2), 1, 1, 0, 0.0),
        (date(2026, 11, 2), 2, 1, 1, 1.0),
    ]


def test_an_earlier_visit_that_arrives_late_moves_the_first_week(app: Flask) -> None:
    record(app, search("09 09:00", ANNA), link(ANNA, email="anna@example.org"))
    record(app, search("02 09:00", ANNA))
    assert asked(app, people.returns, last=date(2026, 11, 15)) == [
        (date(2026, 11, 2), 1, 1, 1, 1.0)
    ]


def test_who_came_back_is_what_a_recount_says(app: Flask) -> None:
    record(
        app,
        search("09 09:00", ANNA),
        search("02 09:00", ANNA),
        link(ANNA, email="anna@example.org"),
        search("03 09:00", ANNA),
        search("03 09:00", BEN),
    )
    with app.extensions["database"].write() as connection:
        assert check(connection, date(2026, 10, 1), date(2026, 11, 30)) == []


def test_nobody_came_where_nothing_came_in(app: Flask) -> None:
    make_tenant(app, "other")
    record(app, search("02 09:00", ANNA), tenant="other")
    assert asked(app, people.sessions) == []
    assert asked(app, people.funnel) == [(step, 0, None) for step in people.STEPS]
    assert asked(app, people.returns) == []
    assert asked(app, people.visitors) == [(0, 0, None, 0, None)]


def test_a_timeline_tells_nothing_of_another_tenants_user_or_request_of_the_same_id(
    app: Flask,
) -> None:
    for tenant, session in (("acme", ANNA), ("other", BEN)):
        make_tenant(app, tenant)
        record(
            app,
            search("02 09:00", session) | {"user_id": "7"},
            event("create_trip_attempted", "02 09:05", session, input_snapshot={})
            | {"request_id": "1001"},
            event("create_trip_failed", "02 09:06", None, error_code="X") | {"request_id": "1001"},
            {"session_id": session, "email": f"{tenant}@example.com", "user_id": "7"},
            tenant=tenant,
        )
    both = ("acme", "other")
    for chosen in ({"session_id": ANNA}, {"email": "acme@example.com"}):
        with app.extensions["database"].read(both) as session:
            told = timeline.timeline(session, scope(tenants=both, filters=chosen))
        assert [entry.event_type for entry in told].count("create_trip_failed") == 1
        assert {entry.session_id for entry in told} <= {ANNA, None}


def test_a_person_has_nothing_of_another_tenants_session_of_the_same_id(app: Flask) -> None:
    for tenant, address in (("acme", "anna@example.com"), ("other", "ben@example.com")):
        make_tenant(app, tenant)
        record(
            app,
            search("02 09:00" if tenant == "acme" else "03 09:00", ANNA, tenant),
            {"session_id": ANNA, "email": address},
            tenant=tenant,
        )
    both = ("acme", "other")
    asked_of = scope(tenants=both, filters={"email": "anna@example.com"})
    with app.extensions["database"].read(both) as session:
        told = timeline.timeline(session, asked_of)
        assert [e.payload.get("query_text") for e in told] == ["acme", None]
        assert [visit.events for visit in timeline.visits(session, asked_of)] == [1]
        row = timeline.visitor(session, asked_of)[0]
    assert (row.sessions, row.active_days, row.events) == (1, 1, 1)
