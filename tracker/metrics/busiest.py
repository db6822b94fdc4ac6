"""The sessions with the most events of a period, without adding up all of them.

`session_days.at_most` bounds what a session can have in any range of days. Some sessions with
the largest bounds tell how many events it takes to be among the busiest; whoever is bounded below
that need not be looked at.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Select, func, select, text, union_all
from sqlalchemy.orm import Session

from tracker.metrics.scope import Scope
from tracker.model import SessionDay
from tracker.model.state import BUSY, QUIET

_FIRST_LOOK = 200
_MOST_WANTED = 2500
_MOST_TENANTS = 50
"""Of more sessions, or tenants, adding up everything is cheaper."""


class Busy(NamedTuple):
    """A session, and its events in the period."""

    tenant_id: str
    session_id: str
    events: int


def busiest(session: Session, scope: Scope, wanted: int) -> list[Busy] | None:
    """The first `wanted` sessions by events, then by id; None when that can't be told cheaply."""
    if wanted > _MOST_WANTED or len(scope.tenants) > _MOST_TENANTS:
        return None
    candidates = session.scalars(_candidates(scope, max(_FIRST_LOOK, 4 * wanted))).all()
    some = _counted(session, scope, wanted, candidates)
    if len(some) < wanted or some[-1].events <= QUIET:
        return None
    busy = select(SessionDay.session_id).where(
        SessionDay.tenant_id.in_(scope.tenants),
        text(BUSY),
        SessionDay.at_most >= some[-1].events,
    )
    return _counted(session, scope, wanted, busy)


def _candidates(scope: Scope, look: int) -> Select[str]:
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
    return select(merged.c.session_id).order_by(merged.c.at_most.desc()).limit(look)


def _counted(
    session: Session, scope: Scope, wanted: int, ids: Sequence[str] | Select[str]
) -> list[Busy]:
    """Of these sessions, those with the most events in the period."""
    events = func.sum(SessionDay.events)
    statement = (
        select(SessionDay.tenant_id, SessionDay.session_id, events)
        .where(SessionDay.tenant_id.in_(scope.tenants), SessionDay.session_id.in_(ids))
        .where(SessionDay.day.between(scope.first, scope.last))
        .group_by(SessionDay.tenant_id, SessionDay.session_id)
        .having(events > 0)
        .order_by(events.desc(), SessionDay.session_id)
        .limit(wanted)
    )
    return [Busy(row[0], row[1], int(row[2])) for row in session.execute(statement)]
