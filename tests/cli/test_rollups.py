"""`flask rollups check`, `rebuild` and `settle`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from tests.conftest import record, today
from tests.ingest.sending import FILTER, click, event_of, query, value


@pytest.fixture
def visited(app: Flask) -> Flask:
    """An app with some events of every family."""
    events = [query(), click(context="sage_panel"), FILTER, event_of("results_shown")]
    events += [event_of("create_trip_attempted"), event_of("create_trip_failed")]
    events += [event_of("ingest_started"), event_of("ingest_completed")]
    yesterday = datetime.now(UTC) - timedelta(days=1)
    events += [query() | {"occurred_at": yesterday.isoformat()}]
    record(app, *events)
    return app


def run(app: Flask, *words: str) -> Any:
    return app.test_cli_runner().invoke(args=["rollups", *words])


def change(app: Flask, sql: str) -> None:
    with app.extensions["database"].write() as connection:
        assert connection.execute(text(sql)).rowcount


def test_nothing_differs_after_ordinary_work(visited: Flask) -> None:
    result = run(visited, "check")
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "0 differences"


PLANTED = [
    "UPDATE daily_events SET events = events + 1 WHERE event_type = 'sage_query'",
    "DELETE FROM daily_queries",
    "UPDATE daily_queries SET clicked = 0",
    "UPDATE daily_experts SET impressions = impressions - 1 WHERE context = 'grid'",
    "UPDATE daily_filters SET sets = 7",
    "UPDATE daily_results SET result_count = 5",
    "UPDATE daily_trips SET status = 'success'",
    "UPDATE daily_business SET amount_b = 0 WHERE measure = 'ingest_completed'",
    "DELETE FROM daily_business WHERE measure = 'ingest_pairs'",
    "UPDATE daily_uniques SET members = 3",
    "UPDATE daily_uniques SET identified = 1",
]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda sql: " ".join(sql.split()[1:6]))
def test_a_planted_difference_is_found_and_a_rebuild_repairs_it(
    visited: Flask, planted: str
) -> None:
    change(visited, planted)
    found = run(visited, "check")
    assert found.exit_code == 1
    assert "stored" in found.output
    assert run(visited, "rebuild").exit_code == 0
    assert run(visited, "check").output.splitlines()[-1] == "0 differences"
    record(visited, query(), click(context="sage_panel"))
    assert run(visited, "check").exit_code == 0


def test_only_the_days_asked_for_are_checked_and_rebuilt(visited: Flask) -> None:
    change(visited, "UPDATE daily_events SET events = 50 WHERE event_type = 'sage_query'")
    yesterday, this_day = (str(today() - timedelta(days=ago)) for ago in (1, 0))
    assert run(visited, "rebuild", "--from", this_day).exit_code == 0
    assert run(visited, "check", "--from", this_day).exit_code == 0
    assert run(visited, "check", "--to", yesterday).exit_code == 1
    run(visited, "rebuild", "--to", yesterday)
    assert run(visited, "check").exit_code == 0


def test_settle_brings_clicks_up_to_date_at_once(app: Flask) -> None:
    record(app, query(), click(context="sage_panel"), settle=False)
    assert value(app, "SELECT sum(settled) FROM daily_queries") == 0
    assert run(app, "settle").exit_code == 0
    assert value(app, "SELECT sum(clicked) FROM daily_queries") == 1


def test_settle_takes_up_again_what_happened_on_the_days_named(visited: Flask) -> None:
    yesterday, this_day = (str(today() - timedelta(days=ago)) for ago in (1, 0))
    assert run(visited, "settle").output == "0 settled\n"
    assert run(visited, "settle", "--to", yesterday).output == "1 settled\n"  # the session
    assert run(visited, "settle", "--from", this_day).output == "2 settled\n"  # and the source
    assert run(visited, "check").exit_code == 0
