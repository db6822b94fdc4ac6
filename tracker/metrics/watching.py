"""What alert rules look at: the history of attempts, and one number of a day."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.metrics.incidents import WEEKS, WINDOW, History
from tracker.metrics.overview import searches
from tracker.metrics.scope import Scope
from tracker.model import DailyIngest, TripAttempt

_LOOK_BACK_DAYS = 7 * WEEKS + 1


class Share(NamedTuple):
    """A part, of how many."""

    part: int
    whole: int

    @property
    def rate(self) -> float | None:
        return self.part / self.whole if self.whole else None


def history(session: Session, scope: Scope) -> History:
    """The attempts of the scope's days and of the 4 weeks before. Source:
    trip_creation_attempts."""
    first = scope.first.toordinal() - _LOOK_BACK_DAYS
    statement = (
        select(TripAttempt.created_at, TripAttempt.status)
        .where(TripAttempt.tenant_id.in_(scope.tenants))
        .where(TripAttempt.day.between(scope.first.fromordinal(first), scope.last))
    )
    return History(((at, status) for at, status in session.execute(statement)), scope.zone)


def most_frequent_error(session: Session, scope: Scope, moment: datetime) -> str:
    """The error code that most of the last half hour's failures have."""
    statement = (
        select(TripAttempt.error_code)
        .where(TripAttempt.tenant_id.in_(scope.tenants), TripAttempt.status == "failed")
        .where(TripAttempt.created_at.between(moment - 2 * WINDOW, moment))
        .group_by(TripAttempt.error_code)
        .order_by(func.count().desc(), TripAttempt.error_code)
        .limit(1)
    )
    return session.scalar(statement) or ""


def zero_results(session: Session, scope: Scope) -> Share:
    """Searches that found nothing, of all searches. Source: daily_queries."""
    found = searches(session, scope)
    return Share(found.zero_results, found.searches)


def refusals(session: Session, scope: Scope) -> Share:
    """Refused events, of all that were sent, by day of receipt. Source: daily_ingest."""
    columns = (DailyIngest.refused, DailyIngest.accepted, DailyIngest.duplicates)
    statement = (
        select(*(func.coalesce(func.sum(column), 0) for column in columns))
        .where(DailyIngest.tenant_id.in_(scope.tenants))
        .where(DailyIngest.day.between(scope.first, scope.last))
    )
    refused, accepted, duplicates = map(int, session.execute(statement).one())
    return Share(refused, refused + accepted + duplicates)
