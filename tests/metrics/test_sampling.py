"""What is estimated, and fields with too many values. The week is 2 to 8 November 2026."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import make_tenant, record
from tests.dashboard.conftest import browser_of, make_operator
from tests.metrics.asking import asked
from tests.metrics.business_lines import called, escalated, said, started
from tracker.metrics import conversations, custom_events, sampling
from tracker.model import Tenant
from tracker.store.settings import change_settings, choices_of

ACME = ("acme",)


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_RETENTION_DAYS": "3650"}


@pytest.fixture(autouse=True)
def acme(app: Flask) -> None:
    make_tenant(app, "acme")


def choose(app: Flask, **changes: Any) -> None:
    with app.extensions["database"].write() as connection:
        change_settings(connection, "acme", "test", changes)
    app.extensions["choices"].forget("acme")


def test_a_sampled_type_s_numbers_are_scaled_up_by_its_weights(app: Flask) -> None:
    choose(app, sampling={"message_sent": 4})
    record(app, *(said("03 10:00", f"c{n}") for n in range(400)), tenant="acme")
    ((name, tenant, events, kept, one_in, why),) = asked(app, sampling.sampled, tenants=ACME)
    assert (name, tenant, one_in, why) == ("message_sent", "acme", 4, "chosen")
    # about a quarter is kept, and each of those stands for four
    assert 60 < kept < 140
    assert events == 4 * kept
    assert asked(app, conversations.messages, tenants=ACME)[0][:2] == ("user", events)


def test_a_conversation_is_kept_or_left_out_as_a_whole(app: Flask) -> None:
    choose(app, sampling={"conversation_started": 2, "message_sent": 2})
    for n in range(100):
        lines = [started("03 10:00", f"c{n}"), said("03 10:01", f"c{n}"), said("03 10:02", f"c{n}")]
        record(app, *lines, escalated("03 10:03", f"c{n}"), tenant="acme", settle=n == 99)
    kept = {row[0]: row[3] for row in asked(app, sampling.sampled, tenants=ACME)}
    assert kept["message_sent"] == 2 * kept["conversation_started"]
    # every conversation was handed over, so all that were kept were
    assert asked(app, conversations.cohorts, tenants=ACME)[1][3] == 1.0


def test_what_was_once_chosen_for_escalations_does_not_falsify_their_rate(app: Flask) -> None:
    chosen = {"sampling": {"escalation_triggered": 10}, "budgets": {"escalation_triggered": 1}}
    with app.extensions["database"].write() as connection:
        connection.execute(update(Tenant).where(Tenant.id == "acme").values(settings=chosen))
    for n in range(20):
        lines = [started("03 10:00", f"c{n}"), escalated("03 10:03", f"c{n}")]
        record(app, *lines, tenant="acme", settle=n == 19)
    assert asked(app, conversations.cohorts, tenants=ACME)[1][1:4] == (20, 20, 1.0)
    # nor are they thinned over a budget: 20 against 1 a day
    with app.extensions["database"].read(None) as session:
        assert choices_of(session, "acme", date(2026, 11, 3)).sampling == {}
    on_that_day = {"first": date(2026, 11, 3), "last": date(2026, 11, 3)}
    now = datetime(2026, 11, 3, 12, tzinfo=UTC)
    assert asked(app, sampling.sampled, tenants=ACME, now=now, **on_that_day) == []


def test_over_its_budget_a_type_is_listed_with_the_reason(app: Flask) -> None:
    choose(app, budgets={"integration_succeeded": 3})
    now = datetime.now(UTC)
    today = {"first": now.date(), "last": now.date(), "now": now, "tenants": ACME}
    line = called("03 10:00") | {"occurred_at": now.isoformat()}
    record(app, *(line | {"request_id": str(n)} for n in range(7)), tenant="acme")
    # 7 events against 3: twice over, so one in four
    assert asked(app, sampling.sampled, **today) == [
        ("integration_succeeded", "acme", 7, 7, 4, "over its budget of 3 a day")
    ]


def test_nothing_is_listed_where_all_is_kept(app: Flask) -> None:
    record(app, said("03 10:00", "c1"), tenant="acme")
    assert asked(app, sampling.sampled, tenants=ACME) == []


def test_a_field_with_too_many_values_is_a_warning(app: Flask) -> None:
    record(app, *(escalated("03 10:00", "c", f"reason {n}") for n in range(200)), tenant="acme")
    record(app, *(called("03 10:00", f"crm{n}") for n in range(199)), tenant="acme")
    assert asked(app, sampling.exploded, tenants=ACME) == [
        ("escalation_triggered", "reason", "acme", 200, date(2026, 11, 2))
    ]


def test_only_the_last_week_of_a_period_counts_for_the_warning(app: Flask) -> None:
    lines = (escalated(f"{2 + n % 2 * 13:02} 10:00", "c", f"reason {n}") for n in range(380))
    record(app, *lines, tenant="acme")
    # 190 on the 2nd, 190 on the 15th: never 200 in a week
    assert asked(app, sampling.exploded, tenants=ACME, last=date(2026, 11, 15)) == []


def test_custom_events_are_shown_apart(app: Flask) -> None:
    choose(app, custom_events=True)
    line = called("03 10:00") | {"event_type": "report_printed"}
    record(app, line, line | {"occurred_at": "2026-11-04T10:00:00Z"}, tenant="acme")
    assert asked(app, custom_events.custom_events, tenants=ACME) == [
        ("custom:report_printed", "acme", 2, date(2026, 11, 4))
    ]


def test_the_pages_say_that_they_estimate(app: Flask) -> None:
    choose(app, sampling={"message_sent": 2})
    record(app, *(said("03 10:00", f"c{n}") for n in range(100)), tenant="acme")
    operator = browser_of(app, make_operator(app))
    week = "from=2026-11-02&to=2026-11-08"
    page = operator.get(f"/business/acme?{week}").text
    assert "Estimated: only a part is kept of message_sent (1 in 2)" in page
    assert "Estimated" not in operator.get("/business/acme?from=2026-11-05&to=2026-11-08").text
    assert "one in" in operator.get(f"/catalog?{week}").text.lower()
