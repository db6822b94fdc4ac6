"""The overview's numbers, worked out by hand."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from tests.conftest import make_tenant, record, today
from tracker.metrics import activity, overview
from tracker.metrics.scope import Scope
from tracker.store import writer
from tracker.store.erasure import erase

ANN, BOB, CAT = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))


def event(kind: str, session: str, ago: int, payload: dict[str, Any], **more: Any) -> Any:
    """One event at noon of a day `ago` days back."""
    at = datetime.combine(today() - timedelta(days=ago), time(), UTC)
    line = {"event_type": kind, "session_id": session, "occurred_at": at.isoformat()}
    return line | {"payload": payload} | more


def click(session: str, ago: int, **more: Any) -> Any:
    return event("card_click", session, ago, {"expert_id": "e1", "context": "grid"}, **more)


def search(session: str, ago: int, query: str, results: int, **more: Any) -> Any:
    payload = {
        "query_text": query,
        "function_called": "search_experts",
        "result_count": results,
        "expert_ids": [f"e{n}" for n in range(results)],
    }
    return event("sage_query", session, ago, payload, **more)


def set_filter(session: str, ago: int) -> Any:
    payload = {"filter": "language", "value": "Welsh", "result_count": 0}
    return event("filter_change", session, ago, payload)


def scope(first: int, last: int, tenants: Sequence[str] = ("default",)) -> Scope:
    """The days from `first` to `last` days ago."""
    return Scope(
        tuple(tenants),
        today() - timedelta(days=first),
        today() - timedelta(days=last),
        ZoneInfo("UTC"),
        datetime.now(UTC),
    )


@pytest.fixture
def week(app: Flask) -> Flask:
    """Ann came on days 3 and 1 and gave her address; Bob on day 1; Cat on day 9 and day 2."""
    record(
        app,
        search(ANN, 3, "Welsh  tutor?", 0),
        search(ANN, 1, "welsh tutor", 0, email="ann@example.com"),
        click(ANN, 1),
        search(BOB, 1, "welsh tutor", 0),
        search(BOB, 1, "plumber", 2),
        set_filter(BOB, 1),
        click(CAT, 9),
        click(CAT, 2),
        click(CAT, 2),
    )
    return app


def ask(app: Flask, metric: Any, of: Scope) -> Any:
    with app.extensions["database"].read(of.tenants) as session:
        return metric(session, of)


def test_totals_count_events_and_distinct_sessions(week: Flask) -> None:
    # Days 4 to 0: 3 + 3 + 2 events; Ann, Bob and Cat, of whom Ann is known; 3 of 4 searches
    # found nothing. Cat's click of day 9 lies before.
    assert ask(week, overview.totals, scope(4, 0)) == [overview.Totals(8, 3, 1, 3, 4, 1, 0.75)]


def test_a_session_counts_once_however_many_days_it_came(week: Flask) -> None:
    assert ask(week, overview.totals, scope(9, 0))[0].sessions == 3
    assert ask(week, overview.totals, scope(2, 2))[0].sessions == 1
    assert ask(week, overview.totals, scope(8, 4))[0].sessions == 0


def test_an_identity_counts_for_the_days_before_it_was_known(week: Flask) -> None:
    assert ask(week, overview.totals, scope(3, 3)) == [overview.Totals(1, 1, 1, 0, 1, 0, 1.0)]


def test_without_a_search_there_is_no_rate(week: Flask) -> None:
    assert ask(week, overview.totals, scope(2, 2))[0].zero_result_rate is None
    assert ask(week, overview.totals, scope(30, 20)) == [overview.Totals(0, 0, 0, 0, 0, 0, None)]


def test_another_tenants_events_do_not_count(week: Flask) -> None:
    make_tenant(week, "other")
    record(week, click(ANN, 1), tenant="other")
    assert ask(week, overview.totals, scope(4, 0))[0].events == 8
    assert ask(week, overview.totals, scope(4, 0, ["other"]))[0].events == 1
    both = ask(week, overview.totals, scope(4, 0, ["default", "other"]))[0]
    assert (both.events, both.sessions) == (9, 4)


def test_what_bots_send_does_not_count(week: Flask) -> None:
    crawler = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}
    answer = week.test_client().post("/api/events", json=click(BOB, 1), headers=crawler)
    assert answer.status_code == 202
    assert ask(week, overview.totals, scope(4, 0))[0].events == 8


def test_every_day_is_there_with_its_zeros(week: Flask) -> None:
    days = ask(week, overview.daily_events, scope(4, 0))
    assert [day[1:] for day in days] == [(0, 0, 0), (0, 1, 0), (2, 0, 0), (1, 3, 1), (0, 0, 0)]
    assert [day.day for day in days] == scope(4, 0).each_day()
    assert all(isinstance(day.day, date) for day in days)


def test_trust_tells_what_became_of_what_was_sent(week: Flask) -> None:
    client = week.test_client()
    assert client.post("/api/events", json={"event_type": "no_such_thing"}).status_code == 422
    known = ask(week, activity.trust, scope(0, 0))
    assert known.accepted == 9
    assert known.late == 0  # what is imported is old on purpose
    assert known.refused == 1
    only = ask(week, lambda s, of: activity.trust(s, of, ("card_click",)), scope(0, 0))
    assert (only.accepted, only.refused) == (4, 0)


def test_the_newest_events_come_first_across_tenants(week: Flask) -> None:
    make_tenant(week, "other")
    record(week, click(BOB, 0), tenant="other")
    both = scope(4, 0, ["default", "other"])
    listing = ask(week, activity.events, both)
    assert listing.total == 10
    assert listing.rows[0].tenant_id == "other"
    received = [row.received_at for row in listing.rows]
    assert received == sorted(received, reverse=True)


def test_refused_events_are_listed_with_their_reason(week: Flask) -> None:
    week.test_client().post("/api/events", json=click(BOB, 0) | {"payload": {"context": "x"}})
    (row,) = ask(week, activity.refused, scope(1, 0)).rows
    assert (row.event_type, row.code, row.events) == ("card_click", "invalid_event", 1)
    assert row.message


def test_volumes_are_largest_first_with_their_last_day(week: Flask) -> None:
    found = ask(week, activity.volumes, scope(4, 0))
    assert [(row.event_type, row.events) for row in found] == [
        ("sage_query", 4),
        ("card_click", 3),
        ("filter_change", 1),
    ]
    assert found[0].last_day == today() - timedelta(days=1)


def test_volumes_are_less_what_was_erased_by_another_process(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Erasing counts in the first slot: a process that counted in another leaves a number below 0.
    monkeypatch.setattr(writer, "slot", lambda: 1)
    record(app, click(ANN, 2), click(BOB, 2), click(BOB, 1))
    erase(app.extensions["database"], "session", BOB, "test")
    found = ask(app, activity.volumes, scope(4, 0))
    assert found == [("card_click", 1, today() - timedelta(days=2))]
