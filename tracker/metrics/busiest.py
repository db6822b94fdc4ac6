"""The sessions with the most events of a period, without adding up all of them.

`session_days.at_most` bounds what a session can have in any range of days. Sessions are looked at
by that bound, largest first, some at a time, until nobody who is left can be among the busiest.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, func, select, text, union_all
from sqlalchemy.orm import Session

from tracker.metrics.scope import Scope
from tracker.model import SessionDay
from tracker.model.state import BUSY, QUIET

_FIRST_LOOK = 200
_LAST_LOOK = 3_200
_MOST_WANTED = 2500
_MOST_TENANTS = 50
"""Of more sessions, or tenants, adding up everything is cheaper."""

Candidate = tuple[str, int]
"""A session's id, and how many events it has at most."""


class Busy(NamedTuple):
    """A session, and its events in the period."""

    tenant_id: str
    session_id: str
    events: int


def busiest(
    session: Session, scope: Scope, wanted: int, where: Collection[ColumnElement[bool]] = ()
) -> list[Busy] | None:
    """The first `wanted` sessions by events, then by id; None when that can't be told cheaply.

    `where` are conditions on the session of a row of session_days.
    """
    if wanted > _MOST_WANTED or len(scope.tenants) > _MOST_TENANTS:
        return None
    look = max(_FIRST_LOOK, wanted)
    seen: set[str] = set()
    found: list[Busy] = []
    while look <= max(_LAST_LOOK, wanted):
        candidates = _candidates(session, scope, look)
        fresh = {candidate[0] for candidate in candidates} - seen
        seen |= fresh
        found = _first(found + _counted(session, scope, wanted, fresh, where), wanted)
        others_at_most = candidates[-1][1] if len(candidates) == look else QUIET
        if len(found) == wanted and found[-1].events > others_at_most:
            return found
        if others_at_most == QUIET:
            return None
        look *= 4
    if where or len(found) < wanted or found[-1].events <= QUIET:
        return None
    return _counted(session, scope, wanted, _bounded_by(scope, found[-1].events))


def _bounded_by(scope: Scope, events: int) -> Select[str]:
    """All sessions that may have so many events."""
    return select(SessionDay.session_id).where(
        SessionDay.tenant_id.in_(scope.tenants), text(BUSY), SessionDay.at_most >= events
    )


def _candidates(session: Session, scope: Scope, look: int) -> Sequence[Candidate]:
    """Sessions with the largest bounds. One branch per tenant: each reads one index in order."""
    rows = (
        select(SessionDay.session_id, SessionDay.at_most)
        .where(SessionDay.day.between(scope.first, scope.last), text(BUSY))
        .order_by(SessionDay.at_most.desc())
        .limit(look)
    )
    branches = [
        select(rows.where(SessionDay.tenant_id == tenant).subquery()) for tenant in scope.tenants
    ]
    merged = union_all(*branches).subquery()
    ordered = select(merged.c.session_id, merged.c.at_most).order_by(merged.c.at_most.desc())
    return [(row[0], row[1]) for row in session.execute(ordered.limit(look))]


def _counted(
    session: Session,
    scope: Scope,
    wanted: int,
    ids: Collection[str] | Select[str],
    where: Collection[ColumnElement[bool]] = (),
) -> list[Busy]:
    """Of these sessions, those with the most events in the period."""
    events = func.sum(SessionDay.events)
    statement = (
        select(SessionDay.tenant_id, SessionDay.session_id, events)
        .where(SessionDay.tenant_id.in_(scope.tenants), SessionDay.session_id.in_(ids))
        .where(SessionDay.day.between(scope.first, scope.last), *where)
        .group_by(SessionDay.tenant_id, SessionDay.session_id)
        .having(events > 0)
        .order_by(events.desc(), SessionDay.session_id, SessionDay.tenant_id)
        .limit(wanted)
    )
    return [Busy(row[0], row[1], int(row[2])) for row in session.execute(statement)]


def _first(sessions: list[Busy], wanted: int) -> list[Busy]:
    return sorted(sessions, key=lambda one: (-one.events, one.session_id, one.tenant_id))[:wanted]
