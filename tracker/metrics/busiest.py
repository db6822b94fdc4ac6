"""The sessions with the most events of a period, without adding up all of them.

`session_days.at_most` bounds what a session can have in any range of days. Reading rows by that
bound, largest first, the search is over once the next bound is below what is already found.
"""

from typing import Any, NamedTuple

from sqlalchemy import Select, func, select, text, union_all
from sqlalchemy.orm import Session

from tracker.metrics.scope import Scope
from tracker.model import SessionDay
from tracker.model.state import BUSY, QUIET

_FIRST_LOOK = 200
_LAST_LOOK = 10_000
"""Rows looked at: four times as many each time; after that adding up everything is cheaper."""

_MOST_TENANTS = 50


class Busy(NamedTuple):
    """A session, and its events in the period."""

    tenant_id: str
    session_id: str
    events: int


def busiest(session: Session, scope: Scope, wanted: int) -> list[Busy] | None:
    """The first `wanted` sessions by events, then by id; None when that can't be told cheaply."""
    look = max(_FIRST_LOOK, 4 * wanted)
    while look <= _LAST_LOOK and len(scope.tenants) <= _MOST_TENANTS:
        candidates = session.execute(_candidates(scope, look)).all()
        found = _counted(session, scope, {row.session_id for row in candidates})[:wanted]
        is_all = len(candidates) < look
        left = QUIET if is_all else candidates[-1].at_most
        if len(found) == wanted and left < found[-1].events:
            return found
        if is_all:
            return None
        look *= 4
    return None


def _candidates(scope: Scope, look: int) -> Select[*tuple[Any, ...]]:
    """The rows with the largest bounds. One branch per tenant: each reads one index in order."""
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
    bounds = merged.c.at_most
    return select(merged.c.session_id, bounds).order_by(bounds.desc()).limit(look)


def _counted(session: Session, scope: Scope, ids: set[str]) -> list[Busy]:
    """The events of these sessions in the period, most first."""
    events = func.sum(SessionDay.events)
    statement = (
        select(SessionDay.tenant_id, SessionDay.session_id, events)
        .where(SessionDay.tenant_id.in_(scope.tenants), SessionDay.session_id.in_(ids))
        .where(SessionDay.day.between(scope.first, scope.last))
        .group_by(SessionDay.tenant_id, SessionDay.session_id)
        .having(events > 0)
    )
    found = [Busy(row[0], row[1], int(row[2])) for row in session.execute(statement)]
    return sorted(found, key=lambda row: (-row.events, row.session_id))
