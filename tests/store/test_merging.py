"""Merging slots: the same sums in fewer rows, while others write. On SQLite there is one slot."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import record
from tests.ingest.sending import click, event_of, query, rows
from tests.store.sequences import ALL_DAYS
from tracker.model import DailyQueries
from tracker.store.deltas import Deltas
from tracker.store.merging import BATCH, MERGED, merge_slots
from tracker.store.recount import check

TODAY = date(2026, 11, 20)
OLD = TODAY - timedelta(days=3)
NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)


def add(app: Flask, slot: int, *, day: date = OLD, name: str = "fado", **counts: Any) -> None:
    """Adds to a query's row of a day, as the writer with that slot would."""
    deltas = Deltas()
    deltas.add("daily_queries", ("default", day, name, "search_experts"), **counts)
    with app.extensions["database"].write() as connection:
        deltas.apply(connection, slot)


def merge(app: Flask) -> int:
    return merge_slots(app.extensions["database"], TODAY, rest=lambda *_: None)


def held(app: Flask) -> list[tuple[Any, ...]]:
    columns = ("query", "slot", "searches", "zero_results", "settled", "last_at")
    table = DailyQueries.__table__
    ordered = select(*(table.c[name] for name in columns)).order_by(*table.primary_key)
    with app.extensions["database"].read(None) as session:
        return [tuple(row) for row in session.execute(ordered)]


@pytest.fixture
def several(app: Flask) -> bool:
    """Whether the database has slots to merge."""
    return not app.extensions["database"].is_sqlite


def test_the_rows_of_a_key_become_one_with_their_sums_and_extremes(
    app: Flask, several: bool
) -> None:
    add(app, 0, searches=2, last_at=NOON)
    add(app, 3, searches=1, zero_results=1, last_at=NOON + timedelta(hours=1))
    add(app, 4, settled=3)
    add(app, 2, name="tapas", searches=5, last_at=NOON)
    before = held(app)
    assert merge(app) == (4 if several else 0)
    merged = [
        ("fado", MERGED, 3, 1, 3, NOON + timedelta(hours=1)),
        ("tapas", MERGED, 5, 0, 0, NOON),
    ]
    assert held(app) == (merged if several else before)


def test_what_comes_late_is_merged_the_next_time(app: Flask, several: bool) -> None:
    add(app, 0, searches=2, last_at=NOON)
    merge(app)
    assert merge(app) == 0
    add(app, 1, searches=1, zero_results=1, last_at=NOON - timedelta(hours=1))
    assert merge(app) == (1 if several else 0)
    assert sum(row[2] for row in held(app)) == 3
    assert len(held(app)) == (1 if several else 2)


def test_a_day_that_is_not_over_stays_as_it_is(app: Flask) -> None:
    add(app, 0, day=TODAY, searches=1)
    add(app, 1, day=TODAY, searches=1)
    before = held(app)
    assert merge(app) == 0
    assert held(app) == before


def test_what_adds_up_to_nothing_goes(app: Flask, several: bool) -> None:
    add(app, 0, searches=1)
    add(app, 1, searches=-1)
    merge(app)
    assert len(held(app)) == (0 if several else 2)


def test_rows_that_a_writer_holds_are_left_and_not_waited_for(app: Flask, several: bool) -> None:
    add(app, 0, searches=1)
    add(app, 1, searches=2)
    database = app.extensions["database"]
    if several:
        with database.write() as writer:
            table = DailyQueries.__table__
            writer.execute(select(table).where(table.c.slot == 1).with_for_update())
            assert merge(app) == 1
    merge(app)
    assert [row[1:3] for row in held(app)] == ([(MERGED, 3)] if several else [(0, 1), (1, 2)])


def test_more_than_a_batch_is_merged_in_several(app: Flask, several: bool) -> None:
    deltas = Deltas()
    for number in range(BATCH + 5):
        deltas.add("daily_queries", ("default", OLD, f"q{number}", "search_experts"), searches=1)
    with app.extensions["database"].write() as connection:
        deltas.apply(connection, 2)
    rests: list[float] = []
    merged = merge_slots(app.extensions["database"], TODAY, rest=lambda at, _: rests.append(at))
    assert (merged, len(rests)) == ((BATCH + 5, 2) if several else (0, 0))


def test_events_count_the_same_when_their_days_are_merged(app: Flask) -> None:
    record(app, query(), click(expert_id="e2"), event_of("create_trip_failed"))
    counts = "SELECT sum(searches), sum(settled), count(DISTINCT query) FROM daily_queries"
    before = rows(app, counts)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    merge_slots(app.extensions["database"], tomorrow, rest=lambda *_: None)
    assert rows(app, counts) == before
    with app.extensions["database"].write() as connection:
        assert check(connection, *ALL_DAYS) == []
