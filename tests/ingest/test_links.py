"""`POST /api/sessions/link`: an identity for everything a session did and will do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import SESSION, bearer, make_key, make_tenant
from tests.ingest.sending import CLICK, event_of, faults, query, rows
from tracker.catalog.faults import NO_NUL

OTHER = "0199f3a2-6d1c-7c3e-9a51-0f2d4c8b7e10"
ADA, EVE = "ada@example.com", "eve@example.com"


def link(client: FlaskClient, key: str | None = None, **body: Any) -> Any:
    headers = bearer(key) if key else {}
    return client.post("/api/sessions/link", json={"session_id": SESSION} | body, headers=headers)


def emails(app: Flask) -> list[str | None]:
    return [email for (email,) in rows(app, "SELECT email FROM events ORDER BY received_at, id")]


def test_a_link_attaches_earlier_events_and_later_ones(app: Flask, client: FlaskClient) -> None:
    client.post("/api/events", json={"events": [CLICK, query()]})
    answer = link(client, email=" Ada@Example.com ")
    assert answer.status_code == 200
    assert answer.json == {
        "session_id": SESSION,
        "email": ADA,
        "user_id": None,
        "events_linked": 2,
    }
    client.post("/api/events", json=CLICK)
    client.post("/api/events", json=CLICK | {"session_id": OTHER})
    assert emails(app) == [ADA, ADA, ADA, None]


def test_repeating_a_link_is_harmless(client: FlaskClient) -> None:
    client.post("/api/events", json=CLICK)
    assert link(client, email=ADA).json["events_linked"] == 1
    again = link(client, email=ADA)
    assert again.status_code == 200
    assert again.json["events_linked"] == 0


def test_a_session_without_events_is_linked_all_the_same(app: Flask, client: FlaskClient) -> None:
    assert link(client, email=ADA).json["events_linked"] == 0
    client.post("/api/events", json=CLICK)
    assert emails(app) == [ADA]


def test_the_first_identity_wins(app: Flask, client: FlaskClient) -> None:
    client.post("/api/events", json=CLICK)
    link(client, email=ADA)
    answer = link(client, email=EVE)
    assert answer.status_code == 409
    assert answer.json["error"]["code"] == "already_linked"
    assert emails(app) == [ADA]
    assert rows(app, "SELECT code, event_type, count FROM ingest_warnings") == [
        ("already_linked", "link", 1)
    ]


def test_the_warning_names_what_differs(app: Flask, client: FlaskClient, write_key: str) -> None:
    for user in ("ada", "eve"):
        answer = link(client, write_key, email=ADA, user_id=user)
    assert answer.status_code == 409
    assert rows(app, "SELECT code, path FROM ingest_warnings") == [("already_linked", "user_id")]


def test_an_event_s_own_email_links_its_session(app: Flask, client: FlaskClient) -> None:
    client.post("/api/events", json=CLICK)
    client.post("/api/events", json=CLICK | {"email": ADA})
    client.post("/api/events", json=CLICK)
    assert emails(app) == [ADA] * 3
    assert rows(app, "SELECT email FROM identities") == [(ADA,)]


def test_an_event_with_another_email_is_stored_under_its_session_s(
    app: Flask, client: FlaskClient
) -> None:
    link(client, email=ADA)
    answer = client.post("/api/events", json=CLICK | {"email": EVE})
    assert answer.json["accepted"] == 1
    assert emails(app) == [ADA]
    assert rows(app, "SELECT code, event_type FROM ingest_warnings") == [
        ("already_linked", "card_click")
    ]


def test_of_two_emails_in_one_batch_the_first_wins(app: Flask, client: FlaskClient) -> None:
    ids = [f"0199f3a2-6d1c-7c3e-9a51-0f2d4c8b7e1{n}" for n in (9, 1)]
    batch = [
        CLICK | {"email": email, "event_id": event_id}
        for email, event_id in zip((ADA, EVE), ids, strict=True)
    ]
    client.post("/api/events", json={"events": batch})
    assert set(emails(app)) == {ADA}


def test_a_server_links_a_user_and_the_trips_of_the_last_30_days(
    app: Flask, client: FlaskClient, write_key: str
) -> None:
    now = datetime.now(UTC)
    for request_id, days in (("new", 29), ("old", 31)):
        occurred_at = (now - timedelta(days=days)).isoformat()
        sent = event_of("create_trip_attempted", request_id=request_id, occurred_at=occurred_at)
        client.post("/api/events", json=sent, headers=bearer(write_key))
    answer = link(client, write_key, user_id="u1")
    assert answer.json == {
        "session_id": SESSION,
        "email": None,
        "user_id": "u1",
        "events_linked": 2,
    }
    attempts = "SELECT request_id, user_id FROM trip_creation_attempts ORDER BY request_id"
    assert rows(app, attempts) == [("new", "u1"), ("old", None)]


@pytest.mark.parametrize(
    ("days", "sent_user", "user"),
    [(29, None, "u1"), (40, None, None), (40, "u9", "u9")],
    ids=["within the limit", "before it", "before it, but named by the outcome"],
)
@pytest.mark.parametrize("order", ["outcome, link", "link, outcome"])
def test_an_outcome_that_comes_late_moves_no_limit(
    client: FlaskClient,
    app: Flask,
    write_key: str,
    order: str,
    days: int,
    sent_user: str | None,
    user: str | None,
) -> None:
    begun = datetime.now(UTC) - timedelta(days=days)
    attempted = event_of("create_trip_attempted", occurred_at=begun.isoformat())
    failed = event_of("create_trip_failed", user_id=sent_user)
    steps = {
        "link": lambda: link(client, write_key, user_id="u1"),
        "outcome": lambda: client.post("/api/events", json=failed, headers=bearer(write_key)),
    }
    client.post("/api/events", json=attempted, headers=bearer(write_key))
    for step in order.split(", "):
        assert steps[step]().status_code in (200, 202)
    attempts = "SELECT status, user_id FROM trip_creation_attempts"
    assert rows(app, attempts) == [("failed", user)]


def test_a_login_is_of_a_new_attempt_whose_outcome_alone_names_the_session(
    app: Flask, client: FlaskClient, write_key: str
) -> None:
    link(client, write_key, user_id="u1")
    for name, session in (("create_trip_attempted", None), ("create_trip_failed", SESSION)):
        sent = event_of(name, session_id=session)
        client.post("/api/events", json=sent, headers=bearer(write_key))
    assert rows(app, "SELECT user_id FROM trip_creation_attempts") == [("u1",)]


def test_an_email_and_a_user_may_come_one_after_the_other(
    app: Flask, client: FlaskClient, write_key: str
) -> None:
    client.post("/api/events", json=CLICK)
    link(client, email=ADA)
    answer = link(client, write_key, user_id="u1", email=ADA)
    assert answer.json["events_linked"] == 1
    assert (answer.json["email"], answer.json["user_id"]) == (ADA, "u1")
    assert link(client, write_key, user_id="u2").status_code == 409
    assert rows(app, "SELECT email, user_id FROM events") == [(ADA, "u1")]


def test_sessions_of_different_tenants_are_linked_apart(app: Flask, client: FlaskClient) -> None:
    make_tenant(app, "acme")
    key = make_key(app, "acme", ("write",))
    client.post("/api/events", json=CLICK)
    client.post("/api/events", json=CLICK, headers=bearer(key))
    assert link(client, key, email=EVE).json["events_linked"] == 1
    assert link(client, email=ADA).json["events_linked"] == 1
    by_tenant = "SELECT tenant_id, email FROM events ORDER BY tenant_id"
    assert rows(app, by_tenant) == [("acme", EVE), ("default", ADA)]


def test_a_link_makes_a_session_count_as_identified(app: Flask, client: FlaskClient) -> None:
    client.post("/api/events", json={"events": [CLICK, query(result_count=0, expert_ids=[])]})
    counted = "SELECT sum(members), sum(identified) FROM daily_uniques WHERE kind = :kind"
    assert rows(app, counted, kind="session") == [(1, 0)]
    link(client, email=ADA)
    assert rows(app, counted, kind="session") == [(1, 1)]
    waiting = "SELECT key, sum(members) FROM daily_uniques WHERE kind = 'zero_email' GROUP BY key"
    assert sorted(rows(app, waiting)) == [("", 1), ("tax adviser in lisbon", 1)]


class TestWithOneDatabase:
    """What is refused reaches no database."""

    @pytest.fixture
    def database_url(self, sqlite_database: str) -> str:
        return sqlite_database

    @pytest.mark.parametrize(
        ("body", "path", "rule"),
        [
            ({}, "email", "is required"),
            ({"session_id": None, "email": ADA}, "session_id", "is required"),
            ({"session_id": "x", "email": ADA}, "session_id", "must be a UUID"),
            ({"session_id": 7, "email": ADA}, "session_id", "must be a string"),
            ({"email": "x"}, "email", "must be an e-mail address"),
            ({"email": 7}, "email", "must be a string"),
            ({"email": ADA, "colour": 1}, "colour", "is not a known field"),
            ({"user_id": "u1"}, "user_id", "is accepted with a server key only"),
            ({"user_id": "", "email": ADA}, "user_id", "must have at least 1 character"),
            ({"user_id": "a\0b", "email": ADA}, "user_id", NO_NUL),
        ],
    )
    def test_a_faulty_link_names_each_fault(
        self, client: FlaskClient, body: dict[str, Any], path: str, rule: str
    ) -> None:
        answer = link(client, **body)
        assert answer.status_code == 422
        assert answer.json["error"]["code"] == "invalid_link"
        assert rule in [
            fault["message"] for fault in answer.json["error"]["fields"] if fault["path"] == path
        ]

    @pytest.mark.parametrize("body", ["[]", "7", "null", '"x"', "{}"])
    def test_json_that_is_no_link_is_422(self, client: FlaskClient, body: str) -> None:
        answer = client.post("/api/sessions/link", data=body, content_type="application/json")
        assert answer.status_code == 422
        assert faults(answer)
