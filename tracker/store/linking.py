"""Attaching an identity to everything a session did. The first identity wins."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from tracker.model import Event, Identity, TripAttempt
from tracker.store import bulk
from tracker.store.deltas import Deltas
from tracker.store.facts import DEMAND
from tracker.store.marking import mark_unsettled
from tracker.store.uniques import MemberKey, SessionKey, count_as_identified, count_members

TRIPS_LINKED = timedelta(days=30)
"""How far back a login attaches its user to the trip attempts of the session."""


class AlreadyLinked(Exception):
    """The session belongs to somebody else; `args[0]` says by which, `email` or `user_id`."""


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

    @property
    def session(self) -> SessionKey:
        return self.tenant_id, self.session_id


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


def link_all(
    connection: Connection, wanted: Sequence[Link], deltas: Deltas
) -> list[Linked | AlreadyLinked]:
    """Attaches identities, in their order; AlreadyLinked changes nothing of its session.

    The caller holds the locks of the sessions and the people.
    """
    before = identities(connection, {one.session for one in wanted})
    known, changed = dict(before), dict[SessionKey, Link]()
    outcomes: list[tuple[Link, Known | AlreadyLinked]] = []
    for one in wanted:
        held = known.get(one.session, Known())
        after = _joined(held, one)
        outcomes.append((one, after))
        if isinstance(after, Known) and after != held:
            known[one.session] = after
            changed.setdefault(one.session, one)
    gained = _attach_all(connection, changed, before, known, deltas)
    return [
        after
        if isinstance(after, AlreadyLinked)
        else Linked(after, gained[one.session], is_new=True)
        if changed.get(one.session) is one
        else Linked(after, 0, is_new=False)
        for one, after in outcomes
    ]


def _joined(held: Known, wanted: Link) -> Known | AlreadyLinked:
    """Both identities as one, unless they are two."""
    for name in ("email", "user_id"):
        ours, theirs = getattr(held, name), getattr(wanted, name)
        if ours and theirs and ours != theirs:
            return AlreadyLinked(name)
    return Known(held.email or wanted.email, held.user_id or wanted.user_id)


def _attach_all(
    connection: Connection,
    changed: Mapping[SessionKey, Link],
    before: Mapping[SessionKey, Known],
    known: Mapping[SessionKey, Known],
    deltas: Deltas,
) -> Counter[SessionKey]:
    """Gives everything the changed sessions did its identity; counts the events that gained it."""
    gained: Counter[SessionKey] = Counter()
    if not changed:
        return gained
    _keep(connection, changed, known)
    count_as_identified(connection, changed.keys() - before.keys(), deltas)
    mailed, users = [], []
    for session in changed:
        held, now = before.get(session, Known()), known[session]
        mailed += [session] if now.email != held.email else []
        users += [session] if now.user_id != held.user_id else []
    at = min(one.at for one in changed.values())
    for tenant_id in sorted({session[0] for session in changed}):
        gained += _attach(connection, tenant_id, changed)
        _attach_trips(connection, tenant_id, users, at)
    _count_waiting(connection, mailed, known, at, deltas)
    return gained


def _keep(
    connection: Connection,
    changed: Mapping[SessionKey, Link],
    known: Mapping[SessionKey, Known],
) -> None:
    rows = [
        {
            "tenant_id": session[0],
            "session_id": session[1],
            "email": known[session].email,
            "user_id": known[session].user_id,
            "linked_at": changed[session].at,
        }
        for session in sorted(changed)
    ]
    bulk.upsert(connection, Identity.__table__, rows, {"email": "replace", "user_id": "replace"})


def _attach(
    connection: Connection, tenant_id: str, sessions: Iterable[SessionKey]
) -> Counter[SessionKey]:
    lacks_email = and_(Event.email.is_(None), Identity.email.is_not(None))
    lacks_user = and_(Event.user_id.is_(None), Identity.user_id.is_not(None))
    gaining = (
        *_of_sessions(Event.tenant_id, Event.session_id, tenant_id, sessions),
        or_(lacks_email, lacks_user),
    )
    counted = select(Event.session_id, func.count()).where(*gaining).group_by(Event.session_id)
    gained = {(tenant_id, str(row[0])): row[1] for row in connection.execute(counted)}
    if gained:
        connection.execute(
            update(Event)
            .where(*gaining)
            .values(
                email=func.coalesce(Event.email, Identity.email),
                user_id=func.coalesce(Event.user_id, Identity.user_id),
            )
        )
    return Counter(gained)


def _of_sessions(
    tenant: Any, session: Any, tenant_id: str, sessions: Iterable[SessionKey]
) -> tuple[Any, ...]:
    """That a row is of one of a tenant's sessions, joined with the session's identity."""
    ids = [session_id for owner, session_id in sessions if owner == tenant_id]
    joined = and_(Identity.tenant_id == tenant_id, Identity.session_id == session)
    return tenant == tenant_id, session.in_(ids), joined


def _attach_trips(
    connection: Connection, tenant_id: str, sessions: Sequence[SessionKey], at: datetime
) -> None:
    if not sessions:
        return
    columns = (TripAttempt.tenant_id, TripAttempt.anon_session_id)
    connection.execute(
        update(TripAttempt)
        .where(
            *_of_sessions(*columns, tenant_id, sessions),
            TripAttempt.created_at >= at - TRIPS_LINKED,
            TripAttempt.user_id.is_(None),
        )
        .values(user_id=Identity.user_id)
    )


def _count_waiting(
    connection: Connection,
    sessions: Sequence[SessionKey],
    known: Mapping[SessionKey, Known],
    at: datetime,
    deltas: Deltas,
) -> None:
    """These people now wait for what their sessions searched in vain."""
    by = ("tenant_id", "session_id")
    columns = (*by, "event_type", "is_bot", "zero_results", "query", "day")
    changes: dict[MemberKey, Counter[date]] = defaultdict(Counter)
    for row in bulk.matching(connection, Event.__table__, by, sessions, columns):
        if row.event_type == "sage_query" and row.zero_results and not row.is_bot:
            email = str(known[row.tenant_id, row.session_id].email)
            for key in (row.query, ""):
                changes[row.tenant_id, email, "zero_email", key][row.day] += 1
    mark_unsettled(connection, {(key[0], DEMAND, key[3]): at for key in changes if key[3]})
    count_members(connection, changes, lambda _session: False, deltas)
