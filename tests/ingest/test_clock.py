"""When an event happened: the sender's clock, corrected by ours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.ingest.sending import CLICK
from tracker.model import Event

NOW = datetime.now(UTC)


def send(client: FlaskClient, occurred_at: datetime | None, sent_at: datetime | None) -> None:
    event = CLICK | ({"occurred_at": occurred_at.isoformat()} if occurred_at else {})
    batch: dict[str, Any] = {"events": [event]}
    answer = client.post(
        "/api/events", json=batch | ({"sent_at": sent_at.isoformat()} if sent_at else {})
    )
    assert answer.json["accepted"] == 1


def the_event(app: Flask) -> Event:
    with app.extensions["database"].read(None) as session:
        return session.query(Event).one()


def test_an_event_without_a_time_occurred_when_it_was_received(
    app: Flask, client: FlaskClient
) -> None:
    send(client, None, None)
    event = the_event(app)
    assert event.occurred_at == event.received_at
    assert NOW <= event.received_at <= datetime.now(UTC)


def test_a_time_is_kept_to_the_microsecond(app: Flask, client: FlaskClient) -> None:
    moment = NOW.replace(microsecond=123456) - timedelta(days=3)
    send(client, moment, None)
    assert the_event(app).occurred_at == moment


def test_a_clock_that_is_wrong_is_corrected_by_what_it_said_when_sending(
    app: Flask, client: FlaskClient
) -> None:
    two_hours_fast = NOW + timedelta(hours=2)
    send(client, two_hours_fast - timedelta(minutes=10), two_hours_fast)
    event = the_event(app)
    off = event.received_at - event.occurred_at - timedelta(minutes=10)
    assert timedelta() <= off < timedelta(seconds=30)  # between our NOW and the request


def test_even_a_clock_in_another_era_is_corrected(app: Flask, client: FlaskClient) -> None:
    epoch = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
    send(client, epoch - timedelta(minutes=1), epoch)
    event = the_event(app)
    assert event.received_at - event.occurred_at == timedelta(minutes=1)


def test_more_than_a_minute_in_the_future_is_clamped(app: Flask, client: FlaskClient) -> None:
    send(client, NOW + timedelta(days=400), None)
    event = the_event(app)
    assert event.occurred_at == event.received_at + timedelta(minutes=1)


def test_up_to_a_minute_in_the_future_is_kept(app: Flask, client: FlaskClient) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=50)
    send(client, moment, None)
    assert the_event(app).occurred_at == moment


@pytest.mark.parametrize(
    "moment",
    ["9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z", "2026-11-01t00:00:00z"],
)
def test_times_at_the_end_of_time_are_clamped_too(client: FlaskClient, moment: str) -> None:
    answer = client.post("/api/events", json=CLICK | {"occurred_at": moment})
    assert answer.status_code == 202


def test_a_leap_second_is_a_time_like_others(app: Flask, client: FlaskClient) -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    eve = f"{midnight - timedelta(days=1):%Y-%m-%d}"
    batch = {"events": [CLICK | {"occurred_at": f"{eve}T23:59:60.5Z"}], "sent_at": None}
    assert client.post("/api/events", json=batch).status_code == 202
    assert the_event(app).occurred_at == midnight - timedelta(seconds=0.5)
    late = client.post("/api/events", json=CLICK | {"occurred_at": f"{eve}T23:59:61Z"})
    assert late.status_code == 422


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z"])
def test_times_at_the_beginning_of_time_are_too_old(client: FlaskClient, moment: str) -> None:
    answer = client.post("/api/events", json=CLICK | {"occurred_at": moment})
    assert answer.json["rejected"][0]["code"] == "too_old"


@pytest.mark.parametrize("sent_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_any_sent_at_is_survived(client: FlaskClient, sent_at: str) -> None:
    for occurred_at in ("0001-01-01T00:00:00Z", NOW.isoformat(), "9999-12-31T23:59:59Z"):
        batch = {"events": [CLICK | {"occurred_at": occurred_at}], "sent_at": sent_at}
        assert client.post("/api/events", json=batch).status_code in (202, 422)


class TestInTokyo:
    """Days are days of the reporting time zone."""

    @pytest.fixture
    def environment(self) -> dict[str, str]:
        return {"TRACKER_REPORTING_TIMEZONE": "Asia/Tokyo"}

    def test_an_event_counts_on_the_day_of_the_reporting_time_zone(
        self, app: Flask, client: FlaskClient
    ) -> None:
        evening = NOW.replace(hour=20, minute=0) - timedelta(days=2)
        send(client, evening, None)
        assert the_event(app).day == evening.date() + timedelta(days=1)
