"""From a number elsewhere to the sessions behind it: who searched that, set that, clicked there.

What `scope.filters` may name: `query` (with `zero` = 1: only where it found nothing, with
`thin` = 1: one or two), `filter` and its canonical `value` (with `dead_end` = 1: only where it
left nothing), `with` (other filters, joined by TOGETHER), `expert_id` (clicked), `error_code` (of a
failed trip), `known` = 1 (linked to an e-mail address or user, whenever that was), `step` (one of
the funnel's), `before` = 1 (had an event before the period), `first_week` (the Monday of the week
of the first event), and `q`, a part of an e-mail address or user, or the start of a session id.
All that are named must hold.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    String,
    and_,
    cast,
    false,
    func,
    intersect,
    or_,
    select,
)
from sqlalchemy.orm import Session, aliased

from tracker.catalog.text import normal_query
from tracker.metrics.overview import distinct
from tracker.metrics.rollups import once_each
from tracker.metrics.scope import Scope
from tracker.model import DailyUniques, Event, Identity, MemberDay, SessionDay, TripAttempt
from tracker.model.base import Uuid
from tracker.model.rollups import NEVER

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
STEPS = ("had any event", "set a filter or searched", "clicked a card", "were identified")
"""Of the funnel; each contains the next."""

TOGETHER = " + "
"""What stands between filters that were all set."""

Sessions = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]
"""Selects the tenant and id of sessions, once each."""


@dataclass(frozen=True)
class Condition:
    """What a session must have done."""

    sessions: Sessions
    """All that did."""

    holds: ColumnElement[bool] | None = None
    """That the session of a row of session_days did; None when only a look at all can tell."""

    number: Callable[[Session], int] | None = None
    """How many they are, from daily_uniques; None when it does not tell."""

    few: Sessions | None = None
    """The same as `sessions`, by another way that is faster when they are few."""


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


def _searched(scope: Scope) -> Iterator[Condition]:
    query, zero = scope.filters.get("query", ""), scope.filters.get("zero", "")
    if query:
        key = normal_query(query)
        found = _events(scope).where(Event.query == key)
        if zero:
            found = found.where(Event.zero_results.is_(True))
        yield replace(_active(scope, "zero" if zero else "query", key), sessions=found)
    elif zero:
        yield _active(scope, "zero", "")
    if scope.filters.get("thin"):
        asked = Event.query == normal_query(query) if query else Event.event_type == "sage_query"
        yield _did(scope, asked, Event.result_count.between(1, 2))


def _set_filter(scope: Scope) -> Iterator[Condition]:
    name, value = scope.filters.get("filter", ""), scope.filters.get("value", "")
    changed = [Event.filter_value == value] if value else []
    changed += [Event.zero_results.is_(True)] if scope.filters.get("dead_end") else []
    if name and changed:
        yield _did(scope, Event.filter_name == name, *changed)
    others = scope.filters.get("with", "").split(TOGETHER)
    names = {"" if changed else name, *others} - {""}
    if len(names) == 1:
        [name] = names
        few = _events(scope).where(Event.filter_name == name)
        yield replace(_active(scope, "filter", name), few=few)
    elif names:
        every = func.count(MemberDay.key.distinct()) == len(names)
        yield Condition(
            _members(scope, "filter", names).having(every),
            and_(*(_is_member(scope, "filter", name) for name in names)),
        )


def _active(scope: Scope, kind: str, key: str) -> Condition:
    """That a session was active under a key in the period."""
    holds = _is_member(scope, kind, key)
    number = _uniques(scope, {kind: 1}, key)
    return Condition(_members(scope, kind, {key}), holds, number)


def _uniques(
    scope: Scope, kinds: dict[str, int], key: str = "", *, known: bool = False
) -> Callable[[Session], int]:
    """The distinct members of kinds, each so many times; with `known` those of them that are."""

    def number(session: Session) -> int:
        counts = {kind: session.execute(distinct(scope, kind, key)).one() for kind in kinds}
        return sum(times * int(counts[kind][known]) for kind, times in kinds.items())

    return number


def _members(scope: Scope, kind: str, keys: Collection[str]) -> Select[*tuple[Any, ...]]:
    """The sessions that were active under any of these keys in the period.

    Reads all that sessions were active under, in its own order: of the few filters there are,
    each was set by so many that to look them up one by one takes longer.
    """
    return (
        select(MemberDay.tenant_id, cast(MemberDay.member, Uuid).label("session_id"))
        .where(MemberDay.tenant_id.in_(scope.tenants), MemberDay.kind == kind)
        .where(MemberDay.key.in_(keys), MemberDay.day.between(scope.first, scope.last))
        .group_by(MemberDay.tenant_id, MemberDay.member)
    )


def _is_member(scope: Scope, kind: str, key: str) -> ColumnElement[bool]:
    return _any(
        select(MemberDay.day).where(
            MemberDay.tenant_id == SessionDay.tenant_id,
            MemberDay.member == cast(SessionDay.session_id, String),
            MemberDay.kind == kind,
            MemberDay.key == key,
            MemberDay.day.between(scope.first, scope.last),
        )
    )


def _any(rows: Select[Any]) -> ColumnElement[bool]:
    """That there is such a row, to be looked up for one session at a time.

    Of EXISTS PostgreSQL makes a join, for which it reads all the rows that there are.
    """
    return rows.correlate(SessionDay).limit(1).scalar_subquery().is_not(None)


def _did(scope: Scope, *what: ColumnElement[bool]) -> Condition:
    """That a session had an event of a kind in the period."""
    of_one = select(Event.id).where(
        Event.tenant_id == SessionDay.tenant_id,
        Event.session_id == SessionDay.session_id,
        Event.day.between(scope.first, scope.last),
        ~Event.is_bot,
        *what,
    )
    return Condition(_events(scope).where(*what), _any(of_one))


def _clicked(scope: Scope) -> Iterator[Condition]:
    if expert := scope.filters.get("expert_id", ""):
        yield _did(scope, Event.expert_id == expert)


def _failed(scope: Scope) -> Iterator[Condition]:
    if code := scope.filters.get("error_code", ""):
        failed = (
            select(TripAttempt.tenant_id, TripAttempt.anon_session_id.label("session_id"))
            .where(TripAttempt.tenant_id.in_(scope.tenants))
            .where(TripAttempt.day.between(scope.first, scope.last))
            .where(TripAttempt.status == "failed", TripAttempt.error_code == code)
            .where(TripAttempt.anon_session_id.is_not(None))
            .distinct()
        )
        yield replace(_active(scope, "error", code), sessions=failed)


def _known(scope: Scope) -> Iterator[Condition]:
    if not scope.filters.get("known"):
        return
    linked = select(Identity.tenant_id, Identity.session_id)
    everyone = linked.where(Identity.tenant_id.in_(scope.tenants))
    yield Condition(everyone, _is_linked(), _uniques(scope, {"session": 1}, known=True))


def _is_linked() -> ColumnElement[bool]:
    return _any(
        select(Identity.session_id).where(
            Identity.tenant_id == SessionDay.tenant_id, Identity.session_id == SessionDay.session_id
        )
    )


def _got_as_far_as(scope: Scope) -> Iterator[Condition]:
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
    holds = [_any(select(one_day.day).where(same, period, what)) for what in did]
    holds += [_is_linked()] * known
    yield Condition(_here(scope, *holds), and_(*holds), _uniques(scope, kinds, known=known))


def _came_before(scope: Scope) -> Iterator[Condition]:
    if not scope.filters.get("before"):
        return

    def number(session: Session) -> int:
        again = select(func.coalesce(func.sum(DailyUniques.members), 0)).where(
            DailyUniques.kind == "session", DailyUniques.key == "", DailyUniques.prev_day > NEVER
        )
        return int(session.execute(once_each(again, scope)).scalar_one())

    earlier = _was_here(None, scope.first)
    yield Condition(_here(scope, earlier), earlier, number)


def _came_first(scope: Scope) -> Iterator[Condition]:
    if not (week := scope.filters.get("first_week", "")):
        return
    try:
        monday = date.fromisoformat(week)
    except ValueError:
        yield Condition(_here(scope, false()), false())
        return
    first = and_(~_was_here(None, monday), _was_here(monday, monday + timedelta(weeks=1)))
    yield Condition(_here(scope, first), first)


def _was_here(since: date | None, until: date) -> ColumnElement[bool]:
    """That a session had an event on a day from `since` on, before `until`."""
    other = aliased(SessionDay)
    return _any(
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
    _searched,
    _set_filter,
    _clicked,
    _failed,
    _known,
    _got_as_far_as,
    _came_before,
    _came_first,
    _named,
)


def _events(scope: Scope) -> Select[*tuple[Any, ...]]:
    """The sessions of the period's events, once each."""
    return (
        select(Event.tenant_id, Event.session_id)
        .where(Event.tenant_id.in_(scope.tenants))
        .where(Event.day.between(scope.first, scope.last))
        .where(Event.session_id.is_not(None), ~Event.is_bot)
        .distinct()
    )
