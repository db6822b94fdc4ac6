"""Sequences of events and links, as hypothesis strategies, and what the database makes of them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, func, select

from tests.conftest import record
from tracker.model import Base
from tracker.store.deltas import shape
from tracker.store.recount import RECOUNTED

TODAY = datetime.now(UTC).date()
START = datetime.combine(TODAY - timedelta(days=4), time(), UTC)
SESSIONS = [str(UUID(int=n)) for n in (1, 2, 3)]
EXPERTS = ["e1", "e2", "e3"]
KEPT = {"tenants", "daily_salts"}

Line = dict[str, Any]

_few_experts = st.lists(st.sampled_from(EXPERTS), unique=True, max_size=3)
_ranks = st.none() | st.integers(1, 3)
_view_ids = st.sampled_from(["v1", "v2"])
_contexts = st.sampled_from(["grid", "sage_panel"])
_subjects = st.sampled_from(["c1", "c2"])
_sources = {"sourceType": st.just("website"), "url": st.sampled_from(["u1", "u2"])}


def _fixed(name: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Line]:
    return st.fixed_dictionaries({"event_type": st.just(name), "payload": _payload(**fields)})


def _payload(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Line]:
    drawn = st.fixed_dictionaries(fields)
    return drawn.map(lambda d: {key: value for key, value in d.items() if value is not None})


_searches = _fixed(
    "sage_query",
    query_text=st.sampled_from(["Tax help", "tax help?", "visa"]),
    function_called=st.sampled_from(["search_experts", "apply_filters"]),
    expert_ids=_few_experts,
    view_id=st.none() | _view_ids,
).map(lambda line: line | {"payload": line["payload"] | {"result_count": len(_experts(line))}})
_visits = st.one_of(
    _searches,
    _fixed(
        "card_click",
        expert_id=st.sampled_from(EXPERTS),
        context=_contexts,
        position=_ranks,
        view_id=st.none() | _view_ids,
    ),
    _fixed(
        "filter_change",
        filter=st.sampled_from(["rate", "language"]),
        value=st.sampled_from([[50, 120], "English", ["b", "a"]]),
        result_count=st.integers(0, 2),
    ),
    _fixed("results_shown", view_id=_view_ids, context=_contexts, expert_ids=_few_experts),
)
_trips = st.one_of(
    _fixed("create_trip_attempted", input_snapshot=st.just({"to": "Porto"})),
    _fixed("create_trip_succeeded", trip_id=st.just("t1"), duration_ms=st.sampled_from([5, 900])),
    _fixed(
        "create_trip_failed",
        error_code=st.sampled_from(["TIMEOUT", "LLM"]),
        duration_ms=st.none() | st.just(30_000),
    ),
)
_business = st.one_of(
    _fixed("conversation_started", sessionId=st.just("s"), conversationId=_subjects),
    _fixed("message_sent", conversationId=_subjects, role=st.sampled_from(["user", "assistant"])),
    _fixed("escalation_triggered", conversationId=_subjects, reason=st.just("angry")),
    _fixed("ingest_started", **_sources),
    _fixed("ingest_completed", **_sources, docs=st.integers(0, 3), chunks=st.integers(0, 3)),
    _fixed("ingest_failed", **_sources, errorCode=st.just("HTTP_403")),
)


def _experts(line: Line) -> list[str]:
    experts: list[str] = line["payload"]["expert_ids"]
    return experts


@st.composite
def events(draw: st.DrawFn, identities: st.SearchStrategy[str | None]) -> Line:
    """An event of the last days; times repeat often, to try ties."""
    line = draw(st.one_of(_visits, _visits, _trips, _business))
    days, minutes = draw(st.integers(0, 3)), draw(st.sampled_from([0, 3, 10, 40]))
    moment = START + timedelta(days=days, minutes=minutes)
    line["occurred_at"] = moment.isoformat()
    line["session_id"] = draw(st.sampled_from(SESSIONS))
    line["event_id"] = str(UUID(int=draw(st.integers(1, 10_000))))
    if line["event_type"].startswith("create_trip_"):
        line["request_id"] = draw(st.sampled_from(["r1", "r2"])) + line["session_id"]
    if email := draw(identities):
        line["email"] = email
    return line


@st.composite
def links(draw: st.DrawFn) -> Line:
    """A call that links a session to anybody."""
    line = {"session_id": draw(st.sampled_from(SESSIONS))}
    line["email"] = draw(st.sampled_from(["a@example.com", "b@example.com"]))
    return line | ({"user_id": draw(st.sampled_from(["u1", "u2"]))} if draw(st.booleans()) else {})


anybody = st.sampled_from([None, None, None, "a@example.com", "b@example.com"])
nobody = st.none()


def batches(lines: st.SearchStrategy[Line]) -> st.SearchStrategy[list[list[Line]]]:
    """Some requests of some lines each, with some lines sent again."""

    @st.composite
    def drawn(draw: st.DrawFn) -> list[list[Line]]:
        sent = draw(st.lists(lines, min_size=1, max_size=14))
        again = draw(st.lists(st.sampled_from(sent), max_size=4))
        return split(draw, draw(st.permutations([*sent, *again])))

    return drawn()


def split(draw: st.DrawFn, lines: list[Line]) -> list[list[Line]]:
    """The lines in order, cut into requests anywhere."""
    cuts = sorted(draw(st.sets(st.integers(1, len(lines)), max_size=4)))
    return [lines[a:b] for a, b in zip([0, *cuts], [*cuts, len(lines)], strict=True) if a < b]


def send(app: Flask, requests: list[list[Line]]) -> None:
    """Stores requests one after the other, and settles what came of them."""
    for request in requests:
        record(app, *request, settle=False)
    record(app)


def empty(app: Flask) -> None:
    """Takes everything out that events brought in."""
    with app.extensions["database"].write() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in KEPT:
                connection.execute(table.delete())


def state(app: Flask) -> dict[str, Any]:
    """The rollups, the attempts and who did what: all that must not depend on an order."""
    with app.extensions["database"].write() as connection:
        rollups = {name: _sums(connection, table) for name, table in RECOUNTED.items()}
        tables = Base.metadata.tables
        attempts = tables["trip_creation_attempts"]
        log = select(*(tables["events"].c[name] for name in ("id", "session_id", "email")))
        return rollups | {
            "attempts": sorted(map(repr, connection.execute(select(attempts)))),
            "events": sorted(map(repr, connection.execute(log))),
        }


def _sums(connection: Connection, table: Table) -> list[str]:
    columns = shape(table)
    keys = [table.c[key] for key in columns.keys]
    sums = [func.sum(table.c[name]) for name in columns.counters]
    ends = [
        (func.min if name.startswith("first") else func.max)(table.c[name])
        for name in columns.extremes
    ]
    found = connection.execute(select(*keys, *sums, *ends).group_by(*keys))
    counted = slice(len(keys), len(keys) + len(sums))
    return sorted(
        repr((*row[: len(keys)], *map(int, row[counted]), *row[counted.stop :]))
        for row in found
        if any(row[counted])
    )


ALL_DAYS = (date.min, date.max)
