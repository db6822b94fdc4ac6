"""The rows of few keys and of many, of few days and of many, add up to the same."""

from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Select
from sqlalchemy.orm import Session

from tests.conftest import record
from tests.metrics.asking import ANNA, BEN, asked, scope, search
from tracker.metrics import demand, feed, people
from tracker.model import Event

LONG_AGO = date(2024, 1, 1)
"""So far back that days are not asked about one by one."""


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_RETENTION_DAYS": "3650"}


def unknown(number: int) -> list[str]:
    return [f"nobody asks {n}" for n in range(number)]


@pytest.mark.parametrize("others", [0, 300, 600], ids=["few keys", "many places", "many keys"])
@pytest.mark.parametrize("first", [date(2026, 11, 2), date(2026, 7, 1), LONG_AGO], ids=str)
def test_searches_of_a_query_are_the_same_however_they_are_looked_up(
    app: Flask, others: int, first: date
) -> None:
    record(app, *(search("03 09:00", ANNA, "sailing") for _ in range(3)), search("04 09:00", BEN))
    period = scope(first=first)
    with app.extensions["database"].read(period.tenants) as session:
        counts = demand.searches_of(session, period, ["sailing", *unknown(others)])
    assert counts["sailing"] == 3


@pytest.mark.parametrize("first", [date(2026, 11, 2), LONG_AGO], ids=str)
def test_sessions_count_once_however_long_the_period(app: Flask, first: date) -> None:
    record(app, search("02 09:00", ANNA), search("04 09:00", ANNA), search("05 09:00", BEN))
    [(sessions, *_)] = asked(app, people.visitors, first=first)
    assert sessions == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_walks_the_feed_in_its_order_instead_of_sorting_all(app: Flask) -> None:
    with app.extensions["database"].read(("default",)) as session:
        wanted = feed.wanted_by(scope())
        plan = explained(session, feed.newest(session, wanted, [Event.id]))
    [step] = plan
    assert step.startswith("SEARCH ")
    assert "events USING COVERING INDEX ix_events_received " in step


def explained(session: Session, statement: Select[Any]) -> list[str]:
    """How SQLite goes about it."""
    dialect = session.get_bind().dialect
    compiled = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")
    return [row.detail for row in plan]
