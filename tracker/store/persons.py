"""Who is meant by an e-mail address, a session or a user, and all that is held about them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Table, func, or_, select
from sqlalchemy.orm import Session

from tracker.catalog.envelope import stored_address
from tracker.model import (
    Delivery,
    Event,
    Identity,
    MemberDay,
    Remembered,
    SessionDay,
    Settled,
    Tenant,
    TripAttempt,
)
from tracker.store import bulk
from tracker.store.access import IS_UUID, AccessError, normalised_email
from tracker.store.facts import settled_under
from tracker.store.projections import EventRow
from tracker.store.trips import mark_of
from tracker.store.uniques import SessionKey

EVENTS, IDENTITIES, ATTEMPTS = Event.__table__, Identity.__table__, TripAttempt.__table__

EventKey = tuple[str, str]
"""Tenant and event id."""

Kind = Literal["email", "session", "user"]
CONVERSATION = "conversation_started"
_NAMED_BY: dict[str, str] = {"email": "email", "user": "user_id"}
"""The column that names somebody, in the tables that have it."""


@dataclass(frozen=True)
class Person:
    """One identifier of somebody, of one tenant or of all."""

    kind: Kind
    value: str
    tenants: tuple[str, ...]


@dataclass(frozen=True)
class Trace:
    """What somebody left: their sessions, every raw event, and the requests of their trips."""

    person: Person
    sessions: frozenset[SessionKey]
    events: Sequence[EventRow]
    requests: frozenset[tuple[str, str]]

    @property
    def is_empty(self) -> bool:
        return not (self.sessions or self.events or self.requests)

    @property
    def identifiers(self) -> list[str]:
        """What could give them away in a text."""
        ids = {self.person.value, *(session_id for _, session_id in self.sessions)}
        ids |= {row["email"] for row in self.events if row["email"]}
        return sorted(ids, key=lambda one: (-len(one), one))


def person_of(connection: Connection | Session, kind: Kind, value: str, tenant: str = "") -> Person:
    """The person, with the identifier in its stored form. AccessError when it can't be one."""
    value = value.strip()
    if kind == "email":
        normalised_email(value)  # or it is none; written otherwise it would not be found
        value = stored_address(value)
    if kind == "session":
        value = value.lower()
        if not IS_UUID(value):
            raise AccessError("A session id is a UUID.")
    if not value or "\0" in value:
        raise AccessError("Name somebody.")
    known = list(connection.execute(select(Tenant.id).order_by(Tenant.id)).scalars())
    if tenant and tenant not in known:
        raise AccessError(f"There is no tenant {tenant}.")
    return Person(kind, value, (tenant,) if tenant else tuple(known))


def trace(connection: Connection | Session, person: Person) -> Trace:
    """Everything raw that is held about somebody.

    Outcomes of trips and what happens in a conversation are often sent without a session: they
    are part of what somebody began.
    """
    sessions = frozenset(_sessions(connection, person))
    events = _events(connection, person, sessions)
    events += _started(connection, person, sessions, _keys(events))
    attempts = _matching(connection, ATTEMPTS, ("tenant_id", "anon_session_id"), sessions)
    attempts += _naming(connection, ATTEMPTS, person)
    requests = {
        (row["tenant_id"], row["request_id"])
        for row in events
        if row["request_id"] and row["event_type"].startswith("create_trip_")
    } | {(row["tenant_id"], row["request_id"]) for row in attempts}
    conversations = {
        (row["tenant_id"], row["subject"]) for row in events if row["event_type"] == CONVERSATION
    }
    known = _keys(events)
    events += _unnamed(connection, "request_id", requests, "create_trip_", known)
    events += _unnamed(connection, "subject", conversations, "", known)
    return Trace(person, sessions, events, frozenset(requests))


def _keys(events: Iterable[EventRow]) -> set[EventKey]:
    """Of events; tenants that are told the same things may use the same ids."""
    return {(row["tenant_id"], row["id"]) for row in events}


def _started(
    connection: Connection | Session,
    person: Person,
    sessions: Iterable[SessionKey],
    known: set[EventKey],
) -> list[EventRow]:
    """The starts of conversations that name a session in their payload alone.

    They may be all that is held of it. What is in a payload stays as it was spelled.
    """
    meant = {*sessions}
    if person.kind == "session":
        meant |= {(tenant, person.value) for tenant in person.tenants}
    tenants, ids = {one[0] for one in meant}, {one[1] for one in meant}
    named = func.lower(EVENTS.c.payload["sessionId"].as_string())
    here = EVENTS.c.tenant_id.in_(tenants) & (EVENTS.c.event_type == CONVERSATION)
    rows = connection.execute(select(EVENTS).where(here, named.in_(ids)))
    return [dict(row._mapping) for row in rows if (row.tenant_id, row.id) not in known]


