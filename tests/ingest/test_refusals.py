"""`POST /api/events`: every rule an event can break, and how it is told."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import bearer, dispose, make_app
from tests.ingest.sending import CLICK, FILTER, click, event_of, faults, query
from tracker.store import warnings


@pytest.fixture(scope="module")
def app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """What is refused reaches no database: these tests share one."""
    path = tmp_path_factory.mktemp("refusals") / "tracker.db"
    shutil.copy(sqlite_template, path)
    app = make_app(f"sqlite:///{path}", {"TRACKER_RETENTION_DAYS": "90"})
    yield app
    dispose(app)


ENVELOPE_FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"session_id": None}, "session_id", "is required"),
    ({"session_id": "abc"}, "session_id", "must be a UUID"),
    ({"session_id": ""}, "session_id", "must be a UUID"),
    ({"session_id": 7}, "session_id", "must be a string"),
    ({"event_id": "abc"}, "event_id", "must be a UUID"),
    ({"event_id": 7}, "event_id", "must be a string"),
    ({"occurred_at": "yesterday"}, "occurred_at", "must be an RFC 3339 time"),
    ({"occurred_at": "2026-11-01T00:00:00"}, "occurred_at", "must have a time zone offset"),
    ({"occurred_at": 1760000000}, "occurred_at", "must be a string"),
    ({"occurred_at": "1760000000"}, "occurred_at", "must be an RFC 3339 time"),
    ({"occurred_at": "2026-11-01"}, "occurred_at", "must be an RFC 3339 time"),
    ({"occurred_at": ""}, "occurred_at", "must be an RFC 3339 time"),
    ({"email": "nobody"}, "email", "must be an e-mail address"),
    ({"email": ""}, "email", "must be an e-mail address"),
    ({"email": ["a@example.com"]}, "email", "must be a string"),
    ({"email": "a" * 300 + "@example.com"}, "email", "must be an e-mail address"),
    ({"user_id": "u1"}, "user_id", "is accepted with a server key only"),
    ({"request_id": "r" * 129}, "request_id", "must have at most 128 characters"),
    ({"request_id": ""}, "request_id", "must have at least 1 character"),
    ({"request_id": 5}, "request_id", "must be a string"),
    ({"request_id": "a\0b"}, "request_id", "must not contain NUL"),
    ({"payload": None}, "payload", "must be an object"),
    ({"payload": []}, "payload", "must be an object"),
    ({"payload": "{}"}, "payload", "must be an object"),
    ({"colour": "red"}, "colour", "is not a known field"),
    ({"sample_weight": 10}, "sample_weight", "is not a known field"),
    ({"event_type": None}, "event_type", "must be a string"),
    ({"event_type": 7}, "event_type", "must be a string"),
    ({"event_type": ["card_click"]}, "event_type", "must be a string"),
    ({"event_type": ""}, "event_type", "must be a name in the catalog"),
    ({"event_type": "card\0click"}, "event_type", "must be a name in the catalog"),
]


@pytest.mark.parametrize(("change", "path", "rule"), ENVELOPE_FAULTS)
def test_a_faulty_field_is_named_with_the_rule_it_breaks(
    client: FlaskClient, change: dict[str, Any], path: str, rule: str
) -> None:
    answer = client.post("/api/events", json=CLICK | change)
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == "invalid_event"
    assert faults(answer)[path].startswith(rule)
    assert answer.json["rejected"][0]["index"] == 0


def test_every_fault_of_an_event_is_listed_at_once(client: FlaskClient) -> None:
    sent = query(query_text="", result_count=-1, function_called="guess", expert_ids="e1")
    answer = client.post("/api/events", json=sent | {"session_id": "x", "email": "y"})
    assert faults(answer).keys() == {
        "session_id",
        "email",
        "payload.query_text",
        "payload.function_called",
        "payload.result_count",
        "payload.expert_ids",
    }


@pytest.mark.parametrize(
    ("sent", "code", "paths"),
    [
        ({}, "invalid_event", ["event_type", "session_id"]),
        (
            {"event_type": "no", "email": "y"},
            "unknown_event_type",
            ["event_type", "email", "session_id"],
        ),
        (
            query(query_text="x" * 9000) | {"session_id": "x", "user_id": "u"},
            "payload_too_large",
            ["payload", "session_id", "user_id"],
        ),
        (event_of("quota_exceeded", session_id=None), "server_only", ["event_type"]),
        (
            event_of("quota_exceeded", session_id=None, email="y"),
            "server_only",
            ["event_type", "email"],
        ),
    ],
)
def test_what_is_wrong_around_the_payload_is_listed_whatever_else_is(
    client: FlaskClient, sent: dict[str, Any], code: str, paths: list[str]
) -> None:
    answer = client.post("/api/events", json=sent)
    assert answer.status_code == (403 if (code, len(paths)) == ("server_only", 1) else 422)
    [refused] = answer.json["rejected"]
    assert (refused["code"], [fault["path"] for fault in refused["fields"]]) == (code, paths)


@pytest.mark.parametrize("body", ["[]", "7", "null", '"card_click"', "true", "{}", "[{}]"])
def test_json_that_is_no_event_is_refused_as_one(client: FlaskClient, body: str) -> None:
    answer = client.post("/api/events", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == "invalid_event"


@pytest.mark.parametrize(
    ("batch", "path"),
    [
        ({"events": []}, "events"),
        ({"events": {}}, "events"),
        ({"events": None}, "events"),
        ({"events": [CLICK], "sent_at": "noon"}, "sent_at"),
        ({"events": [CLICK], "sent_at": 1760000000}, "sent_at"),
        ({"events": [CLICK], "sent_at": "1760000000"}, "sent_at"),
        ({"events": [CLICK], "sent_at": "2026-11-01T00:00:00"}, "sent_at"),
        ({"events": [CLICK], "colour": "red"}, "colour"),
    ],
)
def test_a_faulty_batch_is_refused_as_a_whole(
    client: FlaskClient, batch: dict[str, Any], path: str
) -> None:
    answer = client.post("/api/events", json=batch)
    assert answer.status_code == 422
    assert list(faults(answer)) == [path]


def test_a_batch_with_nothing_valid_is_422_with_every_verdict(client: FlaskClient) -> None:
    batch = {"events": [click(context="x"), CLICK | {"event_type": "nothing"}]}
    answer = client.post("/api/events", json=batch)
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json["rejected"]] == [
        "invalid_event",
        "unknown_event_type",
    ]
    assert faults(answer).keys() == {"events.0.payload.context", "events.1.event_type"}


def test_of_many_refused_events_no_more_samples_are_made_than_are_kept(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To look for phone numbers in each of 500 would hold up everybody's events."""
    made: list[Any] = []
    monkeypatch.setattr(warnings, "sample_of", lambda sent, _region: made.append(sent) or "")
    different = [CLICK | {f"field_{n}": 1} for n in range(warnings.KEYS_PER_BATCH + 10)]
    alike = [FILTER | {"colour": n} for n in range(20)]
    for events, most in ((alike, 1), (different, warnings.KEYS_PER_BATCH)):
        made.clear()
        assert client.post("/api/events", json={"events": events}).status_code == 422
        assert made == events[:most]


