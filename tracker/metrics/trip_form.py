"""The trip form in the browser, and how far from it to a trip."""

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.metrics.once import once
from tracker.metrics.ratio import ratio
from tracker.metrics.scope import Scope
from tracker.metrics.trips import attempts_by_status, by_day
from tracker.model import DailyEvents

CTA = "create_trip__cta--generate"
CLIENT_EVENTS = (
    CTA,
    "create_trip__toggle--roundtrip",
    "create_trip__toggle--route_lock",
    "create_trip__section--expand",
    "app__chunk_recovery--reload",
)


class Step(NamedTuple):
    step: str
    events: int
    share: float | None


class ClientEvent(NamedTuple):
    event_type: str
    events: int
    per_attempt: float | None


def funnel(session: Session, scope: Scope) -> list[Step]:
    """From pressing Generate to a trip: presses, attempts that servers reported, successes.

    Counts events, not people: who presses three times is counted three times. The share is
    of the presses; without a press there is none, and it is above 1 when servers report
    attempts that no browser did. Source: daily_events, daily_trips.
    """
    counts = attempts_by_status(by_day(session, scope))
    presses = _client_counts(session, scope).get(CTA, 0)
    steps = {
        "Pressed Generate": presses,
        "Attempted": sum(counts.values()),
        "Succeeded": counts["success"],
    }
    if not any(steps.values()):
        return []
    return [Step(step, n, ratio(n, presses)) for step, n in steps.items()]


def client_events(session: Session, scope: Scope) -> list[ClientEvent]:
    """What browsers report of the trip form, and how often that is for each attempt.

    Without an attempt there is no quotient. Source: daily_events, daily_trips.
    """
    attempts = sum(attempts_by_status(by_day(session, scope)).values())
    counts = _client_counts(session, scope)
    return [
        ClientEvent(kind, n, ratio(n, attempts))
        for kind, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


@once
def _client_counts(session: Session, scope: Scope) -> dict[str, int]:
    events = func.sum(DailyEvents.events)
    statement = (
        select(DailyEvents.event_type, events)
        .where(DailyEvents.tenant_id.in_(scope.tenants))
        .where(DailyEvents.day.between(scope.first, scope.last))
        .where(DailyEvents.event_type.in_(CLIENT_EVENTS))
        .group_by(DailyEvents.event_type)
        .having(events > 0)
    )
    return {kind: int(n) for kind, n in session.execute(statement)}
