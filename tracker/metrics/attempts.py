"""Single trip attempts: the list of the newest, and one of them with all that is known."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from tracker.metrics.rollups import total, within
from tracker.metrics.scope import Listing, Scope, instants
from tracker.metrics.trips import counts_by, errors
from tracker.model import DailyTrips, Tenant, TripAttempt

ABANDONED_AFTER = timedelta(hours=1)
_A_DAY = timedelta(days=1)
_COUNTED = {
    "status": DailyTrips.status,
    "error_code": DailyTrips.error_code,
    "version": DailyTrips.prompt_contract_version,
}
"""The filters that daily_trips tells apart."""


class Attempt(NamedTuple):
    created_at: datetime
    status: str
    error_code: str | None
    duration_ms: float | None
    prompt_contract_version: str
    user_id: str | None
    session_id: str | None
    trip_id: str | None
    request_id: str
    id: str


def attempts(session: Session, scope: Scope) -> Listing[Attempt]:
    """The attempts of the period that are still held, newest first.

    One that has been pending for over an hour is shown as abandoned. Filters: `status`,
    `error_code`, `version`; the search looks for the start of a request, user, session or
    trip id. Source: trip_creation_attempts, daily_trips.
    """
    # By their time, which is what the index of the newest is ordered by
    start, end = instants(scope)
    period = (TripAttempt.created_at >= start, TripAttempt.created_at < end)
    statement = _filtered(select(*attempt_columns(scope)).where(*period), scope)
    newest = statement.order_by(TripAttempt.created_at.desc(), TripAttempt.id.desc())
    rows = session.execute(newest.limit(scope.limit).offset(scope.offset))
    return Listing([Attempt(*row) for row in rows], _number(session, scope))


def _number(session: Session, scope: Scope) -> int:
    """How many attempts the scope and its filters leave.

    Attempts expire by whole days, the oldest first: of the days after the first one that is
    held all are, and daily_trips has counted them.
    """
    status, is_searched = scope.filters.get("status", ""), bool(scope.filters.get("q", "").strip())
    if is_searched or status not in ("", "success", "failed"):
        return _held(session, scope)
    since = _held_since(session, scope)
    if not since:
        return 0
    border = max(since.values())
    after = replace(scope, tenants=tuple(since), first=max(scope.first, border + _A_DAY))
    up_to = replace(scope, last=min(scope.last, border))
    return _held(session, up_to) + _counted(session, after)


def _held(session: Session, scope: Scope) -> int:
    days = TripAttempt.day.between(scope.first, scope.last)
    counted = select(func.count(TripAttempt.day)).where(days)
    return int(session.scalar(_filtered(counted, scope)) or 0)


def _held_since(session: Session, scope: Scope) -> dict[str, date]:
    """The first day of which attempts are held, by tenant; tenants without any are left out."""
    first: Any = (
        select(func.min(TripAttempt.day))
        .where(TripAttempt.tenant_id == Tenant.id)
        .correlate(Tenant)
        .scalar_subquery()
    )
    found = session.execute(select(Tenant.id, first).where(Tenant.id.in_(scope.tenants)))
    return {tenant: day for tenant, day in found if day is not None}


def _counted(session: Session, scope: Scope) -> int:
    statement = within(select(total(DailyTrips.attempts)), DailyTrips, scope)
    for name, column in _COUNTED.items():
        if value := scope.filters.get(name):
            statement = statement.where(column == value)
    return int(session.scalar(statement) or 0)


def attempt_columns(scope: Scope) -> list[Any]:
    """The columns of an Attempt."""
    labels = {"session_id": TripAttempt.anon_session_id, "status": _status(scope)}
    return [labels.get(name, getattr(TripAttempt, name, None)) for name in Attempt._fields]


def _status(scope: Scope) -> Any:
    overdue = (TripAttempt.status == "pending") & (
        TripAttempt.created_at < scope.now - ABANDONED_AFTER
    )
    return case((overdue, "abandoned"), else_=TripAttempt.status)


def _filtered(statement: Select[Any], scope: Scope) -> Select[Any]:
    statement = statement.where(TripAttempt.tenant_id.in_(scope.tenants))
    status = scope.filters.get("status", "")
    if status in ("pending", "abandoned"):
        statement = statement.where(TripAttempt.status == "pending", _status(scope) == status)
    elif status:
        statement = statement.where(TripAttempt.status == status)
    if code := scope.filters.get("error_code"):
        statement = statement.where(TripAttempt.error_code == code)
    if version := scope.filters.get("version"):
        statement = statement.where(TripAttempt.prompt_contract_version == version)
    return _searched(statement, scope.filters.get("q", "").strip())


def _searched(statement: Select[Any], wanted: str) -> Select[Any]:
    if not wanted:
        return statement
    columns = (TripAttempt.request_id, TripAttempt.user_id, TripAttempt.trip_id)
    matches = [column.startswith(wanted, autoescape=True) for column in columns]
    session_id = TripAttempt.anon_session_id == wanted.lower()
    if len(wanted) == 36:
        matches.append(session_id)
    condition = matches[0]
    for match in matches[1:]:
        condition = condition | match
    return statement.where(condition)


def error_codes(session: Session, scope: Scope) -> list[tuple[str, str]]:
    """The error codes of the period, for a filter."""
    return [(row.error_code, row.error_code) for row in errors(session, scope)]


def version_names(session: Session, scope: Scope) -> list[tuple[str, str]]:
    """The versions of the period, for a filter."""
    counts = counts_by(session, scope, DailyTrips.prompt_contract_version)
    return [(name, name) for name in sorted(counts)]
