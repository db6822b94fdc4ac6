"""A panel's JSON says when its numbers are no exact counts. The week is 2 to 8 November 2026."""

from collections import defaultdict

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete

from tests.conftest import make_tenant, record
from tests.dashboard.reading import WEEK, panel_of
from tests.metrics.asking import event
from tests.metrics.business_lines import called, said
from tracker.dashboard.pages import PAGES
from tracker.model import TripAttempt
from tracker.store.settings import change_settings

TRIPS = [event("create_trip_attempted", "02 10:00", None, input_snapshot={}) | {"request_id": "r"}]
TRIPS += [event("create_trip_succeeded", "02 10:01", None, trip_id="t", duration_ms=1234)]
TRIPS[1] |= {"request_id": "r"}


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_RETENTION_DAYS": "3650"}


def test_a_metric_is_marked_as_estimated_wherever_it_is_shown() -> None:
    marked = defaultdict(set)
    for panel in (panel for page in PAGES for panel in page.panels):
        marked[panel.metric].add((panel.sampled, panel.approximate is None))
    assert [metric for metric, marks in marked.items() if len(marks) > 1] == []


def is_estimated(operator: FlaskClient, panel: str) -> bool:
    estimated: bool = operator.get(f"{panel}.json?{WEEK}").json["estimated"]
    return estimated


def test_numbers_scaled_up_from_a_sample_are_estimated(app: Flask, operator: FlaskClient) -> None:
    make_tenant(app, "acme")
    with app.extensions["database"].write() as connection:
        change_settings(connection, "acme", "test", {"sampling": {"message_sent": 4}})
    app.extensions["choices"].forget("acme")
    lines = [said("03 10:00", f"c{n}") for n in range(40)]
    record(app, *lines, called("03 10:00"), tenant="acme")
    assert is_estimated(operator, "/business/acme/messages")
    assert not is_estimated(operator, "/business/acme/integrations")
    assert is_estimated(operator, "/overview/totals")
    assert is_estimated(operator, "/business/adoption")
    assert is_estimated(operator, "/digest/business")
    assert is_estimated(operator, "/catalog/event-types")
    assert is_estimated(operator, "/catalog/message_sent/daily-volume")
    assert not is_estimated(operator, "/catalog/integration_succeeded/daily-volume")
    assert "down to one in 4" in panel_of(operator.get(f"/catalog?{WEEK}").text, "event-types")


def test_what_is_of_the_period_before_is_estimated_when_that_was_sampled(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, said("03 10:00", "c1") | {"sample_weight": 4})
    assert not is_estimated(operator, "/business/gone-quiet")
    after = operator.get("/business/gone-quiet.json?from=2026-11-09&to=2026-11-15").json
    assert (after["estimated"], after["rows"][0]["events_before"]) == (True, 4)


def test_so_are_custom_events_over_their_budget(app: Flask, operator: FlaskClient) -> None:
    make_tenant(app, "acme")
    with app.extensions["database"].write() as connection:
        chosen = {"custom_events": True, "sampling": {"custom:tour_booked": 2}}
        change_settings(connection, "acme", "test", chosen)
    app.extensions["choices"].forget("acme")
    lines = [event("tour_booked", "03 10:00", None, seats=n) for n in range(40)]
    record(app, *lines, tenant="acme")
    assert is_estimated(operator, "/business/acme/custom-events")
    assert is_estimated(operator, "/catalog/custom-events")


@pytest.mark.parametrize("panel", ["totals", "daily-durations", "success-rate", "versions"])
def test_durations_are_estimated_once_the_attempts_have_expired(
    app: Flask, operator: FlaskClient, panel: str
) -> None:
    record(app, *TRIPS)
    assert not is_estimated(operator, f"/trips/{panel}")
    assert "pproximate" not in panel_of(operator.get(f"/trips?{WEEK}").text, panel)
    with app.extensions["database"].write() as connection:
        connection.execute(delete(TripAttempt))
    assert is_estimated(operator, f"/trips/{panel}")
    assert "Durations are approximate" in panel_of(operator.get(f"/trips?{WEEK}").text, panel)
