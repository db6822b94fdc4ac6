"""From a number elsewhere to the sessions behind it: who searched that, set that, clicked there.

What `scope.filters` may name: `query` (with `zero` = 1: only where it found nothing, with
`thin` = 1: one or two), `filter` and its canonical `value` (with `dead_end` = 1: only where it
left nothing), `with` (other filters, joined by TOGETHER), `expert_id` (clicked), `error_code` (of a
failed trip), `known` = 1 (linked to an e-mail address or user, whenever that was), `step` (one of
the funnel's), `before` = 1 (had an event before the period), `first_week` (the Monday of the week
of the first event), and `q`, a part of an e-mail address or user, or the start of a session id.
All that are named must hold.
"""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, intersect, or_, select
from sqlalchemy.orm import Session

from tracker.metrics.condition import Condition
from tracker.metrics.people_days import came_before, came_first, got_as_far_as, known
from tracker.metrics.people_events import clicked, failed, searched, set_filter
from tracker.metrics.scope import Scope
from tracker.model import Identity, SessionDay

FILTERS = (
    "query",
    "zero",
    "thin",
    "filter",
    "value",
    "dead_end",
    "with",
    "expert_id",
    "error_code",
    "known",
    "step",
    "before",
    "first_week",
)


def conditions(scope: Scope) -> list[Condition]:
    """What the scope's filters ask for; empty when they name nothing."""
    return [condition for find in _FINDERS for condition in find(scope)]


def number_of(session: Session, wanted: Sequence[Condition]) -> int:
    """The sessions that fulfil all of one or more conditions."""
    if len(wanted) == 1 and wanted[0].number:
        return wanted[0].number(session)
    every = [condition.sessions for condition in wanted]
    found = (intersect(*every) if len(every) > 1 else every[0]).subquery()
    return int(session.scalar(select(func.count()).select_from(found)) or 0)


def _named(scope: Scope) -> Iterator[Condition]:
    wanted = scope.filters.get("q", "").strip().lower()
    if not wanted:
        return
    texts = (func.lower(Identity.email), func.lower(Identity.user_id))
    known = select(Identity.tenant_id, Identity.session_id).where(
        Identity.tenant_id.in_(scope.tenants),
        or_(*(text.contains(wanted, autoescape=True) for text in texts)),
    )
    started = _starting_with(wanted)
    if started is None:
        # Distinct already, but said so SQLite finds these first instead of trying every session
        yield Condition(known.distinct())
    else:
        days = select(SessionDay.tenant_id, SessionDay.session_id)
        yield Condition(known.union(days.where(SessionDay.tenant_id.in_(scope.tenants), started)))


def _starting_with(text: str) -> ColumnElement[bool] | None:
    """Session ids that start with a text; None when no UUID does."""
    digits = text.replace("-", "")
    if not digits or len(digits) > 32 or set(digits) - set("0123456789abcdef"):
        return None
    first, last = (str(UUID(digits.ljust(32, filler))) for filler in "0f")
    return SessionDay.session_id.between(first, last)


_FINDERS: tuple[Callable[[Scope], Iterator[Condition]], ...] = (
    searched,
    set_filter,
    clicked,
    failed,
    known,
    got_as_far_as,
    came_before,
    came_first,
    _named,
)
