"""A tenant's feed: its events, newest first, from any place on, and what belongs together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Select, String, cast, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from tracker.metrics.business import moments
from tracker.metrics.scope import Listing, Scope
from tracker.model import Event, UtcDateTime, Uuid
from tracker.model.base import uuid_of


class Activity(NamedTuple):
    """One event of the feed."""

    received_at: datetime
    occurred_at: datetime
    event_type: str
    tenant_id: str
    session_id: str | None
    request_id: str | None
    user_id: str | None
    source: str
    sample_weight: int
    id: str
    payload: dict[str, object]


class Outgoing(NamedTuple):
    """One event as another program gets it."""

    id: str
    event_type: str
    tenant_id: str
    session_id: str | None
    email: str | None
    user_id: str | None
    request_id: str | None
    occurred_at: datetime
    received_at: datetime
    source: str
    payload: dict[str, object]


@dataclass(frozen=True)
class Wanted:
    """What is asked of the feed. Types may end in `*`; the range is of `occurred_at`."""

    tenants: Sequence[str]
    limit: int
    starting_after: str = ""
    types: Sequence[str] = ()
    start: datetime | None = None
    end: datetime | None = None
    text: str = ""


class NoSuchEvent(LookupError):
    """The cursor names no event that there is."""


_NEIGHBOURS = 50
_CLOCK_AHEAD = timedelta(minutes=1)
"""How far `occurred_at` may lie after the receipt (see tracker.catalog.parsing)."""


def activity(session: Session, scope: Scope) -> Listing[Activity]:
    """The events that occurred in the period, those received last first.

    All types, bots' too. It goes on behind the event that `starting_after` names, so what
    comes in meanwhile moves nothing. Filters: `type` (a name, or the start of one with `*`),
    text in the payload. `total` only tells whether there is more. Source: events.
    """
    wanted = wanted_by(replace(scope, limit=scope.offset + scope.limit + 1))
    columns = [getattr(Event, name) for name in Activity._fields]
    found = session.execute(newest(session, wanted, columns)).all()
    rows = [Activity(*row) for row in found[scope.offset :]]
    return Listing(rows[: scope.limit], scope.offset + len(rows))


def wanted_by(scope: Scope) -> Wanted:
    """What a scope asks of the feed, from its first row on."""
    start, end = moments(scope)
    return Wanted(
        tenants=scope.tenants,
        limit=scope.limit,
        starting_after=scope.filters.get("starting_after", ""),
        types=[kind] if (kind := scope.filters.get("type")) else [],
        start=start,
        end=end,
        text=scope.filters.get("q", ""),
    )


def outgoing(session: Session, wanted: Wanted) -> list[Outgoing]:
    """The events wanted, as another program gets them. NoSuchEvent when the cursor is none."""
    columns = [getattr(Event, name) for name in Outgoing._fields]
    return [Outgoing(*row) for row in session.execute(newest(session, wanted, columns))]


def newest(session: Session, wanted: Wanted, columns: Sequence[Any]) -> Select[Any]:
    """The events wanted, those received last first: one walk down one index from the cursor."""
    statement = select(*columns).where(Event.tenant_id.in_(wanted.tenants))
    if wanted.starting_after:
        statement = statement.where(_behind(session, wanted))
    if wanted.types:
        statement = statement.where(or_(*(_is_of_type(kind) for kind in wanted.types)))
    if wanted.start:
        # Nothing is received before it occurs: where the walk may end.
        statement = statement.where(Event.received_at >= wanted.start - _CLOCK_AHEAD)
        statement = statement.where(_occurred_at() >= wanted.start)
    if wanted.end:
        statement = statement.where(_occurred_at() < wanted.end)
    if wanted.text:
        statement = statement.where(_holds(wanted.text.lower()))
    return statement.order_by(Event.received_at.desc(), Event.id.desc()).limit(wanted.limit)


def _holds(text: str) -> ColumnElement[bool]:
    """Whether the payload holds the text: as it is, or as JSON writes it, quotes escaped."""
    payload = func.lower(cast(Event.payload, String))
    spellings = {text, orjson.dumps(text).decode()[1:-1]}
    return or_(*(payload.contains(spelling, autoescape=True) for spelling in sorted(spellings)))


def _occurred_at() -> ColumnElement[Any]:
    # As an expression, so that SQLite does not walk the index of this time, and sort it all
    return func.coalesce(Event.occurred_at, Event.received_at)


def _behind(session: Session, wanted: Wanted) -> ColumnElement[bool]:
    """Later in the feed than the cursor. Events received at once are told apart by their ids."""
    after = uuid_of(wanted.starting_after)
    place = select(Event.received_at).where(Event.tenant_id.in_(wanted.tenants), Event.id == after)
    received_at = session.scalars(place).first() if after else None
    if received_at is None:
        raise NoSuchEvent(wanted.starting_after)
    here = tuple_(literal(received_at, UtcDateTime()), literal(after, Uuid()))
    behind: ColumnElement[bool] = tuple_(Event.received_at, Event.id) < here
    return behind


def _is_of_type(kind: str) -> ColumnElement[bool]:
    if kind.endswith("*"):
        return Event.event_type.startswith(kind.removesuffix("*"), autoescape=True)
    return Event.event_type == kind


def event_exists(session: Session, scope: Scope) -> bool:
    """Whether the event that the scope names is one of its tenants'."""
    return bool(one_event(session, scope))


def one_event(session: Session, scope: Scope) -> list[Activity]:
    """The event itself; its session's page tells whose address it has. Source: events."""
    columns = [getattr(Event, name) for name in Activity._fields]
    return [Activity(*row) for row in session.execute(_the_event(scope, *columns))]


def _the_event(scope: Scope, *columns: Any) -> Select[Any]:
    event_id = uuid_of(scope.filters["event_id"])
    return select(*columns).where(Event.tenant_id.in_(scope.tenants), Event.id == event_id)


def same_conversation(session: Session, scope: Scope) -> list[Activity]:
    """The events of the same conversation, or of the same source of documents, in order.

    At most 50 up to the event, itself among them, and 50 after it. Source: events.
    """
    return _neighbours(session, scope, Event.subject)


def same_request(session: Session, scope: Scope) -> list[Activity]:
    """The events that carry the same request id, in order.

    At most 50 up to the event, itself among them, and 50 after it. Source: events.
    """
    return _neighbours(session, scope, Event.request_id)


def _neighbours(session: Session, scope: Scope, column: Any) -> list[Activity]:
    found = _the_event(scope, Event.tenant_id, column, Event.occurred_at, Event.id)
    this = session.execute(found).first()
    if this is None or this[1] is None:
        return []
    tenant, shared, occurred_at, event_id = this
    place = tuple_(Event.occurred_at, Event.id)
    here = tuple_(literal(occurred_at, UtcDateTime()), literal(event_id, Uuid()))
    alike = select(*(getattr(Event, name) for name in Activity._fields))
    alike = alike.where(Event.tenant_id == tenant, column == shared).limit(_NEIGHBOURS)
    earlier = alike.where(place <= here).order_by(Event.occurred_at.desc(), Event.id.desc())
    later = alike.where(place > here).order_by(Event.occurred_at, Event.id)
    rows = [*reversed(session.execute(earlier).all()), *session.execute(later)]
    return [Activity(*row) for row in rows]
