"""What spans the border of expiry counts as before: settled again, checked, rebuilt, erased."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from sqlalchemy import delete

from tests.conftest import record
from tests.ingest.sending import rows
from tests.store.sequences import Line, anybody, batches, empty, events, send, state
from tracker.catalog import CATALOG
from tracker.model import Settled
from tracker.store.erasure import erase
from tracker.store.expired import cutoff
from tracker.store.marking import mark_days
from tracker.store.recount import RECOUNTED, check, rebuild
from tracker.store.remembering import remember
from tracker.store.retention import expire
from tracker.store.settling import settle_all

NOW = datetime.now(UTC)
TODAY = NOW.date()
SESSION = str(UUID(int=1, version=4))


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_RETENTION_DAYS": "400"}


def expire_before(app: Flask, days_ago: int) -> None:
    expire(app.extensions["database"], cutoff(NOW, ZoneInfo("UTC"), days_ago))


def at(kind: str, minutes: int, **payload: Any) -> Line:
    """An event so many minutes after the midnight that 90 days of retention set."""
    border = NOW.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=90)
    return {
        "event_type": kind,
        "event_id": str(uuid4()),
        "session_id": SESSION,
        "occurred_at": (border + timedelta(minutes=minutes)).isoformat(),
        "payload": CATALOG[kind].example | payload,
    }


def filter_set(minutes: int, name: str, count: int) -> Line:
    return at("filter_change", minutes, filter=name, value="x", result_count=count)


def trip(kind: str, minutes: int, **payload: Any) -> Line:
    return at(f"create_trip_{kind}", minutes, **payload) | {"request_id": "req_9"}


SPANNING = {
    "a trip tried before midnight": [
        trip("attempted", -1),
        trip("failed", 1, error_code="TIMEOUT"),
    ],
    "a trip whose outcome came before the attempt": [
        trip("failed", -1, error_code="TIMEOUT", duration_ms=7),
        trip("attempted", 1, prompt_contract_version="v2"),
    ],
    "an ingestion over midnight": [
        at("ingest_started", -5),
        at("ingest_completed", 5),
        at("ingest_failed", 9),
    ],
    "an ingestion of many days, begun twice": [
        at("ingest_started", -9000),
        at("ingest_started", -8000),
        at("ingest_completed", 9000),
    ],
    "a conversation's id used again": [
        at("conversation_started", -9000),
        at("escalation_triggered", -8000),
        at("conversation_started", 50),
        at("escalation_triggered", 60),
    ],
    "a conversation escalated before it started": [
        at("escalation_triggered", -30),
        at("conversation_started", 50),
    ],
    "filters set together over midnight": [
        filter_set(-40, "city", 4),
        filter_set(-20, "rate", 3),
        filter_set(-5, "tag", 2),
        filter_set(3, "language", 0),
        filter_set(6, "rate", 1),
    ],
}


def counted(app: Flask, first: Any) -> dict[str, list[str]]:
    """All rollups' rows from a day on."""
    found, days = state(app), [repr(first + timedelta(days=n)) for n in range(9)]
    return {
        name: [row for row in found[name] if any(day in row for day in days)] for name in RECOUNTED
    }


def settle_again(app: Flask, first: Any) -> None:
    with app.extensions["database"].write() as connection:
        mark_days(connection, first, TODAY)
    settle_all(app.extensions["database"])


def differences(app: Flask, first: Any) -> list[Any]:
    with app.extensions["database"].snapshot() as connection:
        return check(connection, first, TODAY)


def rebuild_from(app: Flask, first: Any) -> None:
    with app.extensions["database"].write() as connection:
        rebuild(connection, first, TODAY)


@pytest.mark.parametrize("lines", SPANNING.values(), ids=SPANNING)
def test_what_spans_the_border_counts_as_before(app: Flask, lines: list[Line]) -> None:
    record(app, *lines)
    kept = state(app)
    for days_ago in (92, 91, 90, 89):
        expire_before(app, days_ago)
        first = TODAY - timedelta(days=days_ago - 1)
        settle_again(app, first)
        assert differences(app, first) == []
        rebuild_from(app, first)
        assert {name: state(app)[name] for name in RECOUNTED} == {n: kept[n] for n in RECOUNTED}


