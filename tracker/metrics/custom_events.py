"""Events outside the catalog, where a tenant's setting allows them: shown apart."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.metrics.scope import Scope
from tracker.model import DailyEvents

PREFIX = "custom:"


class CustomEvent(NamedTuple):
    """One type that a tenant made up."""

    event_type: str
    tenant_id: str
    events: int
    last_day: date


def custom_events(session: Session, scope: Scope) -> list[CustomEvent]:
    """Types that a tenant's servers report and the catalog does not have, most frequent first.

    Counts events of the period; they are in no other number of this page. A type that is
    declared in the catalog leaves this list. Source: daily_events.
    """
    events, last_day = func.sum(DailyEvents.events), func.max(DailyEvents.day)
    statement = (
        select(DailyEvents.event_type, DailyEvents.tenant_id, events, last_day)
        .where(DailyEvents.tenant_id.in_(scope.tenants))
        .where(DailyEvents.day.between(scope.first, scope.last))
        .where(DailyEvents.event_type.startswith(PREFIX))
        .group_by(DailyEvents.event_type, DailyEvents.tenant_id)
        .having(events > 0)
    )
    rows = [CustomEvent(*row[:2], int(row[2]), row[3]) for row in session.execute(statement)]
    return sorted(rows, key=lambda row: (-row.events, row.event_type, row.tenant_id))