def _unnamed(
    connection: Connection | Session,
    column: str,
    keys: Iterable[tuple[str, str]],
    types: str,
    known: set[EventKey],
) -> list[EventRow]:
    """The events of something that name nobody themselves."""
    return [
        row
        for row in _matching(connection, EVENTS, ("tenant_id", column), keys)
        if row["event_type"].startswith(types)
        and (row["tenant_id"], row["id"]) not in known
        and not (row["session_id"] or row["email"] or row["user_id"])
    ]


def _sessions(connection: Connection | Session, person: Person) -> Iterator[SessionKey]:
    if person.kind == "session":
        yield from ((tenant, person.value) for tenant in _tenants_of(connection, person))
        return
    for row in _naming(connection, IDENTITIES, person):
        yield row["tenant_id"], row["session_id"]


def _tenants_of(connection: Connection | Session, person: Person) -> list[str]:
    """Those tenants that know the session."""
    known: set[str] = set()
    for table in (EVENTS, IDENTITIES, SessionDay.__table__):
        statement = select(table.c.tenant_id).where(table.c.session_id == person.value).distinct()
        known |= set(connection.execute(statement).scalars())
    return sorted(known & set(person.tenants))


def _events(
    connection: Connection | Session, person: Person, sessions: Iterable[SessionKey]
) -> list[EventRow]:
    """All of their sessions' events, and those that name them besides; in order of their keys."""
    found = _matching(connection, EVENTS, ("tenant_id", "session_id"), sessions)
    rows = {(row["tenant_id"], row["id"]): row for row in found}
    named = _naming(connection, EVENTS, person, ("tenant_id", "id"))
    others = {(row["tenant_id"], row["id"]) for row in named} - rows.keys()
    for row in _matching(connection, EVENTS, ("tenant_id", "id"), others):
        rows[row["tenant_id"], row["id"]] = row
    return [rows[key] for key in sorted(rows)]


def _matching(
    connection: Connection | Session, table: Table, by: Sequence[str], keys: Iterable[Any]
) -> list[dict[str, Any]]:
    core = connection.connection() if isinstance(connection, Session) else connection
    return [row._asdict() for row in bulk.matching(core, table, by, sorted(keys))]


def _naming(
    connection: Connection | Session, table: Table, person: Person, columns: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The rows that hold their e-mail address or user id; all columns, or those named."""
    name = table.c.get(_NAMED_BY.get(person.kind, ""))
    if name is None:
        return []
    statement = select(*(table.c[column] for column in columns or table.c.keys()))
    held = statement.where(name == person.value, table.c.tenant_id.in_(person.tenants))
    return [dict(row._mapping) for row in connection.execute(held)]


def held_about(connection: Connection | Session, found: Trace) -> dict[str, Any]:
    """All that is held about somebody, as JSON."""
    by_session, by_mark = ("tenant_id", "session_id"), ("tenant_id", "kind", "key")
    marks = {mark for row in found.events if (mark := settled_under(row))}
    marks |= {(tenant, "search", session_id) for tenant, session_id in found.sessions}
    marks |= set(map(mark_of, found.requests))
    members = [*found.sessions]
    if found.person.kind == "email":
        members += [(tenant, found.person.value) for tenant in found.person.tenants]
    tables = {
        "identities": _matching(connection, IDENTITIES, by_session, found.sessions),
        "events": found.events,
        "trip_creation_attempts": _matching(
            connection, ATTEMPTS, ("tenant_id", "request_id"), found.requests
        ),
        "session_days": _matching(connection, SessionDay.__table__, by_session, found.sessions),
        "member_days": _matching(connection, MemberDay.__table__, ("tenant_id", "member"), members),
        "settled": _matching(connection, Settled.__table__, by_mark, marks),
        "remembered": _matching(connection, Remembered.__table__, by_mark, marks),
        "deliveries": _matching(
            connection,
            Delivery.__table__,
            ("message_id", "tenant_id"),
            {(event_id, tenant_id) for tenant_id, event_id in _keys(found.events)},
        ),
    }
    asked = {"kind": found.person.kind, "value": found.person.value}
    return {"person": asked} | {
        name: [_plain(row) for row in rows] for name, rows in tables.items()
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime | date) else value
        for name, value in row.items()
    }


def named_in(columns: Iterable[ColumnElement[str]], identifiers: Iterable[str]) -> Any:
    """That one of the texts holds one of the identifiers."""
    return or_(
        *(
            column.icontains(identifier, autoescape=True)
            for column in columns
            for identifier in identifiers
        )
    )
