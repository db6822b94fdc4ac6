"""Attempts fold from their events, whatever the order in which those come."""

import random
import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from tests.conftest import SESSION, record
from tracker.model import Base, Event, TripAttempt
from tracker.store.inputs import shared_inputs
from tracker.store.recount import check
from tracker.store.trips import bucket_duration, duration_bucket

NOW = datetime.now(UTC).replace(microsecond=0)
EVER = (date(2000, 1, 1), date(2100, 1, 1))


def event(kind: str, request: str, minute: int, number: int, **payload: Any) -> dict[str, Any]:
    return {
        "event_type": f"create_trip_{kind}",
        "event_id": str(UUID(int=number + 1, version=4)),
        "session_id": SESSION,
        "request_id": request,
        "occurred_at": (NOW - timedelta(days=2) + timedelta(minutes=minute)).isoformat(),
        "payload": payload,
    }


def attempted(request: str, minute: int, number: int, mode: str = "train") -> dict[str, Any]:
    return event("attempted", request, minute, number, input_snapshot={"mode": mode, "nights": 3})


def succeeded(request: str, minute: int, number: int, ms: float = 900) -> dict[str, Any]:
    return event("succeeded", request, minute, number, trip_id="t1", duration_ms=ms)


def failed(request: str, minute: int, number: int, code: str = "TIMEOUT") -> dict[str, Any]:
    return event("failed", request, minute, number, error_code=code, duration_ms=30_000)


def attempts(app: Flask) -> list[Any]:
    with app.extensions["database"].read(None) as session:
        table = TripAttempt.__table__
        return [dict(r._mapping) for r in session.execute(select(table).order_by(table.c.id))]


def differences(app: Flask) -> list[Any]:
    with app.extensions["database"].write() as connection:
        return check(connection, *EVER)


def empty(app: Flask) -> None:
    with app.extensions["database"].write() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in ("tenants", "alert_rules"):
                connection.execute(delete(table))


def test_the_three_events_of_a_request_make_one_attempt(app: Flask) -> None:
    record(app, attempted("r1", 0, 1), succeeded("r1", 1, 2, ms=1183))
    [row] = attempts(app)
    assert (row["status"], row["duration_ms"], row["trip_id"]) == ("success", 1183, "t1")
    assert row["input_snapshot"] == {"mode": "train", "nights": 3}
    assert row["prompt_contract_version"] == "classic_v1"
    assert row["created_at"] == NOW - timedelta(days=2)


def test_an_outcome_without_its_attempt_makes_a_row_at_its_own_time(app: Flask) -> None:
    record(app, failed("r1", 5, 1))
    [row] = attempts(app)
    assert (row["status"], row["attempted_at"]) == ("failed", None)
    assert row["created_at"] == NOW - timedelta(days=2) + timedelta(minutes=5)
    record(app, attempted("r1", 3, 2))
    [row] = attempts(app)
    assert (row["status"], row["created_at"]) == ("failed", row["attempted_at"])
    assert differences(app) == []


def test_of_two_outcomes_the_one_that_occurred_first_stands(app: Flask) -> None:
    record(app, attempted("r1", 0, 1), succeeded("r1", 3, 2))
    record(app, failed("r1", 2, 3))
    [row] = attempts(app)
    assert (row["status"], row["error_code"]) == ("failed", "TIMEOUT")
    assert differences(app) == []


STORY = st.lists(
    st.builds(
        lambda kind, request, minute, code: (kind, f"r{request}", minute, code),
        st.sampled_from(["attempted", "succeeded", "failed"]),
        st.integers(1, 3),
        st.integers(0, 2000),
        st.sampled_from(["TIMEOUT", "NO_ROUTE"]),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=STORY, seed=st.integers(0, 999), cuts=st.integers(1, 4))
def test_the_order_the_batches_and_repetition_make_no_difference(
    app: Flask, story: list[tuple[str, str, int, str]], seed: int, cuts: int
) -> None:
    lines = [_line(n, *step) for n, step in enumerate(story)]
    empty(app)
    record(app, *lines)
    expected = attempts(app)
    empty(app)
    shuffled = lines + lines[: len(lines) // 2]
    random.Random(seed).shuffle(shuffled)
    size = max(1, len(shuffled) // cuts)
    for start in range(0, len(shuffled), size):
        record(app, *shuffled[start : start + size])
    assert attempts(app) == expected
    assert differences(app) == []


def _line(n: int, kind: str, request: str, minute: int, code: str) -> dict[str, Any]:
    if kind == "attempted":
        return attempted(request, minute, n, mode=code)
    return (
        succeeded(request, minute, n) if kind == "succeeded" else failed(request, minute, n, code)
    )


def test_events_of_one_request_that_come_at_once_make_one_attempt(app: Flask) -> None:
    lines = [attempted("r1", 0, 1), succeeded("r1", 3, 2), failed("r1", 2, 3)] * 3
    threads = [threading.Thread(target=record, args=(app, line)) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [row] = attempts(app)
    assert (row["status"], row["error_code"]) == ("failed", "TIMEOUT")
    assert differences(app) == []
    with app.extensions["database"].read(None) as session:
        assert len(session.execute(select(Event.id)).all()) == 3


@pytest.mark.parametrize("duration", [0.2, 1, 1.09, 7, 1183, 29_999.5, 3_600_000])
def test_a_bucket_stands_for_durations_within_five_percent(duration: float) -> None:
    stands_for = bucket_duration(duration_bucket(duration))
    assert duration < 1 or abs(stands_for - duration) / duration <= 0.05


def test_inputs_that_are_shared_are_counted_and_personal_ones_are_not() -> None:
    snapshot = {
        "transport": {"mode": "night_train"},
        "travelers": 9,
        "budget": 1234.5,
        "roundtrip": True,
        "interests": ["art", "food", "art"],
        "leaving_time": "08:10",
        "leaving_date": "2026-11-02",
        "notes": "My mother is ill",
        "first_name": "Ada",
        "contact": {"email": "a@b.c"},
        "customer_id": "77",
        "user": "usr_ada",
        "account": {"owner": "ada", "plan": "pro"},
        "wish": "a very long wish that only one person in the world would ever have",
    }
    assert shared_inputs(snapshot) == [
        ("transport.mode", "night_train"),
        ("travelers", "9"),
        ("budget", "1200"),
        ("roundtrip", "true"),
        ("interests", "art"),
        ("interests", "food"),
        ("leaving_time", "08 h"),
        ("account.plan", "pro"),
    ]
