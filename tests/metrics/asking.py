"""Asking metrics in tests: lines of events, and a metric's answer over a range of days."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from tracker.metrics.scope import Scope

FIRST, LAST = date(2026, 11, 2), date(2026, 11, 8)
"""The week that these tests ask about; their events are near it."""

ANNA = "11111111-1111-4111-8111-111111111111"
BEN = "22222222-2222-4222-8222-222222222222"
CARA = "33333333-3333-4333-8333-333333333333"
"""Sessions."""


def scope(**changes: Any) -> Scope:
    """The default tenant's week, in UTC."""
    framed: dict[str, Any] = {
        "tenants": ("default",),
        "first": FIRST,
        "last": LAST,
        "zone": ZoneInfo("UTC"),
        "now": datetime(2026, 11, 20, 12, tzinfo=UTC),
    }
    return Scope(**(framed | changes))


def asked(app: Flask, metric: Callable[..., Any], **changes: Any) -> Any:
    """What the metric answers, its rows as plain tuples."""
    framed = scope(**changes)
    with app.extensions["database"].read(framed.tenants) as session:
        found = metric(session, framed)
    return [tuple(row) for row in getattr(found, "rows", found)]


def event(kind: str, at: str, session: str | None, **payload: Any) -> dict[str, Any]:
    """A line of an event; `at` is like "02 09:30" or "02 09:30:05", of November 2026."""
    day, clock = at.split()
    clock += ":00" if clock.count(":") == 1 else ""
    line = {
        "event_type": kind,
        "occurred_at": f"2026-11-{day}T{clock}Z",
        "payload": payload,
    }
    return line | ({"session_id": session} if session else {})


def search(
    at: str,
    session: str | None,
    query: str = "tax adviser",
    found: tuple[str, ...] = (),
    **payload: Any,
) -> dict[str, Any]:
    """A search that found these experts, in this order."""
    fields = {
        "query_text": query,
        "function_called": "search_experts",
        "result_count": len(found),
        "expert_ids": list(found),
    }
    return event("sage_query", at, session, **(fields | payload))


def click(at: str, session: str | None, expert: str, **payload: Any) -> dict[str, Any]:
    """A click on an expert in Sage's answer."""
    return event(
        "card_click", at, session, **({"expert_id": expert, "context": "sage_panel"} | payload)
    )
