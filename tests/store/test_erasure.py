"""Erasure: what is left is exactly what would be there had the person never come."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, or_, select, update

from tests.conftest import bearer, make_key, make_tenant, record
from tracker.model import (
    AlertRule,
    Annotation,
    ApiKey,
    AuditEntry,
    Base,
    Delivery,
    Demand,
    IngestWarning,
    Operator,
    SavedView,
)
from tracker.store import alerts, channels, persons, subscriptions
from tracker.store.access import AccessError, audit, create_key
from tracker.store.annotations import annotate
from tracker.store.blotting import ERASED
from tracker.store.deltas import ROLLUPS, shape
from tracker.store.demand_counts import recount
from tracker.store.digest import send_digest
from tracker.store.erasure import erase
from tracker.store.extremes import LEFT
from tracker.store.operators import create_operator
from tracker.store.views import Owner, Place, save_view

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
MINE = [str(UUID(int=n + 1, version=4)) for n in range(2)]
THEIRS = [str(UUID(int=n + 101, version=4)) for n in range(2)]
EMAIL, USER = "ada@example.com", "user-ada-77"
EVER_CHANGING = {
    "received_at",
    "linked_at",
    "created_at",
    "settled_at",
    "since",
    "status_at",
    "slot",
    "id",
    "demand_id",
}
LEFT_OUT = {"daily_ingest", "ingest_warnings", "audit_log", "alert_rules", "tenants", "leases"}


def line(kind: str, session: str, at: int, number: int, **payload: Any) -> dict[str, Any]:
    moment = NOON - timedelta(days=at % 5, minutes=at)
    return {
        "event_type": kind,
        "event_id": str(UUID(int=number + 1, version=4)),
        "session_id": session,
        "occurred_at": moment.isoformat(),
        "payload": payload,
    }


def search(session: str, at: int, number: int, what: str, zero: bool) -> dict[str, Any]:
    found = [] if zero else ["e1", "e2"]
    call = {"query_text": what, "function_called": "search_experts", "result_count": len(found)}
    return line("sage_query", session, at, number, expert_ids=found, **call)


def click(session: str, at: int, number: int, _what: str, zero: bool) -> dict[str, Any]:
    context = "grid" if zero else "sage_panel"
    return line("card_click", session, at, number, expert_id="e1", context=context, position=1)


def change(session: str, at: int, number: int, what: str, zero: bool) -> dict[str, Any]:
    count = 0 if zero else 3
    return line(
        "filter_change", session, at, number, filter="topic", value=what, result_count=count
    )


def trip(session: str, at: int, number: int, what: str, zero: bool) -> dict[str, Any]:
    # Whoever it is, an attempt and its outcome share their request
    request = {"request_id": f"{session[-3:]}-{what}-{at % 3}"}
    if number % 3 == 0:
        inputs = {"mode": what}
        return line("create_trip_attempted", session, at, number, input_snapshot=inputs) | request
    if zero:
        failed = {"error_code": what, "duration_ms": at}
        return line("create_trip_failed", session, at, number, **failed) | request
    return line("create_trip_succeeded", session, at, number, trip_id="t", duration_ms=at) | request


STEPS = st.lists(
    st.tuples(
        st.sampled_from([search, click, change, trip]),
        st.integers(0, 1),
        st.integers(0, 600),
        st.sampled_from(["fado guitar", "tax return"]),
        st.booleans(),
    ),
    max_size=10,
)


def contents(app: Flask) -> dict[str, list[str]]:
    """Every table but those that may differ, without times of writing and random ids."""
    with app.extensions["database"].write() as connection:
        # A demand's searches are counted when somebody searches in vain, not each time.
        ids = list(connection.execute(select(Demand.id)).scalars())
        recount(connection, "default", ids)
    with app.extensions["database"].read(None) as session:
        return {
            table.name: sorted(
                str([v for k, v in sorted(row._mapping.items()) if k not in EVER_CHANGING])
                for row in session.execute(_rows(table))
            )
            for table in Base.metadata.sorted_tables
            if table.name not in LEFT_OUT
        }


def _rows(table: Any) -> Any:
    """All rows; of a rollup with its slots summed, and without those that count nothing."""
    if table.name not in ROLLUPS:
        return select(table)
    columns = shape(table)
    keys = [table.c[key] for key in columns.keys]
    sums = [func.sum(table.c[name]).label(name) for name in columns.counters]
    moments = [
        (func.min if name.startswith("first") else func.max)(table.c[name]).label(name)
        for name in columns.extremes
    ]
    counts = or_(*(one != 0 for one in sums))
    return select(*keys, *sums, *moments).group_by(*keys).having(counts)


def empty(app: Flask) -> None:
    with app.extensions["database"].write() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in ("tenants", "alert_rules"):
                connection.execute(delete(table))


@settings(
    max_examples=20,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    mine=STEPS,
    theirs=STEPS,
    by=st.sampled_from(["email", "user", "session"]),
    settled=st.booleans(),
    mixed=st.randoms(use_true_random=False),
)
def test_erasing_leaves_what_would_be_there_had_they_never_come(
    app: Flask, mine: list[Any], theirs: list[Any], by: Any, settled: bool, mixed: Any
) -> None:
    sessions = MINE[:1] if by == "session" else MINE
    my_lines = [
        make(sessions[who % len(sessions)], at, n, what, zero)
        for n, (make, who, at, what, zero) in enumerate(mine)
    ]
    my_lines += [{"session_id": one, "email": EMAIL, "user_id": USER} for one in sessions]
    their_lines = [
        make(THEIRS[who], at, 1000 + n, what, zero)
        for n, (make, who, at, what, zero) in enumerate(theirs)
    ]
    their_lines.append({"session_id": THEIRS[0], "email": "bob@example.com"})
    empty(app)
    record(app, *their_lines)
    expected = contents(app)
    empty(app)
    together = my_lines + their_lines
    mixed.shuffle(together)
    half = len(together) // 2
    record(app, *together[:half])
    record(app, *together[half:], settle=settled)
    value = {"email": EMAIL, "user": USER, "session": MINE[0]}[by]
    erase(app.extensions["database"], by, value, "test")
    record(app)  # settles what was still waiting of the others
    for table, rows in contents(app).items():
        assert rows == expected[table], table


def test_every_rollup_that_has_moments_can_look_them_up_again() -> None:
    assert LEFT.keys() == {name for name, table in ROLLUPS.items() if shape(table).extremes}


def test_nothing_is_left_by_any_search(app: Flask) -> None:
    record(
        app,
        search(MINE[0], 5, 1, "quiet tuscan villa for ada", True),
        trip(MINE[0], 7, 3, "X", True) | {"user_id": USER},
        {"session_id": MINE[0], "email": EMAIL, "user_id": USER},
    )
    with app.extensions["database"].write() as connection:
        connection.execute(
            IngestWarning.__table__.insert().values(
                tenant_id="default",
                day=NOON.date(),
                event_type="sage_query",
                code="invalid_event",
                path="payload",
                count=1,
                message="must be",
                sample=f"written by {USER.upper()}",
                first_at=NOON,
                last_at=NOON,
            )
        )
    erased = erase(app.extensions["database"], "email", " Ada@Example.com ", "admin@example.com")
    assert (erased.sessions, erased.events, erased.attempts) == (1, 2, 1)
    left = everything(app)
    for trace in (EMAIL, MINE[0], "tuscan"):
        assert trace not in left
    with app.extensions["database"].read(None) as session:
        entry = session.execute(
            select(AuditEntry.actor, AuditEntry.detail).where(AuditEntry.action == "person.erase")
        ).one()
    assert entry.actor == "admin@example.com"
    assert entry.detail == {"by": "email", "sessions": 1, "events": 2, "attempts": 1}
    assert erase(app.extensions["database"], "email", EMAIL, "x").events == 0


def test_a_warning_about_a_stored_event_repeats_nothing_of_it(app: Flask) -> None:
    record(
        app,
        search(MINE[0], 5, 1, "quiet tuscan villa", True) | {"email": EMAIL},
        search(MINE[0], 5, 2, "quiet tuscan villa", True) | {"email": "other@example.com"},
    )
    assert "already_linked" in everything(app)
    erase(app.extensions["database"], "email", EMAIL, "test")
    assert "tuscan" not in everything(app)


def test_a_number_that_is_somebodys_id_is_blotted_out_where_it_stands_alone(app: Flask) -> None:
    with app.extensions["database"].write() as connection:
        annotate(connection, "default", NOON.date(), "User 7 and 17 others wrote, v1.7", "test")
    erase(app.extensions["database"], "user", "7", "admin@example.com")
    with app.extensions["database"].read(None) as session:
        text = session.execute(select(Annotation.text)).scalar_one()
    assert text == f"User {ERASED} and 17 others wrote, v1.7"


@pytest.mark.parametrize(
    ("kind", "value", "text", "left"),
    [
        ("user", "al", "General recall of al", f"General recall of {ERASED}"),
        ("email", EMAIL, f"ask {EMAIL}.", f"ask {ERASED}."),
        ("email", EMAIL, f"ask {EMAIL}.au or nada@example.com", None),
        ("email", EMAIL, f"请联系{EMAIL}谢谢", f"请联系{ERASED}谢谢"),
    ],
)
def test_an_identifier_is_blotted_out_where_it_stands_alone(
    app: Flask, kind: Any, value: str, text: str, left: str | None
) -> None:
    with app.extensions["database"].write() as connection:
        annotate(connection, "default", NOON.date(), text, "test")
    erase(app.extensions["database"], kind, value, "admin@example.com")
    with app.extensions["database"].read(None) as session:
        assert session.execute(select(Annotation.text)).scalar_one() == (left or text)


def test_another_tenants_notes_views_and_copies_are_not_touched(
    app: Flask, client: FlaskClient
) -> None:
    database, key = app.extensions["database"], app.extensions["settings"].secret_key
    for tenant in ("acme", "other"):
        make_tenant(app, tenant)
        with database.write() as connection:
            annotate(connection, tenant, NOON.date(), f"{USER} wrote", "test")
            subscriptions.create_subscription(
                connection, tenant, "theirs", "https://receiver.example", ("*",), "test", key
            )
        events = [search(MINE[0], 5, 1, "fado", True) | {"user_id": USER}]
        sent = bearer(make_key(app, tenant, ("write",)))
        assert (
            client.post("/api/events", json={"events": events}, headers=sent).json["accepted"] == 1
        )
    with database.write() as connection:
        create_operator(connection, "ann@example.com", "admin", "test")
        who = Owner(connection.scalar(select(Operator.id)), "ann@example.com")
        for name, tenant, query in (
            ("theirs", "acme", f"sessions.q={USER}"),
            ("others", "other", f"sessions.q={USER}"),
            ("all", None, f"q={USER}"),
            ("ten", None, f"sessions.limit={USER}"),
        ):
            save_view(connection, who, name, Place("/people", query, tenant), shared=True)
    with database.read(None) as session:
        hers = persons.person_of(session, "user", USER, "acme")
        held = persons.held_about(session, persons.trace(session, hers))
        assert [copy["tenant_id"] for copy in held["deliveries"]] == ["acme"]
    erase(database, "user", USER, "test", tenant="acme")
    with database.read(None) as session:
        notes = dict(session.execute(select(Annotation.tenant_id, Annotation.text)).all())
        assert notes == {"acme": f"{ERASED} wrote", "other": f"{USER} wrote"}
        assert session.scalars(select(Delivery.tenant_id)).all() == ["other"]
        views = session.scalars(select(SavedView.name).order_by(SavedView.name)).all()
    assert views == ["others", "ten"]


def test_a_digest_that_repeats_a_note_about_somebody_is_taken_back(app: Flask) -> None:
    database, monday = app.extensions["database"], NOON.date() - timedelta(days=NOON.weekday())
    for week, note in (
        (monday, f"Tom & <b>{EMAIL}</b> “tried” the new form, which the whole team had waited for"),
        (monday - timedelta(days=7), "Added 3 experts"),
    ):
        with database.write() as connection:
            annotate(connection, "default", week, note, "test")
        days = (week, week + timedelta(days=6))
        mail = app.extensions["compose_digest"](database, *days, datetime.now(UTC))
        with database.write() as connection:
            assert send_digest(connection, week, ["ops@example.com"], mail)
    erase(database, "email", EMAIL, "test")
    assert EMAIL not in everything(app)
    with database.read(None) as session:
        (left,) = session.scalars(select(Delivery.body))
    assert "Added 3 experts" in left


@pytest.mark.parametrize(
    ("kind", "column", "value"), [("email", "email", EMAIL), ("user", "user_id", "al")]
)
def test_rules_alerts_names_and_the_audit_log_forget_too(
    app: Flask, kind: Any, column: str, value: str
) -> None:
    database, moment = app.extensions["database"], datetime.now(UTC)
    options = {
        "page": "people",
        "panel": "sessions",
        "row": f"{column}={value}",
        "column": "events",
        "comparison": "above",
        "value": 1.0,
    }
    with database.write() as connection:
        key = app.extensions["settings"].secret_key
        place = "https://receiver.example"
        channels.create_channel(connection, f"of {value}", "webhook", place, "test", key)
        rule_id = alerts.create_rule(connection, f"Watch {value}", "panel", options, "test")
        rule = alerts.find_rule(connection, rule_id)
        alerts.note(
            connection, rule, moment, alerts.Wrong(moment, f"events of {column}={value} is 2.", {})
        )
        create_key(connection, "default", f"for {value}", ("write",), "test")
        audit(connection, "test", "key.rename", "default", changed={"name": ["old", value]})
    told = rf"(?<![\w.]){re.escape(value)}(?!\w)"
    assert len(re.findall(told, everything(app))) > 8
    erase(database, kind, value, "test")
    assert not re.search(told, everything(app))
    with database.read(None) as session:
        kept = session.scalar(select(AlertRule.options).where(AlertRule.kind == "panel"))
        assert kept == options | {"row": f"{column}={ERASED}"}
        assert session.scalars(select(Delivery)).all() == []


def test_a_text_that_names_somebody_many_times_still_fits_when_they_are_erased(app: Flask) -> None:
    database = app.extensions["database"]
    with database.write() as connection:
        annotate(connection, "default", NOON.date(), "al " * 60, "test")
        create_key(connection, "default", "al " * 30, ("write",), "test")
    erase(database, "user", "al", "test")
    with database.read(None) as session:
        told = [session.scalars(select(text)).one() for text in (Annotation.text, ApiKey.name)]
    assert [len(text) for text in told] == [200, 100]
    assert not re.search(r"\bal\b", " ".join(told))


@pytest.mark.parametrize(
    "address", ["user@xn--bcher-kva.example", "jose\u0301@example.com", "\uff41da@example.com"]
)
def test_an_address_is_found_however_it_was_written(app: Flask, address: str) -> None:
    record(app, search(MINE[0], 5, 1, "fado", True) | {"email": address})
    assert erase(app.extensions["database"], "email", f" {address.upper()} ", "test").events == 1
    assert address not in everything(app)


def test_a_demand_that_an_operator_worked_on_forgets_the_words(app: Flask) -> None:
    database = app.extensions["database"]
    words = "my son needs a therapist"
    record(app, search(MINE[0], 5, 1, words, True), search(MINE[1], 5, 2, "fado", True))
    with database.write() as connection:
        connection.execute(update(Demand).values(is_curated=True, notes="calls"))
    erase(database, "session", MINE[0], "test")
    with database.read(None) as session:
        assert sorted(session.scalars(select(Demand.name))) == [ERASED, "fado"]
    assert "therapist" not in everything(app)


def test_an_export_has_every_table_that_knows_the_session(app: Flask) -> None:
    record(
        app,
        search(MINE[0], 5, 1, "fado", True),
        trip(MINE[0], 7, 3, "X", True),
        {"session_id": MINE[0], "email": EMAIL, "user_id": USER},
    )
    with app.extensions["database"].read(None) as session:
        person = persons.person_of(session, "email", EMAIL)
        held = persons.held_about(session, persons.trace(session, person))
        knowing = {
            table.name
            for table in Base.metadata.sorted_tables
            if any(MINE[0] in str(tuple(row)) for row in session.execute(select(table)))
        }
    assert "settled" in knowing
    assert {name for name, found in held.items() if found} - {"person"} >= knowing


@pytest.mark.parametrize("first", ["attempted", "outcome"])
@pytest.mark.parametrize("by", ["email", "user", "session"])
def test_an_outcome_that_names_nobody_goes_with_its_attempt(
    app: Flask, first: str, by: Any
) -> None:
    nameless = trip(MINE[0], 7, 4, "LOST", True)
    del nameless["session_id"]
    attempt = [trip(MINE[0], 7, 3, "LOST", True), nameless]
    other = trip(THEIRS[0], 8, 6, "LOST", True)
    record(app, other)
    expected = contents(app)
    record(app, *(attempt if first == "attempted" else reversed(attempt)))
    record(app, {"session_id": MINE[0], "email": EMAIL, "user_id": USER})
    value = {"email": EMAIL, "user": USER, "session": MINE[0]}[by]
    erased = erase(app.extensions["database"], by, value, "test")
    assert (erased.events, erased.attempts) == (2, 1)
    assert contents(app) == expected


def test_a_failure_that_somebody_reported_of_anothers_attempt_leaves_no_trace(app: Flask) -> None:
    attempt = trip(THEIRS[0], 7, 3, "LOST", True)
    record(app, attempt, {"session_id": THEIRS[0], "email": "bo@example.com"})
    expected = contents(app)
    outcome = trip(THEIRS[0], 7, 4, "LOST", True) | {"user_id": USER}
    del outcome["session_id"]
    record(app, outcome)
    erase(app.extensions["database"], "user", USER, "test")
    assert contents(app) == expected


def said(name: str, conversation: str, number: int, **payload: Any) -> dict[str, Any]:
    """What a server says of a conversation: no session but the one in the payload."""
    one = line(name, "", 5, number, conversationId=conversation, **payload)
    del one["session_id"]
    return one


@pytest.mark.parametrize("by", ["email", "session"])
def test_a_conversation_goes_with_the_session_that_its_start_names(app: Flask, by: Any) -> None:
    record(
        app,
        said("conversation_started", "c2", 5, sessionId=THEIRS[0]),
        said("escalation_triggered", "c2", 6, reason="angry"),
    )
    expected = contents(app)
    record(
        app,
        said("conversation_started", "c1", 1, sessionId=MINE[0]),
        said("escalation_triggered", "c1", 2, reason="angry"),
        click(MINE[0], 5, 3, "", True),
        {"session_id": MINE[0], "email": EMAIL},
    )
    erase(app.extensions["database"], by, {"email": EMAIL, "session": MINE[0]}[by], "test")
    assert MINE[0] not in everything(app)
    assert contents(app) == expected


def test_a_session_that_conversations_alone_name_is_found_however_it_is_spelled(
    app: Flask,
) -> None:
    expected = contents(app)
    spelled = MINE[0].replace("4", "a", 1)  # a letter, for there to be a case
    record(
        app,
        said("conversation_started", "c1", 1, sessionId=spelled.upper()),
        said("escalation_triggered", "c1", 2, reason="angry"),
    )
    assert erase(app.extensions["database"], "session", spelled, "test").events == 2
    assert contents(app) == expected


def test_what_two_tenants_were_told_goes_with_both(app: Flask) -> None:
    make_tenant(app, "acme")
    expected = contents(app)
    start = said("conversation_started", "c1", 1, sessionId=MINE[0])
    record(app, start | {"session_id": MINE[0]})
    record(app, start, click(MINE[0], 5, 3, "", True), tenant="acme")
    erase(app.extensions["database"], "session", MINE[0], "test")
    assert contents(app) == expected


def everything(app: Flask) -> str:
    with app.extensions["database"].read(None) as session:
        return "\n".join(
            str(tuple(row))  # a row itself leaves out the middle of long texts
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table))
        )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_keeps_no_copy_in_its_file_or_its_log(app: Flask) -> None:
    database = app.extensions["database"]
    record(app, search(MINE[0], 5, 1, "quiet tuscan villa", True))
    record(app, {"session_id": MINE[0], "email": EMAIL})
    erase(database, "email", EMAIL, "test")
    path = database.writer.url.database
    for name in (path, f"{path}-wal"):
        with open(name, "rb") as file:
            held = file.read()
        assert EMAIL.encode() not in held
        assert b"tuscan" not in held


def test_who_comes_again_is_a_new_person(app: Flask) -> None:
    record(app, search(MINE[0], 5, 1, "fado", True), {"session_id": MINE[0], "email": EMAIL})
    erase(app.extensions["database"], "session", MINE[0], "test")
    totals = record(app, search(MINE[0], 5, 1, "fado", True))
    assert totals.accepted == 1
    assert EMAIL not in everything(app)


def test_a_tenant_can_be_named_and_others_keep_theirs(app: Flask) -> None:
    make_tenant(app, "acme")
    for tenant in ("default", "acme"):
        record(app, {"session_id": MINE[0], "email": EMAIL}, tenant=tenant)
    erase(app.extensions["database"], "email", EMAIL, "test", tenant="acme")
    assert everything(app).count(EMAIL) == 1


@pytest.mark.parametrize(
    ("kind", "value"), [("email", "nobody"), ("session", "not-a-uuid"), ("user", "  ")]
)
def test_an_identifier_that_can_not_be_one_is_refused(app: Flask, kind: Any, value: str) -> None:
    with pytest.raises(AccessError):
        erase(app.extensions["database"], kind, value, "test")


def test_the_command_line_exports_and_erases_without_asking(app: Flask) -> None:
    record(
        app,
        search(MINE[0], 5, 1, "fado", True),
        trip(MINE[0], 7, 3, "X", True),
        {"session_id": MINE[0], "email": EMAIL, "user_id": USER},
    )
    runner = app.test_cli_runner()
    exported = runner.invoke(args=["privacy", "export", "--user", USER])
    assert exported.exit_code == 0
    for trace in (EMAIL, USER, MINE[0], '"query": "fado"', '"input_snapshot"'):
        assert trace in exported.output
    erased = runner.invoke(args=["privacy", "erase", "--user", USER])
    assert erased.output.strip() == "sessions 1 events 2 attempts 1 erased"
    assert runner.invoke(args=["privacy", "erase"]).exit_code == 2
    bad = runner.invoke(args=["privacy", "erase", "--email", "nobody"])
    assert (bad.exit_code, "e-mail" in bad.output) == (1, True)