def test_what_comes_late_is_settled_by_what_had_begun(app: Flask) -> None:
    record(app, at("ingest_started", -5), at("ingest_failed", 5))
    expire_before(app, 90)
    record(app, at("ingest_completed", 6))
    pairs = "SELECT dim_b, dim_c, sum(events) FROM daily_business WHERE measure = 'ingest_pairs'"
    assert sorted(rows(app, pairs + " GROUP BY dim_b, dim_c")) == [
        ("ingest_completed", "660000", 1),
        ("ingest_failed", "600000", 1),
    ]


@pytest.mark.parametrize("lines", SPANNING.values(), ids=SPANNING)
def test_the_beginning_goes_with_the_last_that_came_later(app: Flask, lines: list[Line]) -> None:
    record(app, *lines)
    expire_before(app, 90)
    remembered = "SELECT count(*) FROM remembered WHERE kind <> ''"
    assert rows(app, remembered) == [(1,)]
    expire_before(app, 50)
    assert rows(app, remembered) == [(0,)]


@pytest.mark.parametrize("lines", SPANNING.values(), ids=SPANNING)
def test_the_beginning_goes_with_whoever_is_erased(app: Flask, lines: list[Line]) -> None:
    record(app, *lines)
    expire_before(app, 90)
    erase(app.extensions["database"], "session", SESSION, "test")
    assert rows(app, "SELECT count(*) FROM remembered WHERE kind <> ''") == [(0,)]
    assert differences(app, TODAY - timedelta(days=89)) == []


def test_an_attempt_of_which_the_expired_beginning_is_left_counts_no_more(app: Flask) -> None:
    others = trip("failed", 5, error_code="TIMEOUT") | {"session_id": str(UUID(int=2, version=4))}
    unnamed = trip("failed", -1, error_code="TIMEOUT") | {"session_id": None}
    record(app, unnamed, trip("attempted", 1), others)
    expire_before(app, 90)
    erase(app.extensions["database"], "session", SESSION, "test")
    assert rows(app, "SELECT count(*) FROM trip_creation_attempts") == [(0,)]
    assert differences(app, TODAY - timedelta(days=89)) == []


def test_what_has_expired_is_not_checked_when_the_retention_is_raised(app: Flask) -> None:
    record(app, at("card_click", -5), at("card_click", 5))
    expire_before(app, 90)  # though 400 days are kept from now on
    for command in ("check", "rebuild", "check"):
        assert app.test_cli_runner().invoke(args=["rollups", command]).exit_code == 0
    assert rows(app, "SELECT sum(events) FROM daily_events") == [(2,)]


def test_nothing_that_was_said_is_remembered(app: Flask) -> None:
    record(app, filter_set(-5, "city", 4) | {"email": "ada@example.com"}, filter_set(5, "rate", 3))
    expire_before(app, 90)
    (kept,) = rows(app, "SELECT events FROM remembered WHERE kind <> ''")
    for said in ("ada@example.com", '"x"', "payload"):
        assert said not in str(kept)


def test_expired_days_are_left_alone_while_their_events_are_still_there(app: Flask) -> None:
    record(app, *SPANNING["an ingestion over midnight"], at("ingest_completed", -3))
    kept = state(app)["daily_business"]
    database = app.extensions["database"]
    remember(database, cutoff(NOW, ZoneInfo("UTC"), 90))
    border = TODAY - timedelta(days=90)
    with database.write() as connection:  # as expiry does first
        connection.execute(delete(Settled).where(Settled.day < border))
    settle_again(app, border - timedelta(days=9))
    assert state(app)["daily_business"] == kept


@settings(
    max_examples=15,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(early=batches(events(anybody)), late=batches(events(anybody)))
def test_whatever_was_there_held_days_stay_right(
    app: Flask, early: list[list[Line]], late: list[list[Line]]
) -> None:
    empty(app)
    send(app, early)
    first = TODAY - timedelta(days=2)
    kept = counted(app, first)
    expire_before(app, 2)
    settle_again(app, first)
    assert counted(app, first) == kept
    send(app, [[line for line in request if line["occurred_at"] >= str(first)] for request in late])
    assert differences(app, first) == []
    rebuild_from(app, first)
    assert differences(app, first) == []
