"""How much of each type there is: read once for a page, though many of its parts ask."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.metrics.scope import Scope
from tracker.model import DailyEvents

Volumes = Mapping[tuple[str, str], tuple[int, int]]
"""By tenant and event type: events, scaled by sample weight, and how many of them are kept."""


def volumes(session: Session, scope: Scope) -> Volumes:
    """The volumes of the period, without what bots sent. Source: daily_events."""
    known = session.info.setdefault("volumes", {})
    key = (scope.tenants, scope.first, scope.last)
    if key not in known:
        known[key] = _volumes(session, scope)
    found: Volumes = known[key]
    return found


def _volumes(session: Session, scope: Scope) -> Volumes:
    events, kept = func.sum(DailyEvents.events), func.sum(DailyEvents.kept)
    columns: tuple[Any, ...] = (DailyEvents.tenant_id, DailyEvents.event_type)
    statement = (
        select(*columns, events, kept)
        .where(DailyEvents.tenant_id.in_(scope.tenants))
        .where(DailyEvents.day.between(scope.first, scope.last))
        .group_by(*columns)
        .having(events > 0)
    )
    return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in session.execute(statement)}
