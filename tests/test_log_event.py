"""Writing rules of business events: by the helper, over HTTP, inside and outside the catalog."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.conftest import bearer, make_key, make_tenant
from tracker.log_event import EventRefused, log_event
from tracker.model import DailyEvents, DailyIngest, Event, IngestWarning
from tracker.store.settings import change_settings

QUOTA = {"quotaType": "seats", "limit": 5, "attempted": 6}


@pytest.fixture(autouse=True)
def acme(app: Flask) -> None:
    make_tenant(app, "acme")


def choose(app: Flask, **changes: Any) -> None:
    with app.extensions["database"].write() as connection:
        change_settings(connection, "acme", "test", changes)
    app.extensions["choices"].forget("acme")


def all_of(app: Flask, table: Any) -> list[Any]:
    with app.extensions["database"].read(None) as session:
        return list(session.scalars(select(table)))


def log(app: Flask, name: str, data: Any, **more: Any) -> str:
    with app.app_context():
        return log_event("acme", name, data, **more)


def test_an_event_logged_in_the_process_is_stored_for_its_tenant(app: Flask) -> None:
    moment = datetime.now(UTC)
    assert log(app, "quota_exceeded", QUOTA, request_id="r1", occurred_at=moment) == "accepted"
    (event,) = all_of(app, Event)
    assert (event.tenant_id, event.request_id, event.source) == ("acme", "r1", "server")
    assert (event.payload, event.occurred_at) == (QUOTA, moment)


def test_the_same_id_is_a_duplicate(app: Flask) -> None:
    event_id = "00000000-0000-4000-8000-000000000001"
    outcomes = [log(app, "quota_exceeded", QUOTA, event_id=event_id) for _ in range(2)]
    assert outcomes == ["accepted", "duplicate"]


def test_undefined_values_are_dropped_where_they_are_optional(app: Flask) -> None:
    log(app, "message_sent", {"conversationId": "c1", "role": "user", "confidence": None})
    log(app, "plan_updated", {"previousPlan": None, "newPlan": "team", "status": "active"})
    payloads = {event.event_type: event.payload for event in all_of(app, Event)}
    assert payloads["message_sent"] == {"conversationId": "c1", "role": "user"}
    assert payloads["plan_updated"]["previousPlan"] is None


def endless() -> dict[str, Any]:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    return circle


@pytest.mark.parametrize(
    ("data", "path", "rule"),
    [
        (QUOTA | {"limit": float("nan")}, "payload.limit", "must be a finite number"),
        (QUOTA | {"limit": {1, 2}}, "payload.limit", "must be JSON, not set"),
        (QUOTA | {"at": [datetime.now(UTC)]}, "payload.at.0", "must be JSON, not datetime"),
        (QUOTA | {1: "x"}, "payload", "must have strings as keys"),
        (QUOTA | endless(), "payload", "is nested too deep"),
        ([QUOTA], "payload", "must be an object"),
        (None, "payload.limit", "is required"),
        (QUOTA | {"extra": 1}, "payload.extra", "is not a known field"),
        ({"quotaType": "seats"}, "payload.limit", "is required"),
        (QUOTA | {"quotaType": "x" * 3000}, "payload", "must be at most 2048 bytes as JSON"),
    ],
)
def test_what_is_not_right_is_refused_with_path_and_rule(
    app: Flask, data: Any, path: str, rule: str
) -> None:
    with pytest.raises(EventRefused) as refused:
        log(app, "quota_exceeded", data)
    assert (path, rule) in refused.value.faults
    assert all_of(app, Event) == []


def test_an_unknown_tenant_is_refused(app: Flask) -> None:
    with app.app_context(), pytest.raises(EventRefused, match="tenant"):
        log_event("nobody", "quota_exceeded", QUOTA)


def test_names_outside_the_catalog_are_refused_unless_the_tenant_allows_them(app: Flask) -> None:
    with pytest.raises(EventRefused) as refused:
        log(app, "report_printed", {"pages": 3})
    assert refused.value.code == "unknown_event_type"
    choose(app, custom_events=True)
    assert log(app, "report_printed", {"pages": 3}) == "accepted"
    assert log(app, "custom:report_printed", {"pages": 4}) == "accepted"
    assert {event.event_type for event in all_of(app, Event)} == {"custom:report_printed"}
    for name in ("Report Printed", "2nd_report"):
        with pytest.raises(EventRefused, match="of which the first is a letter"):
            log(app, name, {})


def test_undefined_values_of_custom_events_are_dropped(app: Flask) -> None:
    choose(app, custom_events=True)
    log(app, "report_printed", {"pages": 3, "printer": None})
    (event,) = all_of(app, Event)
    assert event.payload == {"pages": 3}


def test_a_browser_can_t_send_custom_events(app: Flask, client: FlaskClient) -> None:
    with app.extensions["database"].write() as connection:
        change_settings(connection, "default", "test", {"custom_events": True})
    for name in ("report_printed", "custom:report_printed"):
        sent = {"event_type": name, "session_id": "5516cb1f-6c99-46ba-bbf2-ae6444a9a4cf"}
        assert client.post("/api/events", json=sent | {"payload": {}}).status_code == 422
    assert all_of(app, Event) == []


def test_personal_data_is_no_name_of_a_key_either(app: Flask) -> None:
    choose(app, custom_events=True)
    log(app, "report_sent", {"to": {"ann@example.com": 1}, "+49 30 901820": 2})
    (event,) = all_of(app, Event)
    assert event.payload == {"to": {"[email]": 1}, "[phone]": 2}


def test_sensitive_values_are_neither_stored_nor_kept_as_a_sample(app: Flask) -> None:
    choose(app, custom_events=True, redaction={"keys": ["customer_name"], "patterns": ["INV-####"]})
    data = {"customerName": "Ann", "password": "pw", "note": "INV-1234 to ann@example.com"}
    log(app, "invoice_sent", data)
    (event,) = all_of(app, Event)
    assert event.payload == {
        "customerName": "[redacted]",
        "password": "[redacted]",
        "note": "[redacted] to [email]",
    }
    with pytest.raises(EventRefused):
        log(app, "quota_exceeded", {"password": "pw-in-a-sample", "quotaType": "INV-9876"})
    (warning,) = all_of(app, IngestWarning)
    assert "pw-in-a-sample" not in warning.sample
    assert "INV-9876" not in warning.sample


def test_words_of_people_are_redacted_and_ids_are_not(app: Flask) -> None:
    # 4111111111111111 would be a card number; as an id it must stay what it is
    conversation = "4111111111111111"
    reason = "call +44 20 7946 0958 or ann@example.com"
    log(app, "escalation_triggered", {"conversationId": conversation, "reason": reason})
    (event,) = all_of(app, Event)
    assert event.payload["conversationId"] == conversation
    assert "ann@" not in event.payload["reason"]


def test_the_tenant_comes_from_the_key_and_never_from_the_body(
    app: Flask, client: FlaskClient
) -> None:
    key = make_key(app, "acme", ("write",))
    sent = {"event_type": "quota_exceeded", "payload": QUOTA}
    for extra in ({"tenant_id": "default"}, {"payload": QUOTA | {"tenant_id": "default"}}):
        answer = client.post("/api/events", json=sent | extra, headers=bearer(key))
        assert answer.status_code == 422
    assert client.post("/api/events?tenant_id=default", json=sent, headers=bearer(key)).json[
        "accepted"
    ]
    assert [event.tenant_id for event in all_of(app, Event)] == ["acme"]


def test_over_its_budget_a_type_is_sampled_and_the_numbers_are_scaled(app: Flask) -> None:
    choose(app, budgets={"message_sent": 10})
    outcomes = []
    for n in range(200):
        app.extensions["choices"].forget("acme")  # as if seconds had passed
        data = {"conversationId": f"c{n}", "role": "user"}
        outcomes.append(log(app, "message_sent", data))
    kept = all_of(app, Event)
    # the first ten are all kept; after that one in 2, in 4, in 8 ...
    assert outcomes[:10] == ["accepted"] * 10
    assert outcomes.count("sampled") > 100
    assert {event.sample_weight for event in kept} >= {1, 2, 4}
    (daily,) = all_of(app, DailyEvents)
    assert daily.kept == len(kept) < 60
    assert daily.events == sum(event.sample_weight for event in kept)
    assert sum(row.sampled for row in all_of(app, DailyIngest)) == outcomes.count("sampled")


def test_only_types_whose_every_number_can_be_scaled_may_be_sampled(app: Flask) -> None:
    for name in ("ingest_started", "card_click", "escalation_triggered"):
        with pytest.raises(ValueError, match=f"{name} can't be sampled: not all of its"):
            choose(app, sampling={name: 2})
    for sampling in ({"nothing": 2}, {"message_sent": 0}):
        with pytest.raises(ValueError, match=r"no event type|kept"):
            choose(app, sampling=sampling)
