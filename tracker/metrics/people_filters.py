"""From a number elsewhere to the sessions behind it: who searched that, set that, clicked there.

What `scope.filters` may name: `query` (with `zero` = 1: only where it found nothing), `filter`
and its canonical `value`, `with` (another filter), `expert_id` (clicked), `error_code` (of a
failed trip), and `q`, a part of an e-mail address or user, or the start of a session id. All
that are named must hold.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Subquery,
    cast,
    func,
    or_,
    select,
)

from tracker.catalog.text import normal_query
from tracker.metrics.scope import Scope
from tracker.model import Event, Identity, MemberDay, SessionDay, TripAttempt
from tracker.model.base import Uuid

FILTERS = ("query", "zero", "filter", "value", "with", "expert_id", "error_code")

Sessions = Select[*tuple[Any, ...]]
"""Selects the tenant and id of sessions."""


def narrowing(scope: Scope) -> list[Subquery]:
    """The sessions that each condition of the scope leaves, once each; none for no condition."""
    return [sessions.subquery() for find in _FINDERS for sessions in find(scope)]


def _searched(scope: Scope) -> Iterator[Sessions]:
    query, zero = scope.filters.get("query", ""), scope.filters.get("zero", "")
    if query:
        found = _events(scope).where(Event.query == normal_query(query))
        yield found.where(Event.zero_results.is_(True)) if zero else found
    elif zero:
        yield _active(scope, "zero", ("",))


def _set_filter(scope: Scope) -> Iterator[Sessions]:
    name, value = scope.filters.get("filter", ""), scope.filters.get("value", "")
    if name and value:
        yield _events(scope).where(Event.filter_name == name, Event.filter_value == value)
    names = {"" if value else name, scope.filters.get("with", "")} - {""}
    if names:
        yield _active(scope, "filter", names)


def _active(scope: Scope, kind: str, keys: Collection[str]) -> Sessions:
    """The sessions that were active under every one of these keys in the period.

    Reads all that sessions were active under, in its own order: of the few filters there are,
    each was set by so many that to look them up one by one takes longer.
    """
    sessions = (
        select(MemberDay.tenant_id, cast(MemberDay.member, Uuid).label("session_id"))
        .where(MemberDay.tenant_id.in_(scope.tenants), MemberDay.kind == kind)
        .where(MemberDay.key.in_(keys), MemberDay.day.between(scope.first, scope.last))
        .group_by(MemberDay.tenant_id, MemberDay.member)
    )
    if len(keys) == 1:
        return sessions
    return sessions.having(func.count(MemberDay.key.distinct()) == len(keys))


def _clicked(scope: Scope) -> Iterator[Sessions]:
    if expert := scope.filters.get("expert_id", ""):
        yield _events(scope).where(Event.expert_id == expert)


def _failed(scope: Scope) -> Iterator[Sessions]:
    if code := scope.filters.get("error_code", ""):
        yield (
            select(TripAttempt.tenant_id, TripAttempt.anon_session_id.label("session_id"))
            .where(TripAttempt.tenant_id.in_(scope.tenants))
            .where(TripAttempt.day.between(scope.first, scope.last))
            .where(TripAttempt.status == "failed", TripAttempt.error_code == code)
            .where(TripAttempt.anon_session_id.is_not(None))
            .distinct()
        )


def _named(scope: Scope) -> Iterator[Sessions | CompoundSelect[*tuple[Any, ...]]]:
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
        yield known.distinct()
    else:
        days = select(SessionDay.tenant_id, SessionDay.session_id)
        yield known.union(days.where(SessionDay.tenant_id.in_(scope.tenants), started))


def _starting_with(text: str) -> ColumnElement[bool] | None:
    """Session ids that start with a text; None when no UUID does."""
    digits = text.replace("-", "")
    if not digits or len(digits) > 32 or set(digits) - set("0123456789abcdef"):
        return None
    first, last = (str(UUID(digits.ljust(32, filler))) for filler in "0f")
    return SessionDay.session_id.between(first, last)


_FINDERS: tuple[Callable[[Scope], Iterator[Sessions | CompoundSelect[*tuple[Any, ...]]]], ...] = (
    _searched,
    _set_filter,
    _clicked,
    _failed,
    _named,
)


def _events(scope: Scope) -> Sessions:
    """The sessions of the period's events, once each."""
    return (
        select(Event.tenant_id, Event.session_id)
        .where(Event.tenant_id.in_(scope.tenants))
        .where(Event.day.between(scope.first, scope.last))
        .where(Event.session_id.is_not(None), ~Event.is_bot)
        .distinct()
    )
