"""Storing events: the log, the identities they carry, and every rollup, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from tracker.model import Event
from tracker.store import bulk
from tracker.store.bulk import Upsert
from tracker.store.deltas import Deltas
from tracker.store.facts import marks_of
from tracker.store.linking import AlreadyLinked, Known, Link, identities, link_all
from tracker.store.marking import Mark, marks_of_demands, unsettled
from tracker.store.notifying import notify
from tracker.store.projections import EventRow, project
from tracker.store.trips import fold_attempts
from tracker.store.uniques import (
    MemberKey,
    SessionKey,
    changed_members,
    count_sessions,
    memberships,
)

LATE = timedelta(hours=1)


@dataclass
class Recorded:
    """What came of the events: those stored, and what operators should be warned of."""

    stored: set[int] = field(default_factory=set)
    """The `id()` of each row that was stored; the others were duplicates."""
    conflicts: list[EventRow] = field(default_factory=list)
    """Rows whose own e-mail is not that of their session."""
    beaten: list[EventRow] = field(default_factory=list)
    """Trip outcomes that another one of the same request preceded."""


def record(
    connection: Connection,
    rows: Sequence[EventRow],
    known: dict[SessionKey, Known],
    deltas: Deltas,
) -> Recorded:
    """Stores the events that are new and counts them.

    `known` says whom their sessions belong to; it grows by what the events themselves tell. The
    caller holds the locks of their sessions, requests and people, and applies the deltas.
    """
    recorded = Recorded()
    first: dict[tuple[str, str], EventRow] = {}
    for row in rows:
        first.setdefault((row["tenant_id"], row["id"]), row)
    unique = [first[key] for key in sorted(first)]
    _identify(connection, list(first.values()), known, deltas, recorded)
    inserted = bulk.insert_new(connection, Event.__table__, unique)
    fresh = [row for key, row in sorted(first.items()) if key in inserted]
    recorded.stored = {id(row) for row in fresh}
    marks = {mark: row["received_at"] for row in fresh for mark in marks_of(row)}
    marks |= _demands_of(connection, fresh)
    counted = _counted(connection, fresh, known, deltas, recorded)
    bulk.upsert_all(connection, [*counted, *unsettled(marks)])
    notify(connection, fresh)
    for row in rows:
        _count_arrival(row, id(row) in recorded.stored, deltas)
    return recorded


def _demands_of(connection: Connection, rows: Sequence[EventRow]) -> dict[Mark, datetime]:
    """The demands that searches of no session count in: nothing else is settled of these."""
    alone = {
        (row["tenant_id"], row["query"]): row["received_at"]
        for row in rows
        if row["event_type"] == "sage_query" and not (row["session_id"] or row["is_bot"])
    }
    return {mark: alone[mark[0], mark[2]] for mark in marks_of_demands(connection, alone)}


def _identify(
    connection: Connection,
    rows: Sequence[EventRow],
    known: dict[SessionKey, Known],
    deltas: Deltas,
    recorded: Recorded,
) -> None:
    """Links sessions by their events' own e-mails; gives every event its session's identity."""
    with_session = [row for row in rows if row["session_id"]]
    own = [row for row in with_session if row["email"] not in (None, _email_of(row, known))]
    wanted = [
        Link(*_session(row), email=row["email"], user_id=None, at=row["received_at"]) for row in own
    ]
    for row, outcome in zip(own, link_all(connection, wanted, deltas), strict=True):
        if isinstance(outcome, AlreadyLinked):
            recorded.conflicts.append(row)
        else:
            known[_session(row)] = outcome.known
    for row in with_session:
        if owner := known.get(_session(row)):
            row["email"] = owner.email
            row["user_id"] = row["user_id"] or owner.user_id


def _email_of(row: EventRow, known: dict[SessionKey, Known]) -> str | None:
    return known.get(_session(row), Known()).email


def _session(row: EventRow) -> SessionKey:
    return row["tenant_id"], row["session_id"]


def _counted(
    connection: Connection,
    rows: Sequence[EventRow],
    known: dict[SessionKey, Known],
    deltas: Deltas,
    recorded: Recorded,
) -> list[Upsert]:
    for row in rows:
        project(row, deltas)
    changes, recorded.beaten = fold_attempts(connection, rows, known, deltas)
    members: dict[MemberKey, dict[date, int]] = dict(changes)
    for row in rows:
        for member, day in memberships(row):
            days = members.setdefault(member, {})
            days[day] = days.get(day, 0) + 1
    missing = {(key[0], key[1]) for key in members if key[2] == "error"} - known.keys()
    known = known | identities(connection, missing)
    return [
        count_sessions(connection, rows, lambda session: session in known, deltas),
        changed_members(connection, members, lambda session: session in known, deltas),
    ]


def _count_arrival(row: EventRow, stored: bool, deltas: Deltas) -> None:
    key = (row["tenant_id"], row["received_day"], row["event_type"])
    if not stored:
        deltas.add("daily_ingest", key, duplicates=1)
        return
    # what is imported is old on purpose
    late = row["source"] != "import" and row["received_at"] - row["occurred_at"] > LATE
    deltas.add("daily_ingest", key, accepted=1, late=int(late), bots=int(row["is_bot"]))


def count_sampled(deltas: Deltas, row: EventRow, n: int) -> None:
    """Counts an event that its type's sample rate left out."""
    key = (row["tenant_id"], row["received_day"], row["event_type"])
    deltas.add("daily_ingest", key, sampled=n)
