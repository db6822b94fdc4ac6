"""Tenants side by side. The week asked about is 2 to 8 November 2026."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from tests.conftest import make_tenant, record
from tests.metrics.asking import asked
from tests.metrics.business_lines import (
    bought,
    called,
    escalated,
    ingest,
    moved,
    over_quota,
    said,
    started,
)
from tracker.metrics import adoption, business, plans

BOTH = ("acme", "blue")


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_RETENTION_DAYS": "3650"}


@pytest.fixture(autouse=True)
def two_tenants(app: Flask) -> None:
    for tenant in BOTH:
        make_tenant(app, tenant)


def test_a_tenant_without_a_business_event_in_the_period_is_not_listed(app: Flask) -> None:
    record(app, started("01 23:59", "c1"), tenant="acme")
    record(app, started("02 00:00", "c1"), tenant="blue")
    rows = asked(app, business.tenants, tenants=BOTH)
    # blue: one conversation, none escalated; nothing integrated; last seen at its one event
    seen = datetime(2026, 11, 2, tzinfo=UTC)
    assert rows == [("blue", 1, 0.0, 1.0, 0, None, 0, seen)]


def test_an_escalation_counts_for_the_period_its_conversation_started_in(app: Flask) -> None:
    record(
        app,
        # started before the week, escalated in it: no part of this week's rate
        started("01 10:00", "early"),
        escalated("03 10:00", "early"),
        # started in the week, escalated after it: part of it
        started("05 10:00", "late"),
        escalated("12 10:00", "late"),
        started("05 11:00", "fine"),
        tenant="acme",
    )
    # 2 started in the week, 1 of them ever escalated
    (row,) = asked(app, business.tenants, tenants=BOTH)
    assert row[:4] == ("acme", 2, 0.5, 0.5)


def test_a_conversation_that_escalates_twice_or_starts_twice_counts_once(app: Flask) -> None:
    record(
        app,
        started("03 10:00", "c1"),
        started("03 10:05", "c1"),
        escalated("03 10:10", "c1"),
        escalated("03 10:20", "c1", "billing"),
        tenant="acme",
    )
    (row,) = asked(app, business.tenants, tenants=BOTH)
    assert row[:4] == ("acme", 1, 1.0, 0.0)


def test_the_order_of_arrival_changes_nothing(app: Flask) -> None:
    record(app, escalated("03 10:10", "c1"), tenant="acme")
    record(app, started("03 10:00", "c1"), tenant="acme")
    (row,) = asked(app, business.tenants, tenants=BOTH)
    assert row[:4] == ("acme", 1, 1.0, 0.0)


def test_failures_and_rates_are_counted_per_tenant(app: Flask) -> None:
    record(
        app,
        ingest("started", "03 09:00"),
        ingest("failed", "03 09:01", errorCode="TIMEOUT"),
        called("03 10:00"),
        called("03 10:01"),
        called("03 10:02"),
        called("03 10:03", error="AUTH"),
        over_quota("03 11:00"),
        over_quota("08 23:59"),
        tenant="acme",
    )
    # 3 of 4 calls worked; no conversation, so no escalation rate
    last = datetime(2026, 11, 8, 23, 59, tzinfo=UTC)
    assert asked(app, business.tenants, tenants=BOTH) == [("acme", 0, None, None, 1, 0.75, 2, last)]


def test_tenants_are_ordered_by_conversations_and_then_by_id(app: Flask) -> None:
    make_tenant(app, "cyan")
    record(app, over_quota("03 10:00"), tenant="blue")
    record(app, over_quota("03 10:00"), tenant="acme")
    record(app, started("03 10:00", "c1"), tenant="cyan")
    rows = asked(app, business.tenants, tenants=(*BOTH, "cyan"))
    assert [row[0] for row in rows] == ["cyan", "acme", "blue"]


def test_totals_divide_sums_and_do_not_average_rates(app: Flask) -> None:
    record(app, started("03 10:00", "c1"), escalated("03 10:01", "c1"), tenant="acme")
    record(app, *(started("03 10:00", f"c{n}") for n in range(3)), tenant="blue")
    # 1 escalated of 4, not the mean of 100 % and 0 %
    (row,) = asked(app, business.totals, tenants=BOTH)
    assert row == (2, 4, 0.25, 0.75, 0, None, 0, 0)


def test_adoption_is_the_tenants_that_used_a_part_at_all(app: Flask) -> None:
    record(app, started("03 10:00", "c1"), said("03 10:01", "c1"), tenant="acme")
    record(app, started("03 10:00", "c1"), called("03 10:00"), tenant="blue")
    rows = {row[0]: row[1:] for row in asked(app, adoption.adoption, tenants=BOTH)}
    # both converse (3 events), one of two integrates
    assert rows["Conversation"] == (2, 1.0, 3)
    assert rows["Integrations"] == (1, 0.5, 1)
    assert rows["Billing"] == (0, 0.0, 0)


def test_the_funnel_leads_from_use_over_checkout_to_a_plan_in_effect(app: Flask) -> None:
    make_tenant(app, "cyan")
    record(app, bought("03 10:00"), moved("03 10:01", "free", "team"), tenant="acme")
    record(app, bought("03 10:00"), moved("03 10:01", "free", "team", "past_due"), tenant="blue")
    # a plan without a checkout is no step of this way
    record(app, moved("03 10:01", "free", "team"), tenant="cyan")
    rows = asked(app, plans.checkout_funnel, tenants=(*BOTH, "cyan"))
    assert rows == [
        ("active", 3, 1.0),
        ("completed a checkout", 2, 2 / 3),
        ("plan in effect", 1, 1 / 3),
    ]


def test_retention_follows_the_tenants_of_a_week(app: Flask) -> None:
    # Weeks begin on Monday: 2 and 9 November. acme begins on the 3rd and returns on the 10th,
    # blue begins on the 4th and stays away.
    record(app, over_quota("03 10:00"), over_quota("10 10:00"), tenant="acme")
    record(app, over_quota("04 10:00"), tenant="blue")
    rows = asked(app, adoption.retention, tenants=BOTH, last=date(2026, 11, 15))
    monday = date(2026, 11, 2)
    assert rows == [(monday, 0, 2, 2, 1.0), (monday, 1, 1, 2, 0.5)]


def test_weeks_count_whole_where_the_period_begins_or_ends_within_them(app: Flask) -> None:
    record(app, over_quota("03 10:00"), over_quota("12 10:00"), tenant="acme")
    days = {"first": date(2026, 11, 4), "last": date(2026, 11, 10)}
    monday = date(2026, 11, 2)
    assert asked(app, adoption.retention, tenants=BOTH, **days) == [
        (monday, 0, 1, 1, 1.0),
        (monday, 1, 1, 1, 1.0),
    ]


def test_a_tenant_that_began_before_the_period_is_in_none_of_its_cohorts(app: Flask) -> None:
    record(app, over_quota("01 10:00"), over_quota("03 10:00"), tenant="acme")
    assert asked(app, adoption.retention, tenants=BOTH) == []


def test_quiet_tenants_were_active_in_the_period_before_only(app: Flask) -> None:
    # the period before is 26 October to 1 November
    record(app, over_quota("01 10:00"), over_quota("01 11:00"), tenant="acme")
    record(app, over_quota("01 10:00"), over_quota("02 10:00"), tenant="blue")
    rows = asked(app, adoption.gone_quiet, tenants=BOTH)
    assert rows == [("acme", date(2026, 11, 1), 2)]
