"""Which parts of the product tenants use, and whether they come back."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.catalog import business as catalog
from tracker.metrics.business import TYPES, counts
from tracker.metrics.ratio import ratio
from tracker.metrics.scope import Scope
from tracker.model import DailyEvents, Tenant

_WEEK = timedelta(days=7)
_SIX_DAYS = timedelta(days=6)

# As an expression no index holds it: PostgreSQL would look for each type on each day.
_IS_BUSINESS = func.coalesce(DailyEvents.event_type, "").in_(TYPES)


class Feature(NamedTuple):
    """How many tenants use one part of the product."""

    feature: str
    tenants: int
    share: float | None
    events: int


class Retention(NamedTuple):
    """Of the tenants that began in one week, those active some weeks later."""

    cohort: date
    week: int
    tenants: int
    size: int
    retention_rate: float | None


class Quiet(NamedTuple):
    """A tenant that was active in the period before and is not any more."""

    tenant_id: str
    last_day: date
    events_before: int


def adoption(session: Session, scope: Scope) -> list[Feature]:
    """Parts of the product by the tenants that used them, the most used first.

    A part is a domain of the catalog; a tenant uses it with at least one of its events in the
    period. The share is of the tenants with any business event; parts that nobody used are
    listed too. Source: daily_events.
    """
    every = counts(session, scope)
    rows = []
    for feature, types in _features().items():
        used = [sum(counted[name] for name in types) for counted in every.values()]
        users = sum(1 for events in used if events)
        rows.append(Feature(feature, users, ratio(users, len(every)), sum(used)))
    return sorted(rows, key=lambda row: (-row.tenants, row.feature)) if every else []


def _features() -> dict[str, list[str]]:
    features: dict[str, list[str]] = defaultdict(list)
    for event in catalog.TYPES:
        features[event.domain].append(event.name)
    return features


def retention(session: Session, scope: Scope) -> list[Retention]:
    """Of the tenants that began in a week, how many were active in each week after.

    A week begins on Monday. A tenant begins in the week of its first business event, and is
    active in every week with at least one; week 0 is the one it began in. Weeks are those that
    the period touches, each of them whole; cohorts are of the same weeks. Source: daily_events.
    """
    active = _active_weeks(session, scope)
    began = {tenant: week for tenant, week in _first_weeks(session, scope) if active[tenant]}
    weeks = sorted({_monday(day) for day in scope.each_day()})
    rows = []
    for cohort in weeks:
        members = [tenant for tenant, week in began.items() if week == cohort]
        for week in weeks if members else ():
            if week >= cohort:
                stayed = sum(1 for tenant in members if week in active[tenant])
                number = (week - cohort) // _WEEK
                size = len(members)
                rows.append(Retention(cohort, number, stayed, size, ratio(stayed, size)))
    return rows


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _active_weeks(session: Session, scope: Scope) -> dict[str, set[date]]:
    """The weeks in which each tenant was active: one look into an index per tenant and week."""
    weeks = sorted({_monday(day) for day in scope.each_day()})
    active = [_is_active(week, week + _SIX_DAYS) for week in weeks]
    found = session.execute(select(Tenant.id, *active).where(Tenant.id.in_(scope.tenants)))
    return {
        row[0]: {week for week, is_active in zip(weeks, row[1:], strict=True) if is_active}
        for row in found
    }


def _is_active(first: date, last: date) -> Any:
    """Whether a tenant was. Of EXISTS PostgreSQL makes a set, for which it reads all the rows."""
    return (
        select(DailyEvents.day)
        .where(DailyEvents.tenant_id == Tenant.id, DailyEvents.day.between(first, last))
        .where(_IS_BUSINESS, DailyEvents.events > 0)
        .correlate(Tenant)
        .limit(1)
        .scalar_subquery()
        .is_not(None)
    )


def _first_weeks(session: Session, scope: Scope) -> Iterable[tuple[str, date]]:
    """Each tenant and the week of its first business event ever, in the period or before."""
    first: Any = (
        select(func.min(DailyEvents.day))
        .where(DailyEvents.tenant_id == Tenant.id, _IS_BUSINESS, DailyEvents.events > 0)
        .correlate(Tenant)
        .scalar_subquery()
    )
    for tenant, day in session.execute(
        select(Tenant.id, first).where(Tenant.id.in_(scope.tenants))
    ):
        if day is not None:
            yield tenant, _monday(day)


def gone_quiet(session: Session, scope: Scope) -> list[Quiet]:
    """Tenants with business events in the period before and none in this one.

    Those that did most before come first. Source: daily_events.
    """
    before = counts(session, scope.previous())
    gone = before.keys() - counts(session, scope).keys()
    last_days = _last_days(session, scope.previous(), gone)
    rows = [
        Quiet(tenant, last_days[tenant], sum(before[tenant][name] for name in TYPES))
        for tenant in gone
    ]
    return sorted(rows, key=lambda row: (-row.events_before, row.tenant_id))


def _last_days(session: Session, scope: Scope, tenants: Iterable[str]) -> dict[str, date]:
    statement = (
        select(DailyEvents.tenant_id, func.max(DailyEvents.day))
        .where(DailyEvents.tenant_id.in_(tenants))
        .where(DailyEvents.day.between(scope.first, scope.last))
        .where(DailyEvents.event_type.in_(TYPES), DailyEvents.events > 0)
        .group_by(DailyEvents.tenant_id)
    )
    return {row[0]: row[1] for row in session.execute(statement)}
