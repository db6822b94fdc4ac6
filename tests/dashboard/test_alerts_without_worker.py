"""/alerts where the clock is left to a worker: it says when none runs."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.dashboard.conftest import browser_of, make_operator
from tests.dashboard.reading import in_words
from tracker.store.leases import hold

NOBODY = "No worker runs: rules are not judged, and nobody is told."


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_WORKER": "external"}


def test_alerts_say_that_no_worker_runs_until_one_does(app: Flask, operator: FlaskClient) -> None:
    assert NOBODY in in_words(operator.get("/alerts").text)
    now = datetime.now(UTC)
    with app.extensions["database"].write() as connection:
        assert hold(connection, "deliveries", "a worker", now, timedelta(seconds=20))
    assert NOBODY not in in_words(operator.get("/alerts").text)


def test_alerts_say_so_again_when_a_worker_has_died(app: Flask, operator: FlaskClient) -> None:
    then = datetime.now(UTC) - timedelta(minutes=1)
    with app.extensions["database"].write() as connection:
        assert hold(connection, "deliveries", "a worker", then, timedelta(seconds=20))
    assert NOBODY in in_words(operator.get("/alerts").text)


def test_a_clock_inside_is_not_asked_for_a_worker(app: Flask) -> None:
    inside = app.extensions["settings"].model_copy(update={"worker": "inline"})
    app.extensions["settings"], apart = inside, app.extensions["settings"]
    try:
        assert NOBODY not in in_words(browser_of(app, make_operator(app)).get("/alerts").text)
    finally:
        app.extensions["settings"] = apart
