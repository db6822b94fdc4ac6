"""Expiry: raw events go, aggregates stay, and nothing of an expired person is left to find."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text

from tests.conftest import bearer, make_key, make_tenant, record
from tracker.model import Base, DailyUniques, Delivery, Demand, Event
from tracker.store import subscriptions
from tracker.store.expired import Cutoff, cutoff, would_expire
from tracker.store.recount import RECOUNTED, check, rebuild
from tracker.store.retention import expire, would_forget
from tracker.store.settings import change_settings
from tracker.store.settling import settle_all

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
TODAY = NOON.date()
SESSIONS = [str(UUID(int=n + 1, version=4)) for n in range(3)]


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_RETENTION_DAYS": "400"}


def line(kind: str, days_ago: int, session: int, number: int, **payload: Any) -> dict[str, Any]:
    return {
        "event_type": kind,
        "event_id": str(UUID(int=number + 1, version=4)),
        "session_id": SESSIONS[session],
        "occurred_at": (NOON - timedelta(days=days_ago, seconds=number)).isoformat(),
        "payload": payload,
    }


def search(days_ago: int, session: int, number: int, query: str = "fado") -> dict[str, Any]:
    found = {"query_text": query, "function_called": "search_experts", "result_count": 0}
    return line("sage_query", days_ago, session, number, expert_ids=[], **found)


def click(days_ago: int, session: int, number: int, _query: str = "") -> dict[str, Any]:
    return line("card_click", days_ago, session, number, expert_id="e1", context="grid")


def failed_trip(days_ago: int, session: int, number: int, _query: str = "") -> dict[str, Any]:
    one = line("create_trip_failed", days_ago, session, number, error_code="X", duration_ms=9)
    return one | {"request_id": f"r{number}"}


def expired_before(days_ago: int) -> Cutoff:
    return cutoff(NOON, UTC_ZONE, days_ago)


UTC_ZONE: Any = __import__("zoneinfo").ZoneInfo("UTC")


def rollups(app: Flask) -> dict[str, list[Any]]:
    with app.extensions["database"].read(None) as session:
        return {
            name: sorted(map(str, session.execute(select(table)).all()))
            for name, table in RECOUNTED.items()
        }


def run(app: Flask, days: int) -> dict[str, int]:
    return expire(app.extensions["database"], expired_before(days))


def everything(app: Flask) -> str:
    """All rows of all tables as one text."""
    with app.extensions["database"].read(None) as session:
        return "\n".join(
            str(row)
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table))
        )


def test_raw_rows_go_and_aggregates_stay(app: Flask) -> None:
    record(app, search(100, 0, 1), failed_trip(100, 0, 2), search(10, 1, 3))
    before = rollups(app)
    deleted = run(app, 90)
    assert (deleted["events"], deleted["trip_creation_attempts"]) == (2, 1)
    assert rollups(app) == before
    with app.extensions["database"].read(None) as session:
        assert session.execute(select(Event.session_id)).scalars().all() == [SESSIONS[1]]


def test_nothing_of_an_expired_person_is_left_to_find(app: Flask) -> None:
    record(
        app,
        search(100, 0, 1),
        failed_trip(100, 0, 2) | {"user_id": "user-77"},
        {"session_id": SESSIONS[0], "email": "ada@example.com", "user_id": "user-77"},
        search(100, 1, 3),
        search(10, 1, 4),
    )
    link_long_ago(app)
    run(app, 90)
    left = everything(app)
    for identifier in (SESSIONS[0], "ada@example.com", "user-77"):
        assert identifier not in left
    assert SESSIONS[1] in left


def test_the_demand_ledger_counts_what_is_still_held(app: Flask) -> None:
    record(
        app,
        search(100, 0, 1, "fado"),
        search(10, 1, 2, "fado"),
        search(100, 0, 3, "surf teacher"),
    )
    run(app, 90)
    settle_all(app.extensions["database"])
    with app.extensions["database"].read(None) as session:
        columns = (Demand.name, Demand.people, Demand.searches, Demand.zero_results)
        assert session.execute(select(*columns)).all() == [("fado", 1, 1, 1)]


def test_what_subscribers_get_of_an_event_goes_with_it(app: Flask) -> None:
    database, key = app.extensions["database"], app.extensions["settings"].secret_key
    with database.write() as connection:
        subscriptions.create_subscription(
            connection, "default", "theirs", "https://receiver.example", ("*",), "test", key
        )
    events = [search(100, 0, 1) | {"email": "ada@example.com"}, search(10, 1, 2)]
    sent = bearer(make_key(app, "default", ("write",)))
    assert (
        app.test_client()
        .post("/api/events", json={"events": events}, headers=sent)
        .json["accepted"]
        == 2
    )
    with database.read(None) as session:
        told = would_expire(session, expired_before(90))["deliveries"]
    assert told == run(app, 90)["deliveries"] == 1
    assert "ada@example.com" not in everything(app)
    with database.read(None) as session:
        assert len(session.scalars(select(Delivery)).all()) == 1


def link_long_ago(app: Flask) -> None:
    with app.extensions["database"].write() as connection:
        connection.execute(
            text("UPDATE identities SET linked_at = :at"),
            {"at": str((NOON - timedelta(days=100)).replace(tzinfo=None))},
        )


def test_an_identity_goes_with_the_last_event_however_lately_it_was_linked(app: Flask) -> None:
    record(
        app,
        search(100, 0, 1),
        search(100, 1, 2),
        search(10, 1, 3),
        {"session_id": SESSIONS[0], "email": "ada@example.com"},
        {"session_id": SESSIONS[1], "email": "bob@example.com"},
    )
    assert run(app, 90)["identities"] == 1
    left = everything(app)
    assert "ada@example.com" not in left
    assert "bob@example.com" in left


def test_an_identity_that_came_before_its_events_waits_for_them(app: Flask) -> None:
    record(app, {"session_id": SESSIONS[0], "email": "ada@example.com"})
    run(app, 90)
    assert "ada@example.com" in everything(app)


def test_a_dry_run_says_what_would_go_and_leaves_it(app: Flask) -> None:
    record(app, search(100, 0, 1), search(10, 1, 2))
    with app.extensions["database"].read(None) as session:
        rows = would_expire(session, expired_before(90))
    assert (rows["events"], rows["settled"]) == (1, 1)
    assert SESSIONS[0] in everything(app)
    runner = app.test_cli_runner()
    assert "0 rows would expire" in runner.invoke(args=["retention", "run", "--dry-run"]).output
    assert "0 rows expired" in runner.invoke(args=["retention", "run"]).output


def test_a_dry_run_says_of_everything_how_much_goes(app: Flask) -> None:
    days = (130, 120, 110, 100, 10)
    record(app, *(search(ago, 0, n) for n, ago in enumerate(days)))
    record(app, *(search(ago, 1, n + 10) for n, ago in enumerate(days[:-1])))
    record(app, *(click(ago, 2, n + 20) for n, ago in enumerate(days)), search(100, 2, 30))
    with app.extensions["database"].read(None) as session:
        told = would_expire(session, expired_before(90))
        told |= would_forget(session, expired_before(90))
    gone = run(app, 90)
    assert told == gone
    # of the two sessions that go on, the first expired day and the last under each facet stay
    assert gone["session_days"] == 4 + 2 * 4 - 2 * 2
    assert gone["member_days"] > 0


def test_a_dry_run_says_whose_names_would_go(app: Flask) -> None:
    for number, days in enumerate((100, 10)):
        named = {"session_id": SESSIONS[number], "email": f"{number}@example.com"}
        record(app, search(days, number, number), named)
    with app.extensions["database"].read(None) as session:
        told = would_expire(session, expired_before(90))["identities"]
    assert told == run(app, 90)["identities"] == 1


def test_a_day_expires_when_all_of_it_is_older_than_the_retention(app: Flask) -> None:
    # 90 days: what happened on the 91st day before today is older, whatever the hour
    record(app, search(91, 0, 1), search(90, 1, 2))
    assert run(app, 90)["events"] == 1


def test_whoever_is_active_before_and_after_the_border_counts_once(app: Flask) -> None:
    record(app, search(100, 0, 1), search(95, 0, 2), search(10, 0, 3))
    run(app, 90)
    record(app, search(5, 0, 4), search(40, 0, 5))
    with app.extensions["database"].read(None) as session:
        chain = session.execute(
            select(DailyUniques.day, DailyUniques.prev_day)
            .where(DailyUniques.kind == "session", DailyUniques.members > 0)
            .order_by(DailyUniques.day)
        ).all()
    days = [day for day, _ in chain]
    assert [previous for _, previous in chain] == [date.min, *days[:-1]]
    assert days == [TODAY - timedelta(days=n) for n in (100, 95, 40, 10, 5)]


STEPS = st.lists(
    st.tuples(
        st.sampled_from([search, click, failed_trip]),
        st.integers(0, 20),
        st.integers(0, 2),
        st.sampled_from(["fado", "tax"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=10,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(early=STEPS, late=STEPS, days=st.integers(3, 15))
def test_rollups_of_held_days_stay_right_after_expiry_and_more_events(
    app: Flask, early: list[Any], late: list[Any], days: int
) -> None:
    empty(app)
    first_held = TODAY - timedelta(days=days - 1)
    record(app, *(make(ago, who, n, q) for n, (make, ago, who, q) in enumerate(early)))
    kept = rollups(app)
    run(app, days)
    assert rollups(app) == kept
    record(
        app,
        *(make(min(ago, days - 1), who, 1000 + n, q) for n, (make, ago, who, q) in enumerate(late)),
    )
    with app.extensions["database"].write() as connection:
        assert check(connection, first_held, TODAY) == []
        rebuild(connection, first_held, TODAY)
    with app.extensions["database"].write() as connection:
        assert check(connection, first_held, TODAY) == []


def empty(app: Flask) -> None:
    with app.extensions["database"].write() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in ("tenants", "alert_rules"):
                connection.execute(delete(table))


def test_many_rows_go_in_batches(app: Flask) -> None:
    record(app, search(100, 0, 1))
    with app.extensions["database"].write() as connection:
        one = connection.execute(select(Event.__table__)).one()._asdict()
        rows = [one | {"id": str(UUID(int=n, version=4))} for n in range(10_000, 11_200)]
        connection.execute(insert(Event), rows)
    assert run(app, 90)["events"] == 1201
    assert SESSIONS[0] not in everything(app)


def test_a_tenant_that_keeps_less_keeps_less(app: Flask) -> None:
    make_tenant(app, "brief")
    for tenant in ("default", "brief"):
        record(app, *(search(days, 0, days) for days in (10, 50, 150, 390)), tenant=tenant)
    with app.extensions["database"].write() as connection:
        change_settings(connection, "brief", "test", {"retention_days": 40})
    before = rollups(app)
    runner = app.test_cli_runner()
    said = runner.invoke(args=["retention", "run", "--dry-run"]).output
    assert "events 3\n" in said
    done = runner.invoke(args=["retention", "run"]).output
    assert sorted(done.splitlines()) == sorted(said.replace("would expire", "expired").splitlines())
    with app.extensions["database"].read(None) as session:
        rows = session.execute(text("SELECT tenant_id, count(*) FROM events GROUP BY tenant_id"))
        assert {row[0]: row[1] for row in rows} == {"default": 4, "brief": 1}
    assert rollups(app) == before
    # what is checked are the days that everybody holds
    checked = runner.invoke(args=["rollups", "check"])
    assert (checked.exit_code, checked.output) == (0, "0 differences\n")
    assert runner.invoke(args=["rollups", "rebuild"]).exit_code == 0
    with app.extensions["database"].read(None) as session:
        counted = "SELECT sum(events) FROM daily_events WHERE tenant_id = 'brief'"
        assert session.execute(text(counted)).scalar_one() == 4


def test_expiry_comes_to_an_end_while_searches_pour_in(app: Flask) -> None:
    record(app, search(100, 0, 1), settle=False)
    sent = iter(range(10, 1000))

    def another_search() -> bool:
        record(app, search(0, next(sent) % 3, next(sent)), settle=False)
        return False

    deleted = expire(app.extensions["database"], expired_before(90), another_search)
    assert (deleted["events"], deleted["settled"]) == (1, 1)
