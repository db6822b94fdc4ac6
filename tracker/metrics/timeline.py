"""Everything one visitor did, in order, across the anonymous and the known part.

`scope.filters` names the session (`session_id`) or the person (`email`). The period makes no
difference: all that is held is told.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, union
from sqlalchemy.orm import Session, aliased

from tracker.catalog.envelope import stored_address
from tracker.metrics.scope import Scope
from tracker.model import Event, Identity, SessionDay
from tracker.model.base import uuid_of

MOST = 5000
"""Of more events than this the first ones are told."""

IDENTIFIED = "identified"
"""The entry of the moment at which a session got its e-mail address or user."""


class Entry(NamedTuple):
    """One event, or the moment at which a session became known."""

    occurred_at: datetime
    event_type: str
    session_id: str | None
    email: str | None
    user_id: str | None
    source: str
    payload: dict[str, object]


class Visitor(NamedTuple):
    """One row: who it is, and what is held of it."""

    email: str | None
    user_id: str | None
    sessions: int
    first_seen: datetime
    last_seen: datetime
    active_days: int
    events: int
    searches: int
    clicks: int


class Visit(NamedTuple):
    """One session of a person."""

    session_id: str
    first_seen: datetime
    last_seen: datetime
    active_days: int
    events: int
    searches: int
    clicks: int


def session_exists(session: Session, scope: Scope) -> bool:
    """Whether an event of the session is held. Bots' do not count."""
    return _any(session, scope, _of_sessions(Event, scope, []))


def person_exists(session: Session, scope: Scope) -> bool:
    """Whether an event with the e-mail address is held."""
    return _any(session, scope, Event.email == _email(scope))


def _email(scope: Scope) -> str:
    return stored_address(scope.filters["email"])


def _any(session: Session, scope: Scope, condition: ColumnElement[bool]) -> bool:
    held = _held(scope, condition).with_only_columns(Event.id)
    return session.execute(held.limit(1)).first() is not None


def _held(scope: Scope, condition: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return select(Event.tenant_id, Event.id).where(
        Event.tenant_id.in_(scope.tenants), ~Event.is_bot, condition
    )


def timeline(session: Session, scope: Scope) -> list[Entry]:
    """All events of the visitor in the order in which they happened, whatever the period.

    Of a session: its events, and those of servers that share a request with one of them. Of
    a person: the same for every session linked to the e-mail address, what each did before it
    was linked included, and events that name the person's address or user. "Identified" is
    when a session was linked. The first 5,000 events are told. Source: events, identities.
    """
    known = _identities(session, scope)
    branches = union(*(_held(scope, condition) for condition in _conditions(scope, known)))
    keys = branches.subquery()
    columns = [getattr(Event, name) for name in Entry._fields]
    statement = (
        select(*columns)
        .join(keys, (keys.c.tenant_id == Event.tenant_id) & (keys.c.id == Event.id))
        .order_by(Event.occurred_at, Event.id)
        .limit(MOST)
    )
    events = [Entry(*row) for row in session.execute(statement)]
    return sorted([*events, *map(_identified, known)], key=lambda entry: entry.occurred_at)


def _identities(session: Session, scope: Scope) -> list[Identity]:
    """The identities of the session, or those that have the person's e-mail address."""
    if "email" in scope.filters:
        condition = Identity.email == _email(scope)
    else:
        condition = _of_sessions(Identity, scope, [])
    statement = select(Identity).where(Identity.tenant_id.in_(scope.tenants), condition)
    return list(session.scalars(statement.order_by(Identity.linked_at, Identity.session_id)))


def _conditions(scope: Scope, known: list[Identity]) -> Iterator[ColumnElement[bool]]:
    """What makes an event one of the visitor's; each can be found by an index."""
    yield _of_sessions(Event, scope, known)
    theirs = aliased(Event)
    requests = select(theirs.request_id).where(
        _of_sessions(theirs, scope, known), theirs.request_id.is_not(None)
    )
    # By the id alone an index finds them; another tenant may use the same one.
    own = requests.where(
        theirs.tenant_id == Event.tenant_id, theirs.request_id == Event.request_id
    ).correlate(Event)
    yield and_(Event.request_id.in_(requests), own.exists())
    if "email" in scope.filters:
        yield Event.email == _email(scope)
        yield _named_by(known, Event, "user_id")


def _of_sessions(table: Any, scope: Scope, known: list[Identity]) -> ColumnElement[bool]:
    """Whether a row is of the session that is asked about, or of those known of a person."""
    if "email" in scope.filters:
        return _named_by(known, table, "session_id")
    asked = uuid_of(scope.filters["session_id"])
    if not asked:
        return false()
    return and_(table.tenant_id.in_(scope.tenants), table.session_id == asked)


def _named_by(known: list[Identity], table: Any, name: str) -> ColumnElement[bool]:
    """Whether an identity names the row's session or user: other tenants may use the same id."""
    ids: dict[str, set[str]] = {}
    for row in known:
        if value := getattr(row, name):
            ids.setdefault(row.tenant_id, set()).add(value)
    column = getattr(table, name)
    named = (and_(table.tenant_id == tenant, column.in_(theirs)) for tenant, theirs in ids.items())
    return or_(false(), *named)


def _identified(known: Identity) -> Entry:
    return Entry(
        occurred_at=known.linked_at,
        event_type=IDENTIFIED,
        session_id=known.session_id,
        email=known.email,
        user_id=known.user_id,
        source="server",
        payload={},
    )


def visits(session: Session, scope: Scope) -> list[Visit]:
    """The sessions of the visitor with all that is held of them, the latest first.

    A session is one browser, until its storage is cleared. Source: session_days.
    """
    known = _identities(session, scope)
    sums = [func.sum(getattr(SessionDay, name)) for name in ("events", "searches", "clicks")]
    last_seen = func.max(SessionDay.last_at)
    statement = (
        select(SessionDay.session_id, func.min(SessionDay.first_at), last_seen, func.count(), *sums)
        .where(_of_sessions(SessionDay, scope, known))
        .group_by(SessionDay.tenant_id, SessionDay.session_id)
        .order_by(last_seen.desc(), SessionDay.session_id)
    )
    return [Visit(*row[:3], *map(int, row[3:])) for row in session.execute(statement)]


def visitor(session: Session, scope: Scope) -> list[Visitor]:
    """Who the visitor is, and how much is held of all its sessions.

    An active day counts once, however many of the sessions it had. Source: session_days.
    """
    found, known = visits(session, scope), _identities(session, scope)
    if not found:
        return []
    return [
        Visitor(
            email=next((row.email for row in known if row.email), None),
            user_id=next((row.user_id for row in known if row.user_id), None),
            sessions=len(found),
            first_seen=min(visit.first_seen for visit in found),
            last_seen=max(visit.last_seen for visit in found),
            active_days=_active_days(session, _of_sessions(SessionDay, scope, known)),
            events=sum(visit.events for visit in found),
            searches=sum(visit.searches for visit in found),
            clicks=sum(visit.clicks for visit in found),
        )
    ]


def _active_days(session: Session, theirs: ColumnElement[bool]) -> int:
    """The days on which any of the sessions had an event."""
    statement = select(func.count(SessionDay.day.distinct())).where(theirs)
    return session.scalar(statement) or 0
