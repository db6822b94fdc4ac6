"""Volume budgets: a type that exceeds its own is sampled until the day is over.

Stateless: what is sampled follows from the day's count alone, so every process comes to the
same answer, and nothing has to be switched back.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from tracker.catalog import CATALOG
from tracker.catalog.custom import PREFIX
from tracker.model import DailyEvents

DEFAULT_BUDGET = 1_000_000
"""Events a tenant may report of one type that can be sampled, on one day."""
_MOST_OWN = 100
"""Of a tenant's own types, to choose from."""


def forced_sampling(
    session: Connection | Session, tenant_id: str, settings: Mapping[str, Any], today: date
) -> dict[str, int]:
    """Of how many events of each type one is kept: the tenant's choice, and more over budget.

    Over budget the sample halves each time the day's events double: 1 in 2, in 4, in 8.
    A part of a half is a part of the whole, so conversations stay whole. Types without a
    choice that are within budget are left out.
    """
    sampling = chosen_sampling(settings)
    budgets = settings.get("budgets") or {}
    for name, events in _events_of(session, tenant_id, today).items():
        factor = over_budget(events, int(budgets.get(name, DEFAULT_BUDGET)))
        if factor > 1 and is_samplable(name):
            sampling[name] = sampling.get(name, 1) * factor
    return sampling


def chosen_sampling(settings: Mapping[str, Any]) -> dict[str, int]:
    """Of how many events of a type one is kept, as the tenant chose.

    A choice made while a type could be sampled that can't be any more is passed over.
    """
    chosen = settings.get("sampling") or {}
    return {name: int(n) for name, n in chosen.items() if is_samplable(name)}


def over_budget(events: int, budget: int) -> int:
    """The power of two that the rest of the day is thinned by; 1 within the budget."""
    factor = 1
    while events >= budget * factor:
        factor *= 2
    return factor


def _events_of(session: Connection | Session, tenant_id: str, today: date) -> dict[str, int]:
    statement = (
        select(DailyEvents.event_type, func.sum(DailyEvents.events))
        .where(DailyEvents.tenant_id == tenant_id, DailyEvents.day == today)
        .group_by(DailyEvents.event_type)
    )
    return {name: int(events) for name, events in session.execute(statement)}


def is_samplable(name: str) -> bool:
    """Whether a part of the type's events may stand for all of them."""
    event_type = CATALOG.get(name)
    return event_type.samplable if event_type else name.startswith(PREFIX)


def samplable_types(
    session: Connection | Session, tenant_id: str, settings: Mapping[str, Any]
) -> list[str]:
    """What of a tenant's may be sampled: types of the catalog, and of its own.

    Of its own those that came most, and those of which something was chosen.
    """
    most = (
        select(DailyEvents.event_type)
        .where(DailyEvents.tenant_id == tenant_id, DailyEvents.event_type.startswith(PREFIX))
        .group_by(DailyEvents.event_type)
        .order_by(func.sum(DailyEvents.events).desc(), DailyEvents.event_type)
        .limit(_MOST_OWN)
    )
    own = set(session.execute(most).scalars())
    own |= {*(settings.get("sampling") or {}), *(settings.get("budgets") or {})} - CATALOG.keys()
    return [*filter(is_samplable, CATALOG), *sorted(own)]