def test_a_batch_of_one_names_its_event_as_any_batch_does(client: FlaskClient) -> None:
    answer = client.post("/api/events", json={"events": [click(context="x")]})
    assert faults(answer).keys() == {"events.0.payload.context"}


def test_a_server_only_type_without_a_key_is_403(client: FlaskClient) -> None:
    answer = client.post("/api/events", json=event_of("quota_exceeded"))
    assert answer.status_code == 403
    assert answer.json["error"]["code"] == "server_only"


def test_a_server_only_type_beside_another_fault_is_422(client: FlaskClient) -> None:
    batch = {"events": [event_of("quota_exceeded"), click(context="x")]}
    answer = client.post("/api/events", json=batch)
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json["rejected"]] == ["server_only", "invalid_event"]


def test_a_payload_up_to_its_limit_is_accepted_and_beyond_it_refused(
    client: FlaskClient, write_key: str
) -> None:
    room = 8192 - len('{"expert_id":"e1","context":"grid","position":2,"note":""}')
    assert client.post("/api/events", json=click(note="x" * room)).status_code == 202
    answer = client.post("/api/events", json=click(note="x" * (room + 1)))
    assert answer.json["rejected"][0]["code"] == "payload_too_large"
    wide = event_of("ingest_started", payload={"sourceType": "web", "url": "u" * 2040})
    answer = client.post("/api/events", json=wide, headers=bearer(write_key))
    assert answer.status_code == 422
    assert answer.json["rejected"][0]["code"] == "payload_too_large"


def test_events_older_than_the_retention_window_are_too_old(client: FlaskClient) -> None:
    now = datetime.now(UTC)
    inside = (now - timedelta(days=89, hours=23)).isoformat()
    beyond = (now - timedelta(days=90, minutes=1)).isoformat()
    assert client.post("/api/events", json=CLICK | {"occurred_at": inside}).status_code == 202
    answer = client.post("/api/events", json=CLICK | {"occurred_at": beyond})
    assert answer.status_code == 422
    assert answer.json["rejected"][0]["code"] == "too_old"
    assert faults(answer)["occurred_at"] == "must lie within the last 90 days"


def test_a_browser_needs_a_session_and_a_server_does_not(
    client: FlaskClient, write_key: str
) -> None:
    without = {key: CLICK[key] for key in ("event_type", "payload")}
    assert faults(client.post("/api/events", json=without)) == {"session_id": "is required"}
    assert client.post("/api/events", json=without, headers=bearer(write_key)).status_code == 202


def test_trip_telemetry_needs_a_request_id(client: FlaskClient, write_key: str) -> None:
    sent = event_of("create_trip_succeeded", request_id=None)
    answer = client.post("/api/events", json=sent, headers=bearer(write_key))
    assert faults(answer) == {"request_id": "is required"}


@pytest.mark.parametrize("sent", [0, False, "", "any", [], ["b", "a"], 0.5, [50, 120], [[1], {}]])
def test_a_filter_value_may_be_any_scalar_or_array(client: FlaskClient, sent: Any) -> None:
    event = FILTER | {"payload": FILTER["payload"] | {"value": sent}}
    assert client.post("/api/events", json=event).status_code == 202


@pytest.mark.parametrize("sent", [None, {}, {"low": 1}])
def test_a_filter_value_is_never_null_nor_an_object(client: FlaskClient, sent: Any) -> None:
    event = FILTER | {"payload": FILTER["payload"] | {"value": sent}}
    answer = client.post("/api/events", json=event)
    assert faults(answer) == {
        "payload.value": "must be a string, a number, true, false or an array"
    }


def test_other_methods_are_refused_in_the_one_error_shape(client: FlaskClient) -> None:
    answer = client.put("/api/events", json=CLICK)
    assert answer.status_code == 405
    assert answer.json["error"]["code"] == "method_not_allowed"
    assert "POST" in answer.headers["Allow"]
