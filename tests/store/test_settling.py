"""Settling what depends on order: once, whatever is settled together, while others write."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event as Signal
from typing import Any

from flask import Flask

from tests.conftest import SESSION, record
from tests.ingest.sending import click, event_of, query, rows, value
from tests.store.sequences import ALL_DAYS
from tracker.store.recount import check, rebuild
from tracker.store.settling import settle_all, settle_some, settled_as_of

NOW = datetime.now(UTC).replace(microsecond=0)
STARTED = event_of("ingest_started", occurred_at=(NOW - timedelta(seconds=90)).isoformat())
COMPLETED = event_of("ingest_completed", occurred_at=(NOW - timedelta(seconds=60)).isoformat())
PAIRS = (
    "SELECT dim_c, sum(events) FROM daily_business WHERE measure = 'ingest_pairs' GROUP BY dim_c"
)


def at(event: dict[str, Any], seconds: int) -> dict[str, Any]:
    """The event, that many seconds before now."""
    return event | {"occurred_at": (NOW - timedelta(seconds=seconds)).isoformat()}


def differences(app: Flask) -> list[Any]:
    with app.extensions["database"].write() as connection:
        return check(connection, *ALL_DAYS)


def test_what_a_session_reports_of_a_source_counts_once(app: Flask) -> None:
    record(app, STARTED, COMPLETED, query())
    assert rows(app, PAIRS) == [("30000", 1)]


def of_source(event: dict[str, Any], url: str) -> dict[str, Any]:
    return event | {"payload": event["payload"] | {"url": url}}


def test_long_urls_that_begin_alike_are_sources_of_their_own(app: Flask) -> None:
    first, second = (f"https://files.example.com/{'k' * 600}?signature={n}" for n in "ab")
    record(
        app,
        at(of_source(STARTED, first), 90),
        at(of_source(STARTED, second), 60),
        at(of_source(COMPLETED, first), 30),
        at(of_source(COMPLETED, second), 20),
    )
    assert sorted(rows(app, PAIRS)) == [("40000", 1), ("60000", 1)]
    assert value(app, "SELECT count(DISTINCT subject) FROM events") == 2


def test_a_late_click_turns_an_unclicked_search_into_a_clicked_one(app: Flask) -> None:
    record(app, at(query(), 100))
    counts = "SELECT sum(settled), sum(clicked), sum(unclicked) FROM daily_queries"
    assert rows(app, counts) == [(1, 0, 1)]
    record(app, at(click(expert_id="e2", context="sage_panel"), 90))
    assert rows(app, counts) == [(1, 1, 0)]
    clicks = "SELECT rank, sum(searches) FROM daily_search_clicks GROUP BY rank"
    assert rows(app, clicks) == [(2, 1)]


def test_an_earlier_start_that_arrives_late_pairs_anew(app: Flask) -> None:
    record(app, at(COMPLETED, 10), at(STARTED, 50))
    assert rows(app, PAIRS) == [("40000", 1)]
    record(app, at(STARTED, 20))
    assert rows(app, PAIRS + " HAVING sum(events) > 0") == [("10000", 1)]


def test_settling_says_since_when_something_waits(app: Flask) -> None:
    with app.extensions["database"].write() as connection:
        assert settled_as_of(connection) is None
    record(app, query(), settle=False)
    with app.extensions["database"].write() as connection:
        waits = settled_as_of(connection)
    assert waits is not None
    assert NOW <= waits <= datetime.now(UTC)
    assert settle_all(app.extensions["database"]) == 1
    with app.extensions["database"].write() as connection:
        assert settled_as_of(connection) is None


def test_a_check_takes_what_waits_to_be_settled_as_it_last_was(app: Flask) -> None:
    record(app, at(query(), 100), STARTED)
    record(app, at(click(context="sage_panel"), 90), COMPLETED, settle=False)
    assert differences(app) == []
    with app.extensions["database"].write() as connection:
        rebuild(connection, *ALL_DAYS)
    settle_all(app.extensions["database"])
    assert differences(app) == []
    assert value(app, "SELECT sum(clicked) FROM daily_queries") == 1


def test_a_check_beside_writers_sees_one_moment(app: Flask) -> None:
    database, stop = app.extensions["database"], Signal()

    def keep_writing() -> None:
        while not stop.is_set():
            record(app, query(), click(context="sage_panel"), STARTED, COMPLETED)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(keep_writing)
        for _ in range(5):
            with database.snapshot() as connection:
                assert check(connection, *ALL_DAYS) == []
        stop.set()
        writing.result(30)


def test_settling_again_changes_nothing(app: Flask) -> None:
    record(app, at(query(), 100), at(click(context="sage_panel"), 90), STARTED, COMPLETED)
    facts = "SELECT kind, key, facts FROM settled ORDER BY kind, key"
    before = rows(app, facts)
    record(app, at(query(), 100) | {"session_id": SESSION.replace("5", "6")})
    assert rows(app, facts)[0] == before[0]
    assert differences(app) == []


def test_what_is_written_while_others_settle_is_settled_next(app: Flask) -> None:
    from tracker.catalog.calendar import Calendar
    from tracker.catalog.parsing import Terms, parse
    from tracker.store.writer import Work, write

    database = app.extensions["database"]
    started = event_of("conversation_started")
    record(app, started, settle=False)
    calendar: Calendar = app.extensions["calendar"]
    terms = Terms(datetime.now(UTC), calendar, timedelta(days=90), "default", with_key=True)
    written, settling = Signal(), Signal()

    def write_slowly() -> None:
        with database.write() as connection:
            write(connection, [Work(rows=[parse(event_of("escalation_triggered"), terms)])], 0)
            written.set()
            settling.wait(0.5)

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(write_slowly)
        assert written.wait(10)
        settled = pool.submit(settle_some, database)
        slow.result(10)
        settled.result(10)
    settle_all(database)
    assert value(app, "SELECT sum(amount_a) FROM daily_business") == 1
    assert differences(app) == []
