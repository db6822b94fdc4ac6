"""Lines of business events, of November 2026."""

from typing import Any

from tests.metrics.asking import event

Line = dict[str, Any]


def started(at: str, conversation: str) -> Line:
    return event(
        "conversation_started", at, None, sessionId="s_" + conversation, conversationId=conversation
    )


def escalated(at: str, conversation: str, reason: str = "low_confidence") -> Line:
    return event("escalation_triggered", at, None, conversationId=conversation, reason=reason)


def said(at: str, conversation: str, role: str = "user") -> Line:
    return event("message_sent", at, None, conversationId=conversation, role=role)


def ingest(
    kind: str, at: str, source: str = "website", url: str = "https://a.example", **more: Any
) -> Line:
    return event(f"ingest_{kind}", at, None, sourceType=source, url=url, **more)


def called(at: str, integration: str = "crm", error: str = "") -> Line:
    about = {"integrationId": integration, "type": "crm"}
    if error:
        return event("integration_failed", at, None, **about, errorCode=error)
    return event("integration_succeeded", at, None, **about)


def over_quota(at: str, quota: str = "seats") -> Line:
    return event("quota_exceeded", at, None, quotaType=quota, limit=10, attempted=11)


def moved(at: str, was: str | None, now: str | None, status: str = "active") -> Line:
    return event("plan_updated", at, None, previousPlan=was, newPlan=now, status=status)


def bought(at: str, plan: str = "team") -> Line:
    return event("checkout_completed", at, None, plan=plan, stripeSessionId="cs_1")
