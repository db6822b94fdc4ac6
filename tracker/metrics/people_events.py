"""Which sessions searched, set, clicked or failed so: what events tell, and memberships of days."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, select

from tracker.catalog.text import normal_query
from tracker.metrics.condition import Condition, any_row, uniques
from tracker.metrics.scope import Scope
from tracker.model import Event, MemberDay, SessionDay, TripAttempt
from tracker.model.base import Uuid

TOGETHER = " + "
"""What stands between filters that were all set."""


def searched(scope: Scope) -> Iterator[Condition]:
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


def set_filter(scope: Scope) -> Iterator[Condition]:
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


def clicked(scope: Scope) -> Iterator[Condition]:
    if expert := scope.filters.get("expert_id", ""):
        yield _did(scope, Event.expert_id == expert)


def failed(scope: Scope) -> Iterator[Condition]:
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


def _did(scope: Scope, *what: ColumnElement[bool]) -> Condition:
    """That a session had an event of a kind in the period."""
    of_one = select(Event.id).where(
        Event.tenant_id == SessionDay.tenant_id,
        Event.session_id == SessionDay.session_id,
        Event.day.between(scope.first, scope.last),
        ~Event.is_bot,
        *what,
    )
    return Condition(_events(scope).where(*what), any_row(of_one))


def _events(scope: Scope) -> Select[*tuple[Any, ...]]:
    """The sessions of the period's events, once each."""
    return (
        select(Event.tenant_id, Event.session_id)
        .where(Event.tenant_id.in_(scope.tenants))
        .where(Event.day.between(scope.first, scope.last))
        .where(Event.session_id.is_not(None), ~Event.is_bot)
        .distinct()
    )


def _active(scope: Scope, kind: str, key: str) -> Condition:
    """That a session was active under a key in the period."""
    holds = _is_member(scope, kind, key)
    number = uniques(scope, {kind: 1}, key)
    return Condition(_members(scope, kind, {key}), holds, number)


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
    return any_row(
        select(MemberDay.day).where(
            MemberDay.tenant_id == SessionDay.tenant_id,
            MemberDay.member == cast(SessionDay.session_id, String),
            MemberDay.kind == kind,
            MemberDay.key == key,
            MemberDay.day.between(scope.first, scope.last),
        )
    )
