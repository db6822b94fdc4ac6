"""Where experts were shown and clicked: the counts that all metrics of experts are made of."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from tracker.metrics.once import once
from tracker.metrics.scope import Scope
from tracker.model import DailyExperts
from tracker.model.rollups import NO_RANK

CONTEXTS = ("sage_panel", "grid")
_MOST_KEYS = 10_000

Place = tuple[str, int]
"""A context and a rank in it; rank 0 for clicks whose position nobody sent."""


class Counts(NamedTuple):
    """What one expert had at one place."""

    impressions: int
    clicks: int


class Elsewhere(NamedTuple):
    """What an expert had in all days held; `last_day` is the last on which it was shown."""

    expert_id: str
    impressions: int
    clicks: int
    last_day: date | None


Places = dict[str, dict[Place, Counts]]
"""By expert, then by place."""


@once
def places(session: Session, scope: Scope) -> Places:
    """Impressions and clicks of the period, by expert and place. Source: daily_experts."""
    impressions, clicks = func.sum(DailyExperts.impressions), func.sum(DailyExperts.clicks)
    key = (DailyExperts.expert_id, DailyExperts.context, DailyExperts.rank)
    statement = (
        select(*key, impressions, clicks)
        .where(DailyExperts.tenant_id.in_(scope.tenants))
        .where(DailyExperts.day.between(scope.first, scope.last))
        .group_by(*key)
    )
    found: Places = {}
    for expert, context, rank, shown, clicked in session.execute(statement):
        if shown or clicked:
            found.setdefault(expert, {})[context, rank] = Counts(int(shown), int(clicked))
    return found


@once
def known_experts(session: Session, scope: Scope) -> frozenset[str]:
    """Everybody who was ever shown or clicked, in any period held. Source: daily_experts."""
    return frozenset(row.expert_id for row in session.execute(_named(scope)) if row.expert_id)


def absent_experts(session: Session, scope: Scope) -> list[Elsewhere]:
    """Experts known from other days who were neither shown nor clicked in the period.

    Counted over all days held; last shown is the last of them. Those shown most come first.
    Source: daily_experts.
    """
    absent = sorted(known_experts(session, scope) - places(session, scope).keys())
    rows = [
        Elsewhere(expert, int(impressions), int(clicks), last_day)
        for start in range(0, len(absent), _MOST_KEYS)
        for expert, impressions, clicks, last_day in session.execute(
            _elsewhere(scope, absent[start : start + _MOST_KEYS])
        )
    ]
    return sorted(rows, key=lambda row: (-row.impressions, row.expert_id))


def _named(scope: Scope) -> Select[*tuple[Any, ...]]:
    """The experts of each tenant, by hopping from one to the next in the index.

    A DISTINCT would read every day that is held, on every page.
    """
    tenants = union_all(*(select(literal(tenant).label("tenant_id")) for tenant in scope.tenants))
    start = tenants.subquery()
    hop = select(start.c.tenant_id, _first(start.c.tenant_id).label("expert_id")).cte(
        "named", recursive=True
    )
    following = _first(hop.c.tenant_id, DailyExperts.expert_id > hop.c.expert_id)
    rest = select(hop.c.tenant_id, following).where(hop.c.expert_id.is_not(None))
    named = hop.union_all(rest)
    return select(named.c.expert_id)


def _first(tenant: ColumnElement[str], *where: ColumnElement[bool]) -> Any:
    # Not min(): PostgreSQL adds that up over all rows while a table is new to it
    return (
        select(DailyExperts.expert_id)
        .where(DailyExperts.tenant_id == tenant, *where)
        .order_by(DailyExperts.expert_id)
        .limit(1)
        .scalar_subquery()
    )


def _elsewhere(scope: Scope, experts: Iterable[str]) -> Select[*tuple[Any, ...]]:
    impressions, clicks = func.sum(DailyExperts.impressions), func.sum(DailyExperts.clicks)
    shown_on = func.max(DailyExperts.day).filter(DailyExperts.impressions > 0)
    return (
        select(DailyExperts.expert_id, impressions, clicks, shown_on)
        .where(DailyExperts.tenant_id.in_(scope.tenants))
        .where(DailyExperts.expert_id.in_(experts))
        .group_by(DailyExperts.expert_id)
    )


@once
def by_place(session: Session, scope: Scope) -> dict[Place, Counts]:
    """Impressions and clicks of all experts by place, without clicks of unknown position."""
    impressions: Counter[Place] = Counter()
    clicks: Counter[Place] = Counter()
    for cells in places(session, scope).values():
        for place, counts in cells.items():
            impressions[place] += counts.impressions
            clicks[place] += counts.clicks
    return {
        place: Counts(impressions[place], clicks[place])
        for place in impressions
        if place[1] != NO_RANK
    }
