"""What tenants do with the product: the counts that every business page starts from."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tracker.catalog import business as catalog
from tracker.metrics.ratio import ratio
from tracker.metrics.scope import Scope
from tracker.metrics.volumes import volumes
from tracker.model import DailyBusiness, Event, Tenant

TYPES = tuple(event.name for event in catalog.TYPES)
"""The business event types."""

Counts = Mapping[str, Mapping[str, int]]
"""Per tenant: events by type, and settled `conversations` and `escalated` ones."""


class Totals(NamedTuple):
    """One row: what the tenants of the scope did together."""

    tenants: int
    conversations: int
    escalation_rate: float | None
    deflection_rate: float | None
    ingest_failures: int
    integration_success_rate: float | None
    integration_calls: int
    quota_rejections: int


class TenantUse(NamedTuple):
    """What one tenant did."""

    tenant_id: str
    conversations: int
    escalation_rate: float | None
    deflection_rate: float | None
    ingest_failures: int
    integration_success_rate: float | None
    quota_rejections: int
    last_seen: datetime | None


def totals(session: Session, scope: Scope) -> list[Totals]:
    """The tenants of the page together. Tenants are those with a business event in the period.

    Conversations count on the day they started. Escalation rate: conversations started in the
    period that were ever handed to a person, over conversations started in the period;
    deflection rate is what is missing to 1, which is not the same as resolved. Integration
    success rate: calls that worked over all calls. Without a denominator there is no rate.
    Source: daily_events, daily_business.
    """
    every = counts(session, scope)
    one: dict[str, int] = defaultdict(int)
    for counted in every.values():
        for name, number in counted.items():
            one[name] += number
    escalation_rate = ratio(one["escalated"], one["conversations"])
    calls = one["integration_succeeded"] + one["integration_failed"]
    return [
        Totals(
            tenants=len(every),
            conversations=one["conversations"],
            escalation_rate=escalation_rate,
            deflection_rate=_rest(escalation_rate),
            ingest_failures=one["ingest_failed"],
            integration_success_rate=ratio(one["integration_succeeded"], calls),
            integration_calls=calls,
            quota_rejections=one["quota_exceeded"],
        )
    ]


def tenants(session: Session, scope: Scope) -> list[TenantUse]:
    """Each tenant with a business event in the period, those with most conversations first.

    Conversations count on the day they started. Escalation rate: conversations started in the
    period that were ever handed to a person, over conversations started in the period;
    deflection rate is what is missing to 1, which is not the same as resolved. Ingest failures
    and quota rejections are events. Integration success rate: calls that worked over all
    calls. Last seen: the time of the newest business event of the period that is still held.
    Without a denominator there is no rate. Source: daily_events, daily_business, events.
    """
    seen = _last_seen(session, scope)
    every = counts(session, scope)
    rows = [_use(tenant, counted, seen.get(tenant)) for tenant, counted in every.items()]
    return sorted(rows, key=lambda row: (-row.conversations, row.tenant_id))


def _use(tenant_id: str, counted: Mapping[str, int], last_seen: datetime | None) -> TenantUse:
    escalation_rate = ratio(counted["escalated"], counted["conversations"])
    succeeded = counted["integration_succeeded"]
    return TenantUse(
        tenant_id=tenant_id,
        conversations=counted["conversations"],
        escalation_rate=escalation_rate,
        deflection_rate=_rest(escalation_rate),
        ingest_failures=counted["ingest_failed"],
        integration_success_rate=ratio(succeeded, succeeded + counted["integration_failed"]),
        quota_rejections=counted["quota_exceeded"],
        last_seen=last_seen,
    )


def _rest(rate: float | None) -> float | None:
    return None if rate is None else 1 - rate


def counts(session: Session, scope: Scope) -> Counts:
    """What each tenant with a business event in the period did.

    Several panels of a page start from it, so a session remembers it.
    """
    known = session.info.setdefault("business counts", {})
    key = (scope.tenants, scope.first, scope.last)
    if key not in known:
        known[key] = _counted(session, scope)
    counted: Counts = known[key]
    return counted


def _counted(session: Session, scope: Scope) -> Counts:
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (tenant, kind), (events, _) in volumes(session, scope).items():
        if kind in TYPES:
            found[tenant][kind] = events
    for tenant, conversations, escalated in session.execute(_conversations(scope)):
        found[tenant] |= {"conversations": int(conversations), "escalated": int(escalated)}
    return found


def _conversations(scope: Scope) -> Select[Any]:
    events, escalated = func.sum(DailyBusiness.events), func.sum(DailyBusiness.amount_a)
    return (
        measured(scope, "conversations", DailyBusiness.tenant_id, events, escalated)
        .group_by(DailyBusiness.tenant_id)
        .having(events > 0)
    )


def measured(scope: Scope, measure: str, *columns: Any) -> Select[Any]:
    """Columns of the scope's rows of one measure of daily_business."""
    return (
        select(*columns)
        .where(DailyBusiness.tenant_id.in_(scope.tenants))
        .where(DailyBusiness.measure == measure)
        .where(DailyBusiness.day.between(scope.first, scope.last))
    )


def _last_seen(session: Session, scope: Scope) -> dict[str, datetime | None]:
    """The newest business event of each tenant.

    One look at the end of an index per tenant and type; a maximum over all of them at once
    would read every event.
    """
    newest = [_newest(name, scope).label(name) for name in TYPES]
    rows = session.execute(select(Tenant.id, *newest).where(Tenant.id.in_(scope.tenants)))
    return {row[0]: max((at for at in row[1:] if at), default=None) for row in rows}


def _newest(event_type: str, scope: Scope) -> Any:
    start, end = moments(scope)
    return (
        select(func.max(Event.occurred_at))
        .where(Event.tenant_id == Tenant.id, Event.event_type == event_type)
        .where(Event.occurred_at >= start, Event.occurred_at < end)
        .correlate(Tenant)
        .scalar_subquery()
    )


def moments(scope: Scope) -> tuple[datetime, datetime]:
    """When the period begins, and when it is over."""
    start = datetime.combine(scope.first, time.min, scope.zone)
    return start, datetime.combine(scope.last + timedelta(days=1), time.min, scope.zone)
