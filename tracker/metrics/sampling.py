"""What is estimated because it is sampled, and fields with more values than anyone can read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.catalog import CATALOG
from tracker.metrics.custom_events import PREFIX
from tracker.metrics.scope import Scope
from tracker.metrics.volumes import volumes
from tracker.model import DailyBusiness, Tenant
from tracker.store.budgets import DEFAULT_BUDGET, chosen_sampling, is_samplable, over_budget
from tracker.store.projections import DIMENSIONS

EXPLODED = 200
"""Different values of a field within a week from which on it is a warning."""

_COLUMNS = (DailyBusiness.dim_a, DailyBusiness.dim_b, DailyBusiness.dim_c)

CUSTOM = f"{PREFIX}*"
"""All types that a tenant made up: each of them may be sampled."""
EVERY = (*CATALOG, CUSTOM)
"""All types, for a part may have been kept of one that can't be sampled any more."""


class Sampled(NamedTuple):
    """A type of which a tenant's events are kept in part."""

    event_type: str
    tenant_id: str
    events: int
    kept: int
    one_in: int
    why: str


class Exploded(NamedTuple):
    """A field of a payload that has too many values."""

    event_type: str
    field: str
    tenant_id: str
    distinct_values: int
    since: date


def sampled(session: Session, scope: Scope) -> list[Sampled]:
    """Types that are sampled now, or were in the period.

    Events are scaled up and estimates, kept are those stored. One in N holds now, 1 when
    all are kept again: by the tenant's choice, or because the type went over its budget of
    the day (1,000,000 events unless the settings say otherwise); then the sample halves each
    time the day's events double. Source: daily_events, tenants.
    """
    counted = volumes(session, scope)
    today = volumes(session, replace(scope, first=scope.today, last=scope.today))
    in_force = {
        (tenant, name): _in_force(settings, name, today.get((tenant, name), (0, 0))[0])
        for tenant, settings in _settings(session, scope)
        for name in {*chosen_sampling(settings), *(name for one, name in today if one == tenant)}
    }
    rows = []
    for key in sorted({*counted, *in_force}):
        events, kept = counted.get(key, (0, 0))
        one_in, why = in_force.get(key, (1, ""))
        if one_in > 1 or events != kept:
            rows.append(Sampled(key[1], key[0], events, kept, one_in, why or "kept whole again"))
    return sorted(rows, key=lambda row: (-row.events, row.event_type, row.tenant_id))


def _counted(session: Session, scope: Scope) -> dict[tuple[str, str], tuple[int, int]]:
    """Per tenant and type of the period: events and those kept, where they differ."""
    found = volumes(session, scope)
    return {key: (events, kept) for key, (events, kept) in found.items() if events != kept}


def _settings(session: Session, scope: Scope) -> list[tuple[str, dict[str, Any]]]:
    statement = select(Tenant.id, Tenant.settings).where(Tenant.id.in_(scope.tenants))
    return [(row.id, dict(row.settings or {})) for row in session.execute(statement)]


def _in_force(settings: dict[str, Any], name: str, events: int) -> tuple[int, str]:
    """Of how many events one is kept now, and why."""
    chosen = chosen_sampling(settings).get(name, 1)
    budget = int((settings.get("budgets") or {}).get(name, DEFAULT_BUDGET))
    factor = over_budget(events, budget) if is_samplable(name) else 1
    if factor > 1:
        return chosen * factor, f"over its budget of {budget:,} a day"
    return chosen, "chosen" if chosen > 1 else ""


def exploded(session: Session, scope: Scope) -> list[Exploded]:
    """Fields whose values are too many to be read as a list, most values first.

    Counts different values within the last week of the period, of the fields that numbers are
    broken down by; from 200 on, a field probably holds an id or free text. Source: daily_business.
    """
    since = max(scope.first, scope.last - timedelta(days=6))
    distinct = [func.count(column.distinct()) for column in _COLUMNS]
    columns: tuple[Any, ...] = (DailyBusiness.tenant_id, DailyBusiness.measure)
    statement = (
        select(*columns, *distinct)
        .where(DailyBusiness.tenant_id.in_(scope.tenants))
        .where(DailyBusiness.day.between(since, scope.last), DailyBusiness.events > 0)
        .where(DailyBusiness.measure.in_(DIMENSIONS))
        .group_by(*columns)
    )
    rows = [
        Exploded(row[1], field, row[0], int(number), since)
        for row in session.execute(statement)
        for field, number in zip(DIMENSIONS[row[1]], row[2:], strict=False)
        if number >= EXPLODED
    ]
    return sorted(rows, key=lambda row: (-row.distinct_values, *row[:3]))


def estimated(session: Session, scope: Scope, types: Sequence[str]) -> str:
    """Which of the types' numbers are estimates, as a sentence; empty when none is.

    A page about one type (filter `event_type`) counts no other.
    """
    counted = _counted(session, scope)
    only = scope.filters.get("event_type")
    names = sorted(
        {name for _, name in counted if _is_one_of(name, types) and only in (None, name)}
    )
    if not names:
        return ""
    kept = ", ".join(f"{name} ({_one_in(counted, name)})" for name in names)
    return f"Estimated: only a part is kept of {kept}. The numbers are scaled up."


def _is_one_of(name: str, types: Sequence[str]) -> bool:
    return name in types or (name.startswith(PREFIX) and CUSTOM in types)


def _one_in(counted: dict[tuple[str, str], tuple[int, int]], name: str) -> str:
    events = sum(pair[0] for key, pair in counted.items() if key[1] == name)
    kept = sum(pair[1] for key, pair in counted.items() if key[1] == name)
    return f"1 in {events / kept:.1f}".removesuffix(".0") if kept else "none"
