"""`POST /api/events`: what is taken in, what is refused, and how it is said."""

from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import SESSION, bearer
from tests.ingest.sending import (
    CLICK,
    ONE_ACCEPTED,
    QUERY,
    click,
    event_of,
    faults,
    query,
    rows,
    stored,
    value,
)
from tracker.catalog import CATALOG

BROWSER_TYPES = sorted(name for name, event in CATALOG.items() if event.writer == "browser")
SERVER_TYPES = sorted(name for name, event in CATALOG.items() if event.writer == "server")


def test_an_event_is_accepted_and_stored(app: Flask, client: FlaskClient) -> None:
    answer = client.post("/api/events", json=CLICK)
    assert answer.status_code == 202
    assert answer.json == ONE_ACCEPTED
    columns = "event_type, session_id, source, expert_id, context, position, sample_weight"
    (row,) = rows(app, f"SELECT {columns}, is_bot FROM events")
    assert row[0] == "card_click"
    assert str(row[1]) == SESSION
    assert row[2:7] == ("browser", "e1", "grid", 2, 1)
    assert not row[7]


def test_every_event_type_is_accepted_from_who_may_send_it(
    app: Flask, client: FlaskClient, write_key: str
) -> None:
    for name in BROWSER_TYPES:
        assert client.post("/api/events", json=event_of(name)).status_code == 202, name
    for name in SERVER_TYPES:
        answer = client.post("/api/events", json=event_of(name), headers=bearer(write_key))
        assert answer.status_code == 202, name
    assert stored(app) == len(CATALOG)


def test_an_event_without_an_id_gets_a_time_ordered_one(app: Flask, client: FlaskClient) -> None:
    client.post("/api/events", json=CLICK)
    assert UUID(str(value(app, "SELECT id FROM events"))).version == 7


def test_repeated_clicks_without_ids_all_count(app: Flask, client: FlaskClient) -> None:
    answer = client.post("/api/events", json={"events": [CLICK, CLICK, CLICK]})
    assert answer.json["accepted"] == 3
    assert stored(app) == 3


def test_a_batch_has_a_verdict_on_each_event(app: Flask, client: FlaskClient) -> None:
    batch = [
        CLICK,
        click(context="elsewhere", position=0),
        CLICK | {"event_type": "card_clicked"},
        event_of("quota_exceeded"),
        CLICK | {"occurred_at": "2001-01-01T00:00:00Z"},
        click(filters={"text": "x" * 9000}),
        "not an object",
        QUERY,
    ]
    answer = client.post("/api/events", json={"events": batch})
    assert answer.status_code == 202
    assert answer.json["accepted"] == 2
    assert [(verdict["index"], verdict["code"]) for verdict in answer.json["rejected"]] == [
        (1, "invalid_event"),
        (2, "unknown_event_type"),
        (3, "server_only"),
        (4, "too_old"),
        (5, "payload_too_large"),
        (6, "invalid_event"),
    ]
    both = {"payload.context", "payload.position"}
    assert {fault["path"] for fault in answer.json["rejected"][0]["fields"]} == both
    assert answer.json["rejected"][1]["fields"][0]["path"] == "event_type"
    assert stored(app) == 2


def test_500_events_are_accepted_and_501_are_too_many(app: Flask, client: FlaskClient) -> None:
    assert client.post("/api/events", json={"events": [CLICK] * 500}).json["accepted"] == 500
    answer = client.post("/api/events", json={"events": [CLICK] * 501})
    assert answer.status_code == 413
    assert answer.json["error"]["code"] == "too_large"
    assert stored(app) == 500


def test_an_email_is_stored_trimmed_and_in_lower_case(app: Flask, client: FlaskClient) -> None:
    client.post("/api/events", json=CLICK | {"email": "  Ada@Example.COM "})
    assert value(app, "SELECT email FROM events") == "ada@example.com"


def test_zero_results_is_derived_or_must_agree_with_the_count(
    app: Flask, client: FlaskClient
) -> None:
    client.post("/api/events", json=query(result_count=0, expert_ids=[]))
    assert value(app, "SELECT zero_results FROM events")
    answer = client.post("/api/events", json=query(result_count=3, zero_results=True))
    assert faults(answer) == {"payload.zero_results": "must be true exactly when result_count is 0"}
    unknown = query(function_called="apply_filters", result_count=None)
    assert client.post("/api/events", json=unknown).status_code == 202
    answer = client.post("/api/events", json=query(result_count=None))
    assert list(faults(answer)) == ["payload.result_count"]


def test_unknown_payload_keys_are_kept_for_browsers_and_refused_for_business(
    app: Flask, client: FlaskClient, write_key: str
) -> None:
    assert client.post("/api/events", json=click(shelf="top")).status_code == 202
    assert '"shelf"' in value(app, "SELECT CAST(payload AS TEXT) FROM events")
    payload = CATALOG["quota_exceeded"].example | {"colour": "red"}
    sent = event_of("quota_exceeded", payload=payload)
    answer = client.post("/api/events", json=sent, headers=bearer(write_key))
    assert faults(answer) == {"payload.colour": "is not a known field"}
