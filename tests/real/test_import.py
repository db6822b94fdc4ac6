"""`flask events import` of the real file, and `/overview` against the raw lines counted anew."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from flask import Flask

from tests.conftest import real_data
from tests.ingest.sending import rows, value
from tests.real.conftest import within
from tests.store.sequences import ALL_DAYS
from tracker.store.recount import check

FOUR_WEEKS = (date(2026, 10, 18), date(2026, 11, 14))

Lines = list[dict[str, Any]]


def run(app: Flask) -> Any:
    file = str(real_data() / "sgd_dev.ndjson.gz")
    return app.test_cli_runner().invoke(args=["events", "import", file])


def test_every_event_is_stored_as_it_was_sent(imported: Flask, lines: Lines) -> None:
    sent = {line["event_id"]: line for line in lines if "event_type" in line}
    columns = "id, event_type, session_id, request_id, source, is_bot"
    stored = rows(imported, f"SELECT {columns} FROM events")
    assert len(stored) == len(sent) == 25_256
    for event_id, event_type, session, request, source, is_bot in stored:
        line = sent[str(event_id)]
        assert event_type == line["event_type"]
        assert str(session) == line["session_id"]
        assert request == line.get("request_id")
        assert source == "import"
        assert not is_bot


def test_every_link_is_known_and_on_its_session_s_events(imported: Flask, lines: Lines) -> None:
    links = {line["session_id"]: line["email"] for line in lines if "event_type" not in line}
    assert value(imported, "SELECT count(*) FROM identities") == len(links)
    stored = rows(imported, "SELECT DISTINCT session_id, email FROM events")
    assert {str(session): email for session, email in stored if email} == {
        session: email
        for session, email in links.items()
        if session in {str(known) for known, _ in stored}
    }


def test_a_second_run_adds_nothing(imported: Flask) -> None:
    tables = ("daily_events", "daily_queries", "daily_experts", "daily_uniques", "daily_trips")
    counted = [rows(imported, f"SELECT count(*) FROM {table}") for table in tables]
    result = run(imported)
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "accepted 0 duplicates 25256 linked 0 rejected 0"
    assert value(imported, "SELECT count(*) FROM events") == 25_256
    assert [rows(imported, f"SELECT count(*) FROM {table}") for table in tables] == counted


def test_the_rollups_are_what_a_recount_counts(imported: Flask) -> None:
    with imported.extensions["database"].write() as connection:
        assert check(connection, *ALL_DAYS) == []


def test_the_overview_s_totals_are_those_of_the_file(panel: Any, lines: Lines) -> None:
    events = within(lines, FOUR_WEEKS)
    by_type = Counter(line["event_type"] for line in events)
    sessions = {line["session_id"] for line in events}
    linked = {line["session_id"] for line in lines if "event_type" not in line}
    searches = [line["payload"] for line in events if line["event_type"] == "sage_query"]
    assert panel("/overview/totals", FOUR_WEEKS) == [
        {
            "events": len(events),
            "sessions": len(sessions),
            "identified_sessions": len(sessions & linked),
            "card_clicks": by_type["card_click"],
            "sage_queries": by_type["sage_query"],
            "filter_changes": by_type["filter_change"],
            "zero_result_rate": sum(search["result_count"] == 0 for search in searches)
            / len(searches),
        }
    ]


def test_the_overview_s_days_are_those_of_the_file(panel: Any, lines: Lines) -> None:
    types = ("card_click", "sage_query", "filter_change")
    counts = Counter(
        (line["day"], line["event_type"]) for line in within(lines, FOUR_WEEKS, *types)
    )
    days = [FOUR_WEEKS[0] + timedelta(days=n) for n in range(28)]
    assert panel("/overview/daily-events", FOUR_WEEKS) == [
        {"day": day.isoformat()} | {name: counts[day, name] for name in types} for day in days
    ]
