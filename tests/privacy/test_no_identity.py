"""No IP address and no user agent is stored, logged or shown, whatever comes in."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import insert, select

from tests.conftest import SESSION, bearer, dispose, make_app, make_key
from tracker.model import Base, DailySalt
from tracker.store.salts import delete_old_salts

ADDRESS = "203.0.113.77"
FORWARDED = "198.51.100.23"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) TellTale/77.1"
TELL_TALES = (ADDRESS, FORWARDED, "TellTale", "X11; Linux")

EVENTS: list[Any] = [
    {"event_type": "card_click", "payload": {"expert_id": "e1", "context": "grid"}},
    {"event_type": "card_click", "payload": {"expert_id": 7}},
    {"event_type": "no_such_type"},
    {"event_type": "create_trip__cta--generate", "payload": {"surface": "planner"}},
    "no event at all",
]


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_TRUSTED_PROXIES": "1", "TRACKER_RATE_LIMIT": "30/minute"}


def traffic(app: Flask) -> list[str]:
    """Requests of all kinds, some too many and some broken; returns what was answered."""
    client = app.test_client()
    sender: dict[str, Any] = {
        "headers": {"User-Agent": AGENT, "X-Forwarded-For": FORWARDED},
        "environ_base": {"REMOTE_ADDR": ADDRESS},
    }
    answers = []
    for event in EVENTS:
        sent = event | {"session_id": SESSION} if isinstance(event, dict) else event
        answers.append(client.post("/api/events", json=sent, **sender))
    link = {"session_id": SESSION, "email": "ada@example.com"}
    answers.append(client.post("/api/sessions/link", json=link, **sender))
    answers.append(client.post("/api/events", data=b"\xff{", **sender))
    for path in ("/", "/overview", "/nowhere", "/login", "/trips/totals.json", "/api/events"):
        answers.append(client.get(path, **sender))
    answers.append(client.post("/login", data={"email": "x", "password": "y"}, **sender))
    answers += [client.post("/api/events", json=EVENTS[0], **sender) for _ in range(40)]
    assert 429 in {answer.status_code for answer in answers}
    return [answer.text + str(answer.headers) for answer in answers]


def test_neither_database_nor_logs_nor_answers_hold_an_address_or_a_user_agent(
    app: Flask, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = traffic(app)
    out, err = capfd.readouterr()
    logs = caplog.text + out + err + "".join(str(vars(record)) for record in caplog.records)
    for where, text in (
        ("the database", everything(app)),
        ("the logs", logs),
        ("an answer", "\n".join(answers)),
    ):
        for tell_tale in TELL_TALES:
            assert tell_tale not in text, f"{tell_tale} is in {where}"


def everything(app: Flask) -> str:
    """All rows of all tables; for SQLite the bytes of its files too."""
    database = app.extensions["database"]
    with database.read(None) as session:
        rows = [
            str(tuple(row))  # a row itself leaves out the middle of long texts
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table))
        ]
    if database.is_sqlite:
        path = Path(database.writer.url.database)
        rows += [file.read_bytes().decode("latin-1") for file in path.parent.glob(path.name + "*")]
    return "\n".join(rows)


def test_an_unexpected_error_is_logged_and_shown_without_them(
    database_url: str, environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> str:
        raise RuntimeError("broken on purpose")

    app = make_app(database_url, environment)
    app.add_url_rule("/broken", "broken", fail)
    headers = {"User-Agent": AGENT, "X-Forwarded-For": FORWARDED}
    answer = app.test_client().get("/broken", headers=headers)
    assert answer.status_code == 500
    for text in (answer.text, caplog.text):
        assert not any(tell_tale in text for tell_tale in TELL_TALES)
    assert "broken on purpose" in caplog.text
    dispose(app)


def test_an_address_typed_into_a_filter_is_redacted_and_what_looks_like_a_number_stays(
    app: Flask,
) -> None:
    sent = [
        ("filter_change", {"filter": "search", "value": "ask Ada@Example.com", "result_count": 0}),
        ("filter_change", {"filter": "tags", "value": ["ada＠example.com"], "result_count": 0}),
        ("filter_change", {"filter": "from", "value": "2026-11-14", "result_count": 0}),
        ("filter_change", {"filter": "id", "value": "4111 1111 1111 1111", "result_count": 0}),
        ("card_click", {"expert_id": "e1", "context": "grid", "filters": {"q": "ada@example.com"}}),
        (
            "results_shown",
            {
                "view_id": "v",
                "context": "grid",
                "expert_ids": [],
                "filters": {"q": ["a@b.example"]},
            },
        ),
    ]
    events = [
        {"event_type": name, "session_id": SESSION, "payload": payload} for name, payload in sent
    ]
    answer = app.test_client().post("/api/events", json={"events": events})
    assert answer.json["accepted"] == len(events)
    held = everything(app)
    assert "ask [email]" in held
    assert not any(told in held for told in ("xample.com", "b.example"))
    assert "2026-11-14" in held
    assert "4111 1111 1111 1111" in held


def test_a_trips_error_code_is_redacted(app: Flask) -> None:
    key = make_key(app, "default", ("write",))
    event = {
        "event_type": "create_trip_failed",
        "request_id": str(uuid4()),
        "payload": {"error_code": "no seat for ada@example.com"},
    }
    assert app.test_client().post("/api/events", json=event, headers=bearer(key)).status_code == 202
    held = everything(app)
    assert "no seat for [email]" in held
    assert "ada@example.com" not in held


def test_a_servers_notes_are_cut_and_redacted(app: Flask) -> None:
    key = make_key(app, "default", ("write",))
    notes = "Call +44 20 7946 0958 or write to ada@example.com. " + "x" * 600
    event = {
        "event_type": "create_trip_attempted",
        "request_id": str(uuid4()),
        "payload": {"input_snapshot": {"notes": notes}},
    }
    assert app.test_client().post("/api/events", json=event, headers=bearer(key)).status_code == 202
    held = everything(app)
    assert "ada@example.com" not in held
    assert "7946 0958" not in held
    assert "x" * 501 not in held


def test_salts_are_gone_after_48_hours(app: Flask) -> None:
    now = datetime.now(UTC)
    with app.extensions["database"].write() as connection:
        for hours in (1, 47, 49):
            at = now - timedelta(hours=hours)
            day = now.date() - timedelta(days=hours)
            connection.execute(insert(DailySalt).values(day=day, salt="s", created_at=at))
        assert delete_old_salts(connection) == 1
