"""Plans: who buys, who moves up and who moves down."""

from collections import defaultdict
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import func
from sqlalchemy.orm import Session

from tracker.metrics.business import counts, measured
from tracker.metrics.ratio import ratio
from tracker.metrics.scope import Scope
from tracker.model import DailyBusiness

IN_EFFECT = ("active", "trialing")
"""The statuses under which a plan is in effect, in Stripe's words."""


class PlanChange(NamedTuple):
    """A move from one plan to another."""

    previous_plan: str
    new_plan: str
    status: str
    changes: int
    last_day: date


class Checkout(NamedTuple):
    """Checkouts of one plan."""

    plan: str
    checkouts: int


class Step(NamedTuple):
    """A step of the way to a plan, and how many tenants came that far."""

    step: str
    tenants: int
    share: float | None


def plans(session: Session, scope: Scope) -> list[PlanChange]:
    """Changes of plan, and of a plan's status, the most frequent first.

    Counts `plan_updated` events of the period; the two plans are the same when something
    else changed, such as the status, and empty where there was or is none. Source: daily_business.
    """
    moves: dict[tuple[str, str, str], list[tuple[int, date]]] = defaultdict(list)
    for _, was, now, status, changes, last_day in _moves(session, scope):
        moves[was, now, status].append((changes, last_day))
    rows = [
        PlanChange(*move, int(sum(n for n, _ in of_tenants)), max(day for _, day in of_tenants))
        for move, of_tenants in moves.items()
    ]
    return sorted(rows, key=lambda row: (-row.changes, *row[:3]))


Move = tuple[str, str, str, str, int, date]


def _moves(session: Session, scope: Scope) -> list[Move]:
    """Tenant, plan before, plan after, status, changes and last day; read once for a page."""
    known = session.info.setdefault("plan moves", {})
    key = (scope.tenants, scope.first, scope.last)
    if key not in known:
        known[key] = [tuple(row) for row in session.execute(_moves_of(scope))]
    moves: list[Move] = known[key]
    return moves


def _moves_of(scope: Scope) -> Any:
    changes, last_day = func.sum(DailyBusiness.events), func.max(DailyBusiness.day)
    columns = (
        DailyBusiness.tenant_id,
        DailyBusiness.dim_a,
        DailyBusiness.dim_b,
        DailyBusiness.dim_c,
    )
    statement = measured(scope, "plan_updated", *columns, changes, last_day)
    return statement.group_by(*columns).having(changes > 0)


def checkouts(session: Session, scope: Scope) -> list[Checkout]:
    """Checkouts by the plan that was bought, the most frequent first.

    Counts `checkout_completed` events of the period. Source: daily_business.
    """
    number: Any = func.sum(DailyBusiness.events)
    statement = measured(scope, "checkout_completed", DailyBusiness.dim_a, number)
    found = session.execute(statement.group_by(DailyBusiness.dim_a).having(number > 0))
    rows = [Checkout(plan, int(count)) for plan, count in found]
    return sorted(rows, key=lambda row: (-row.checkouts, row.plan))


def checkout_funnel(session: Session, scope: Scope) -> list[Step]:
    """How many tenants came how far: each step holds the next.

    Active tenants had a business event in the period; of these some completed a checkout, and
    of these some had a plan set to active or trialing in the same period. Shares are of the
    first step. Source: daily_events, daily_business.
    """
    every = counts(session, scope)
    bought = {tenant for tenant, counted in every.items() if counted["checkout_completed"]}
    effective = bought & _with_a_plan_in_effect(session, scope)
    steps = {
        "active": len(every),
        "completed a checkout": len(bought),
        "plan in effect": len(effective),
    }
    rows = [Step(name, tenants, ratio(tenants, len(every))) for name, tenants in steps.items()]
    return rows if every else []


def _with_a_plan_in_effect(session: Session, scope: Scope) -> set[str]:
    return {tenant for tenant, _, _, status, *_ in _moves(session, scope) if status in IN_EFFECT}
