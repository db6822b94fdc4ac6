"""One trip attempt: what went in, what came out, and what its visitor did around it."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from tracker.metrics.attempts import Attempt, attempt_columns
from tracker.metrics.scope import Scope
from tracker.model import Event, Identity, TripAttempt

SUBJECT = "attempt_id"
AROUND = timedelta(minutes=30)
_MOST_EVENTS = 500


class Input(NamedTuple):
    input: str
    value: str
    origin: str


class Around(NamedTuple):
    occurred_at: datetime
    event_type: str
    is_own: bool
    payload: dict[str, object]


class Person(NamedTuple):
    session_id: str | None
    email: str | None
    user_id: str | None


def attempt(session: Session, scope: Scope) -> list[Attempt]:
    """The attempt itself; empty when it has expired. Source: trip_creation_attempts."""
    statement = select(*attempt_columns(scope)).where(*_this(scope))
    return [Attempt(*row) for row in session.execute(statement)]


def exists(session: Session, scope: Scope) -> bool:
    return bool(attempt(session, scope))


def _this(scope: Scope) -> list[ColumnElement[bool]]:
    wanted = scope.filters[SUBJECT].lower()
    is_uuid = len(wanted) == 36 and set(wanted) <= set("0123456789abcdef-")
    key = TripAttempt.id == wanted if is_uuid else TripAttempt.request_id == scope.filters[SUBJECT]
    return [TripAttempt.tenant_id.in_(scope.tenants), key]


def inputs(session: Session, scope: Scope) -> list[Input]:
    """What the attempt was asked for, and the defaults that were filled in for it.

    Nested fields by their path. Free text is as stored: redacted and cut at 500 characters.
    Source: trip_creation_attempts.
    """
    columns = (TripAttempt.input_snapshot, TripAttempt.effective_defaults)
    found = session.execute(select(*columns).where(*_this(scope))).first()
    if found is None:
        return []
    asked = [Input(path, value, "input") for path, value in _flat(found.input_snapshot or {})]
    filled = [
        Input(path, value, "default") for path, value in _flat(found.effective_defaults or {})
    ]
    return asked + filled


def _flat(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, inner in value.items():
        here = f"{path}.{name}" if path else name
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, here)
        else:
            yield here, inner if isinstance(inner, str) else json.dumps(inner, ensure_ascii=False)


def person(session: Session, scope: Scope) -> list[Person]:
    """Whose attempt it was, as far as that is known: by its session, or by what its events name.

    Source: trip_creation_attempts, identities, events.
    """
    linked = (Identity.tenant_id == TripAttempt.tenant_id) & (
        Identity.session_id == TripAttempt.anon_session_id
    )
    named: Any = (
        select(Event.email)
        .where(Event.tenant_id == TripAttempt.tenant_id, Event.email.is_not(None))
        .where(Event.request_id == TripAttempt.request_id)
        .order_by(Event.occurred_at, Event.id)
        .limit(1)
        .correlate(TripAttempt)
        .scalar_subquery()
    )
    email = func.coalesce(Identity.email, named)
    statement = (
        select(TripAttempt.anon_session_id, email, TripAttempt.user_id, Identity.user_id)
        .join(Identity, linked, isouter=True)
        .where(*_this(scope))
    )
    return [
        Person(session_id, address, user_id or linked_user)
        for session_id, address, user_id, linked_user in session.execute(statement)
        if session_id or address or user_id
    ]


def events(session: Session, scope: Scope) -> list[Around]:
    """The attempt's own events, and its session's within half an hour of it.

    In the order they occurred; at most 500. Source: events.
    """
    found = session.execute(select(TripAttempt.__table__).where(*_this(scope))).first()
    if found is None:
        return []
    around = (Event.session_id == found.anon_session_id) & Event.occurred_at.between(
        found.created_at - AROUND, found.created_at + AROUND
    )
    own = Event.request_id == found.request_id
    statement = (
        select(Event.occurred_at, Event.event_type, Event.request_id, Event.payload)
        .where(Event.tenant_id == found.tenant_id)
        .where(or_(own, around) if found.anon_session_id else own)
        .order_by(Event.occurred_at, Event.id)
        .limit(_MOST_EVENTS)
    )
    return [
        Around(at, kind, request_id == found.request_id, payload)
        for at, kind, request_id, payload in session.execute(statement)
    ]
