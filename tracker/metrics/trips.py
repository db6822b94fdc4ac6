"""Trip creation: how often it works, how long it takes, and why it fails."""

from collections import defaultdict
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from tracker.metrics.durations import NONE, durations
from tracker.metrics.once import once
from tracker.metrics.ratio import ratio
from tracker.metrics.rollups import once_each
from tracker.metrics.scope import Scope
from tracker.model import DailyTrips, DailyUniques


class Totals(NamedTuple):
    attempts: int
    succeeded: int
    failed: int
    pending: int
    success_rate: float | None
    p50_ms: float | None
    p95_ms: float | None

    @property
    def finished(self) -> int:
        """What the success rate is a share of."""
        return self.succeeded + self.failed


class DayOfAttempts(NamedTuple):
    day: date
    attempts: int
    succeeded: int
    failed: int
    success_rate: float | None
    p50_ms: float | None
    p95_ms: float | None


class ErrorCode(NamedTuple):
    error_code: str
    failures: int
    share: float | None
    sessions: int
    first_seen: datetime | None
    last_seen: datetime | None

    @property
    def of_failures(self) -> int | None:
        """What the share is one of."""
        return round(self.failures / self.share) if self.share else None


class Version(NamedTuple):
    prompt_contract_version: str
    attempts: int
    succeeded: int
    failed: int
    pending: int
    success_rate: float | None
    p50_ms: float | None
    p95_ms: float | None

    @property
    def finished(self) -> int:
        """What the success rate is a share of."""
        return self.succeeded + self.failed


Counts = dict[str, int]
"""Attempts by status."""


def totals(session: Session, scope: Scope) -> list[Totals]:
    """Trip attempts created in the period, by what became of them.

    The success rate is successes over successes and failures; pending ones are apart, and
    without any outcome there is none. p50 and p95 are nearest ranks over the durations of
    finished attempts, in ms: exact while the attempts are held, within 5 % from the daily
    histogram after that. Source: daily_trips, trip_creation_attempts.
    """
    counts = attempts_by_status(by_day(session, scope))
    return [Totals(*_figures(counts), *durations(session, scope, "").get("", NONE)[:2])]


@once
def by_day(session: Session, scope: Scope) -> dict[date, Counts]:
    """Attempts by status of each day that has any."""
    return counts_by(session, scope, DailyTrips.day)


def counts_by(session: Session, scope: Scope, group: Any) -> dict[Any, Counts]:
    """Attempts by status, for each value of a column of daily_trips."""
    attempts = func.sum(DailyTrips.attempts)
    statement = (
        select(group, DailyTrips.status, attempts)
        .where(DailyTrips.tenant_id.in_(scope.tenants))
        .where(DailyTrips.day.between(scope.first, scope.last))
        .group_by(group, DailyTrips.status)
        .having(attempts > 0)
    )
    counts: dict[Any, Counts] = defaultdict(dict)
    for name, status, count in session.execute(statement):
        counts[name][status] = int(count)
    return counts


def attempts_by_status(groups: dict[Any, Counts]) -> Counts:
    """The sum of the groups; every status is there."""
    return {
        status: sum(counts.get(status, 0) for counts in groups.values())
        for status in ("success", "failed", "pending")
    }


def _figures(counts: Counts) -> tuple[int, int, int, int, float | None]:
    """Attempts, succeeded, failed, pending and the success rate."""
    succeeded, failed = counts.get("success", 0), counts.get("failed", 0)
    pending, finished = counts.get("pending", 0), succeeded + failed
    rate = ratio(succeeded, finished)
    return finished + pending, succeeded, failed, pending, rate


def daily_attempts(session: Session, scope: Scope) -> list[DayOfAttempts]:
    """Attempts of each day by the time they were made, zeros too.

    Success rate, p50 and p95 as in the totals, each over the attempts of its day. Source:
    daily_trips, trip_creation_attempts.
    """
    counts, speeds = by_day(session, scope), durations(session, scope, "day")
    rows = []
    for day in scope.each_day():
        attempts, succeeded, failed, _, rate = _figures(counts.get(day, {}))
        p50, p95, _ = speeds.get(day, NONE)
        rows.append(DayOfAttempts(day, attempts, succeeded, failed, rate, p50, p95))
    return rows


@once
def errors(session: Session, scope: Scope) -> list[ErrorCode]:
    """Failures of the period by error code; the share is of all failures.

    A failure counts on the day its attempt was made, however late it came. Sessions are
    distinct; first and last seen are the outcomes' own times. Source: daily_trips,
    daily_uniques.
    """
    failures = func.sum(DailyTrips.attempts)
    # Rows that were taken out again count nothing and say nothing of when.
    counted = DailyTrips.attempts > 0
    statement = (
        select(
            DailyTrips.error_code,
            failures,
            func.min(case((counted, DailyTrips.first_at))),
            func.max(case((counted, DailyTrips.last_at))),
        )
        .where(DailyTrips.tenant_id.in_(scope.tenants))
        .where(DailyTrips.day.between(scope.first, scope.last))
        .where(DailyTrips.status == "failed")
        .group_by(DailyTrips.error_code)
        .having(failures > 0)
    )
    # Not sorted by the database, whose locale may have an order of letters of its own.
    rows = sorted(session.execute(statement).all(), key=lambda row: (-row[1], row[0]))
    total = sum(int(row[1]) for row in rows)
    sessions = _sessions_by_error(session, scope)
    return [
        ErrorCode(code, int(n), int(n) / total, sessions.get(code, 0), first, last)
        for code, n, first, last in rows
    ]


def _sessions_by_error(session: Session, scope: Scope) -> dict[str, int]:
    statement = (
        select(DailyUniques.key, func.sum(DailyUniques.members))
        .where(DailyUniques.kind == "error")
        .group_by(DailyUniques.key)
    )
    found = session.execute(once_each(statement, scope))
    return {code: int(members) for code, members in found}


def versions(session: Session, scope: Scope) -> list[Version]:
    """Versions of the prompt contract side by side, over the attempts of the period.

    An attempt without a version counts as classic_v1. Rates and durations as in the totals,
    each over its version's attempts. Source: daily_trips, trip_creation_attempts.
    """
    counts = counts_by(session, scope, DailyTrips.prompt_contract_version)
    speeds = durations(session, scope, "prompt_contract_version")
    rows = [
        Version(name, *_figures(counted), *speeds.get(name, NONE)[:2])
        for name, counted in counts.items()
    ]
    return sorted(rows, key=lambda row: (-row.attempts, row.prompt_contract_version))
