"""Which sessions came when, how far they got and who is known: what their days tell."""

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, false, func, select
from sqlalchemy.orm import Session, aliased

from tracker.metrics.condition import Condition, Sessions, any_row, uniques
from tracker.metrics.rollups import once_each
from tracker.metrics.scope import Scope
from tracker.model import DailyUniques, Identity, SessionDay
from tracker.model.rollups import NEVER

STEPS = ("had any event", "set a filter or searched", "clicked a card", "were identified")
"""Of the funnel; each contains the next."""


def known(scope: Scope) -> Iterator[Condition]:
    if not scope.filters.get("known"):
        return
    linked = select(Identity.tenant_id, Identity.session_id)
    everyone = linked.where(Identity.tenant_id.in_(scope.tenants))
    yield Condition(everyone, _is_linked(), uniques(scope, {"session": 1}, known=True))


def got_as_far_as(scope: Scope) -> Iterator[Condition]:
    if (step := scope.filters.get("step", "")) not in STEPS[1:]:
        return
    clicked, known = (STEPS.index(step) >= STEPS.index(other) for other in STEPS[2:])
    kinds = {"engaged": 1, "clicked": 1, "active": -1} if clicked else {"engaged": 1}
    one_day = aliased(SessionDay)
    did = [one_day.searches + one_day.filters > 0] + [one_day.clicks > 0] * clicked
    same = and_(
        one_day.tenant_id == SessionDay.tenant_id, one_day.session_id == SessionDay.session_id
    )
    period = one_day.day.between(scope.first, scope.last)
    holds = [any_row(select(one_day.day).where(same, period, what)) for what in did]
    holds += [_is_linked()] * known
    yield Condition(_here(scope, *holds), and_(*holds), uniques(scope, kinds, known=known))


def came_before(scope: Scope) -> Iterator[Condition]:
    if not scope.filters.get("before"):
        return

    def number(session: Session) -> int:
        again = select(func.coalesce(func.sum(DailyUniques.members), 0)).where(
            DailyUniques.kind == "session", DailyUniques.key == "", DailyUniques.prev_day > NEVER
        )
        return int(session.execute(once_each(again, scope)).scalar_one())

    earlier = _was_here(None, scope.first)
    yield Condition(_here(scope, earlier), earlier, number)


def came_first(scope: Scope) -> Iterator[Condition]:
    if not (week := scope.filters.get("first_week", "")):
        return
    try:
        monday = date.fromisoformat(week)
        next_monday = monday + timedelta(weeks=1)
    except (ValueError, OverflowError):
        yield Condition(_here(scope, false()), false())
        return

    def number(session: Session) -> int:
        members = select(func.coalesce(func.sum(DailyUniques.members), 0)).where(
            DailyUniques.tenant_id.in_(scope.tenants),
            DailyUniques.kind == "week",
            DailyUniques.key == monday.isoformat(),
            DailyUniques.day == scope.first,
        )
        return int(session.execute(members).scalar_one())

    first = and_(~_was_here(None, monday), _was_here(monday, next_monday))
    is_counted = monday.weekday() == 0 and _is_one_week(scope)
    yield Condition(_here(scope, first), first, number if is_counted else None)


def _is_one_week(scope: Scope) -> bool:
    """Whether the period is a whole week from a Monday, or what there is of the latest."""
    days = (scope.last - scope.first).days + 1
    whole = days == 7 or (days < 7 and scope.last == scope.today)
    return scope.first.weekday() == 0 and whole


def _is_linked() -> ColumnElement[bool]:
    return any_row(
        select(Identity.session_id).where(
            Identity.tenant_id == SessionDay.tenant_id, Identity.session_id == SessionDay.session_id
        )
    )


def _was_here(since: date | None, until: date) -> ColumnElement[bool]:
    """That a session had an event on a day from `since` on, before `until`."""
    other = aliased(SessionDay)
    return any_row(
        select(other.day).where(
            other.tenant_id == SessionDay.tenant_id,
            other.session_id == SessionDay.session_id,
            other.day < until,
            other.events > 0,
            *([other.day >= since] if since else []),
        )
    )


def _here(scope: Scope, *holds: ColumnElement[bool]) -> Sessions:
    """The period's sessions for which conditions hold."""
    return (
        select(SessionDay.tenant_id, SessionDay.session_id)
        .where(SessionDay.tenant_id.in_(scope.tenants))
        .where(SessionDay.day.between(scope.first, scope.last), *holds)
        .distinct()
    )
