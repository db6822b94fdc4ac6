"""Before events expire: what later ones will have to be settled by is written down."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, exists, select
from sqlalchemy.orm import Session

from tracker.model import DailyQueries, DemandQuery, Event, Tenant
from tracker.store import bulk, locks
from tracker.store.database import Database
from tracker.store.expired import Cutoff
from tracker.store.facts import DEMAND, beginning
from tracker.store.filter_facts import PAUSE
from tracker.store.marking import Mark, mark_unsettled
from tracker.store.pasts import REMEMBERED, Past, all_of, all_pasts, forget, pasts_of
from tracker.store.projections import EventRow
from tracker.store.settling import events_of
from tracker.store.trips import TELEMETRY, TRIP, mark_of

BATCH = 200
EVENTS = Event.__table__
_LATER = EVENTS.alias("later")
_BEGUN_BY: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("conversation", "subject", ("conversation_started", "escalation_triggered")),
    ("ingest", "subject", ("ingest_started",)),
    (TRIP, "request_id", TELEMETRY),
)
_COLUMNS = ("id", "tenant_id", "event_type", "day", "occurred_at", "is_bot", "sample_weight")
_MORE = {"search": ("filter_name", "result_count"), TRIP: ("request_id",)}
_OF_TRIPS = {"prompt_contract_version", "error_code", "duration_ms", "trip_id"}


def remember(database: Database, expired: Cutoff) -> None:
    """Remembers what began on expired days and goes on, tenant by tenant.

    From then on what is settled leaves expired days alone, whether or not their rows are
    deleted yet.
    """
    with database.read(None) as session:
        known = all_pasts(session)
        everyone = session.scalars(select(Tenant.id).where(expired.covers(Tenant.__table__.c.id)))
        tenants = [one for one in everyone if known[all_of(one)].until < _until(expired)]
    for tenant_id in tenants:
        with database.read(None) as session:
            begun = set(_begun(session, tenant_id, expired))
        marks = sorted(begun | known.marks(tenant_id))
        for start in range(0, len(marks), BATCH):
            with database.write() as connection:
                _remember(connection, marks[start : start + BATCH], expired)
        with database.write() as connection:
            locks.barrier(connection)  # whoever settles now has seen the rows that will go
            _write(connection, {all_of(tenant_id): []}, expired)
            _mark_demands(connection, tenant_id, known[all_of(tenant_id)].until, expired)


def _until(expired: Cutoff) -> date:
    return expired.day - timedelta(days=1)


def _begun(session: Session, tenant_id: str, expired: Cutoff) -> Iterator[Mark]:
    """What may have to be settled by expired events once more."""
    before = (EVENTS.c.tenant_id == tenant_id) & (EVENTS.c.occurred_at < expired.moment)
    later = (_LATER.c.tenant_id == tenant_id) & (_LATER.c.occurred_at >= expired.moment)
    for kind, column, types in _BEGUN_BY:
        key, same = EVENTS.c[column], _LATER.c[column] == EVENTS.c[column]
        started = select(key).where(
            before, EVENTS.c.event_type.in_(types), exists().where(later, same)
        )
        yield from ((tenant_id, kind, one) for one in session.scalars(started.distinct()))
    lately = EVENTS.c.occurred_at >= expired.moment - PAUSE
    goes_on = exists().where(later, _LATER.c.session_id == EVENTS.c.session_id)
    chosen = before & lately & (EVENTS.c.event_type == "filter_change")
    sessions = select(EVENTS.c.session_id).where(chosen, goes_on).distinct()
    yield from ((tenant_id, "search", key) for key in session.scalars(sessions))


def _remember(connection: Connection, marks: Sequence[Mark], expired: Cutoff) -> None:
    locks.join_writers(connection)
    locks.lock_sessions(connection, {key for _, _, key in marks})
    events, known = _events(connection, marks), pasts_of(connection, marks)
    begun = {mark: _beginning(mark, events[mark], known[mark], expired) for mark in marks}
    _write(connection, {mark: rows for mark, rows in begun.items() if rows}, expired)
    forget(connection, [mark for mark, rows in begun.items() if not rows])


def _events(connection: Connection, marks: Sequence[Mark]) -> dict[Mark, list[EventRow]]:
    events = events_of(connection, [mark for mark in marks if mark[1] != TRIP])
    requests = [(mark[0], mark[2]) for mark in marks if mark[1] == TRIP]
    for row in bulk.matching(connection, EVENTS, ("tenant_id", "request_id"), requests):
        if row.event_type in TELEMETRY and not row.is_bot:
            events[mark_of((row.tenant_id, row.request_id))].append(row._asdict())
    return events


def _beginning(
    mark: Mark, events: Sequence[EventRow], past: Past, expired: Cutoff
) -> list[EventRow]:
    """What is needed of something's expired events; nothing when none came later."""
    if not any(row["day"] >= expired.day for row in events):
        return []
    gone = [row for row in events if past.until < row["day"] < expired.day]
    begun = [*past.events, *gone]
    if mark[1] == TRIP:
        return begun
    needed = beginning(mark[1], begun)
    paused = needed and needed[-1]["occurred_at"] < expired.moment - PAUSE
    return [] if mark[1] == "search" and paused else needed


def _write(connection: Connection, begun: dict[Mark, list[EventRow]], expired: Cutoff) -> None:
    rows = [
        dict(zip(("tenant_id", "kind", "key"), mark, strict=True))
        | {"until": _until(expired), "events": [_kept(row, mark[1]) for row in events]}
        for mark, events in begun.items()
    ]
    bulk.upsert(connection, REMEMBERED, rows, {"until": "max", "events": "replace"})


def _kept(row: EventRow, kind: str) -> EventRow:
    kept = {name: row[name] for name in (*_COLUMNS, *_MORE.get(kind, ()))}
    if kind == TRIP:
        kept["payload"] = {k: v for k, v in row["payload"].items() if k in _OF_TRIPS}
    return kept


def _mark_demands(connection: Connection, tenant_id: str, until: date, expired: Cutoff) -> None:
    """Queues the demands that were asked for on the days that expire, to be counted without."""
    asked, known = DailyQueries.__table__.c, DemandQuery.__table__.c
    statement = (
        select(asked.query)
        .join(DemandQuery.__table__, known.query == asked.query)
        .where(asked.tenant_id == tenant_id, known.tenant_id == tenant_id)
        .where(asked.day > until, asked.day < expired.day)
        .distinct()
    )
    now = datetime.now(UTC)
    queries = connection.scalars(statement)
    mark_unsettled(connection, {(tenant_id, DEMAND, query): now for query in queries})
