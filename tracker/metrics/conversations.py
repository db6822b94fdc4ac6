"""Conversations of a tenant's assistant, and those it handed to a person."""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import func
from sqlalchemy.orm import Session

from tracker.metrics.business import measured
from tracker.metrics.ratio import ratio
from tracker.metrics.scope import Scope
from tracker.model import DailyBusiness


class DayOfConversations(NamedTuple):
    """Conversations started on one day."""

    day: date
    conversations: int


class DayOfEscalation(NamedTuple):
    """Of the conversations started on one day, those handed to a person."""

    day: date
    conversations: int
    escalated: int
    escalation_rate: float | None
    deflection_rate: float | None


class Reason(NamedTuple):
    """Why conversations were handed to a person."""

    reason: str
    escalations: int
    share: float | None

    @property
    def of_escalations(self) -> int | None:
        """What the share is one of."""
        return round(self.escalations / self.share) if self.share else None


class Messages(NamedTuple):
    """Messages of one side of the conversations."""

    role: str
    messages: int
    per_conversation: float | None


def daily_conversations(session: Session, scope: Scope) -> list[DayOfConversations]:
    """Conversations by the day they started, days without one too.

    A conversation is one conversationId with a `conversation_started`; a second start of it
    counts nothing. Source: daily_business, settled per conversation.
    """
    return [DayOfConversations(row.day, row.conversations) for row in cohorts(session, scope)]


def cohorts(session: Session, scope: Scope) -> list[DayOfEscalation]:
    """Conversations by the day they started, and how many of them were ever handed over.

    The escalation counts for the day its conversation started on, however late it came, so
    recent days may still rise. Deflection is the rest; it is not the same as resolved. A day
    without a conversation has no rate. Source: daily_business, settled per conversation.
    """
    statement = measured(
        scope,
        "conversations",
        DailyBusiness.day,
        func.sum(DailyBusiness.events),
        func.sum(DailyBusiness.amount_a),
    ).group_by(DailyBusiness.day)
    found = {day: (int(n), int(escalated)) for day, n, escalated in session.execute(statement)}
    return [_cohort(day, *found.get(day, (0, 0))) for day in scope.each_day()]


def _cohort(day: date, conversations: int, escalated: int) -> DayOfEscalation:
    rate = ratio(escalated, conversations)
    rest = None if rate is None else 1 - rate
    return DayOfEscalation(day, conversations, escalated, rate, rest)


def escalations(session: Session, scope: Scope) -> list[Reason]:
    """Escalations by the reason given, most frequent first.

    Counts `escalation_triggered` events of the period, so a conversation that was handed over
    twice counts twice here. The share is of all of them. Source: daily_business.
    """
    counted = _by_dimension(session, scope, "escalation_triggered")
    total = sum(counted.values())
    rows = [Reason(reason, n, ratio(n, total)) for reason, n in counted.items()]
    return sorted(rows, key=lambda row: (-row.escalations, row.reason))


def messages(session: Session, scope: Scope) -> list[Messages]:
    """Messages by who wrote them, and how many that is for each conversation started.

    Where messages are sampled the numbers are scaled up and are estimates.
    Source: daily_business.
    """
    conversations = sum(row.conversations for row in cohorts(session, scope))
    counted = _by_dimension(session, scope, "message_sent")
    rows = [Messages(role, n, ratio(n, conversations)) for role, n in counted.items()]
    return sorted(rows, key=lambda row: (-row.messages, row.role))


def _by_dimension(session: Session, scope: Scope, measure: str) -> dict[str, int]:
    events: Any = func.sum(DailyBusiness.events)
    statement = measured(scope, measure, DailyBusiness.dim_a, events)
    grouped = statement.group_by(DailyBusiness.dim_a).having(events > 0)
    return {name: int(number) for name, number in session.execute(grouped)}
