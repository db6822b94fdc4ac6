"""Attaching an identity to everything a session did. The first identity wins."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, or_, select, update

from tracker.model import Event, Identity, TripAttempt
from tracker.store import bulk, locks
from tracker.store.deltas import Deltas
from tracker.store.facts import DEMAND
from tracker.store.marking import mark_unsettled
from tracker.store.uniques import MemberKey, SessionKey, count_as_identified, count_members

TRIPS_LINKED = timedelta(days=30)
"""How far back a login attaches its user to the trip attempts of the session."""


class AlreadyLinked(Exception):
    """The session belongs to somebody else."""


@dataclass(frozen=True)
class Known:
    """Whom a session belongs to."""

    email: str | None = None
    user_id: str | None = None

    def __bool__(self) -> bool:
        return bool(self.email or self.user_id)


@dataclass(frozen=True)
class Link:
    """A request to attach an identity to a session."""

    tenant_id: str
    session_id: str
    email: str | None
    user_id: str | None
    at: datetime


@dataclass(frozen=True)
class Linked:
    """What came of a link: the session's identity now, and the events that gained it."""

    known: Known
    events_linked: int
    is_new: bool


def identities(connection: Connection, sessions: Iterable[SessionKey]) -> dict[SessionKey, Known]:
    """The identities of those sessions that have one."""
    rows = bulk.matching(
        connection, Identity.__table__, ("tenant_id", "session_id"), sorted(sessions)
    )
    return {(row.tenant_id, row.session_id): Known(row.email, row.user_id) for row in rows}


def link(connection: Connection, wanted: Link, deltas: Deltas) -> Linked:
    """Attaches an identity; raises AlreadyLinked and changes nothing where another one is.

    The caller holds the session's lock.
    """
    session = (wanted.tenant_id, wanted.session_id)
    before = identities(connection, [session]).get(session, Known())
    _refuse_another(before.email, wanted.email)
    _refuse_another(before.user_id, wanted.user_id)
    after = Known(before.email or wanted.email, before.user_id or wanted.user_id)
    if after == before:
        return Linked(before, events_linked=0, is_new=False)
    _keep(connection, wanted, after)
    events_linked = _attach(connection, session, after)
    if not before:
        count_as_identified(connection, session, deltas)
    if after.email and not before.email:
        _count_waiting(connection, wanted, after.email, deltas)
    if after.user_id and not before.user_id:
        _attach_trips(connection, session, after.user_id, wanted.at)
    return Linked(after, events_linked, is_new=True)


def _refuse_another(held: str | None, wanted: str | None) -> None:
    if held and wanted and held != wanted:
        raise AlreadyLinked


def _keep(connection: Connection, wanted: Link, known: Known) -> None:
    row = {
        "tenant_id": wanted.tenant_id,
        "session_id": wanted.session_id,
        "email": known.email,
        "user_id": known.user_id,
        "linked_at": wanted.at,
    }
    bulk.upsert(connection, Identity.__table__, [row], {"email": "replace", "user_id": "replace"})


def _attach(connection: Connection, session: SessionKey, known: Known) -> int:
    lacking = [
        column.is_(None)
        for column, value in ((Event.email, known.email), (Event.user_id, known.user_id))
        if value
    ]
    return connection.execute(
        update(Event)
        .where(Event.tenant_id == session[0], Event.session_id == session[1], or_(*lacking))
        .values(
            email=func.coalesce(Event.email, known.email),
            user_id=func.coalesce(Event.user_id, known.user_id),
        )
    ).rowcount


def _count_waiting(connection: Connection, wanted: Link, email: str, deltas: Deltas) -> None:
    """The person now waits for what the session searched in vain."""
    tenant_id, session_id = wanted.tenant_id, wanted.session_id
    locks.lock_people(connection, [email])
    searches = connection.execute(
        select(Event.query, Event.day, func.count())
        .where(
            Event.tenant_id == tenant_id,
            Event.session_id == session_id,
            Event.event_type == "sage_query",
            Event.zero_results.is_(True),
            Event.email == email,
            ~Event.is_bot,
        )
        .group_by(Event.query, Event.day)
    )
    changes: dict[MemberKey, Counter[date]] = defaultdict(Counter)
    for query, day, n in searches:
        for key in (str(query), ""):
            changes[tenant_id, email, "zero_email", key][day] += n
    mark_unsettled(
        connection, {(tenant_id, DEMAND, key[3]): wanted.at for key in changes if key[3]}
    )
    count_members(connection, changes, lambda _session: False, deltas)


def _attach_trips(connection: Connection, session: SessionKey, user_id: str, at: datetime) -> None:
    connection.execute(
        update(TripAttempt)
        .where(
            TripAttempt.tenant_id == session[0],
            TripAttempt.anon_session_id == session[1],
            TripAttempt.created_at >= at - TRIPS_LINKED,
            TripAttempt.user_id.is_(None),
        )
        .values(user_id=user_id)
    )
