"""Events in an operator's words, for the live tail and the timelines."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import current_app

from tracker.catalog import CATALOG
from tracker.dashboard.formats import short
from tracker.dashboard.wording import value_in_words

Payload = Mapping[str, Any]
_MOST_PAIRS = 4


def in_words(event_type: str, payload: Payload) -> str:
    """What happened, as a short sentence without a full stop.

    An event type without words of its own is named with the first of its payload.
    """
    say = _WORDS.get(event_type)
    return say(payload) if say else _plainly(event_type, payload)


def _clicked(payload: Payload) -> str:
    where = "in Sage’s answer" if payload.get("context") == "sage_panel" else "in the grid"
    rank = f", position {payload['position']}" if payload.get("position") else ""
    return f"Clicked {payload.get('expert_id', 'a card')} {where}{rank}"


def _searched(payload: Payload) -> str:
    return f"Asked Sage “{short(payload.get('query_text', ''))}”{_found(payload)}"


def _set_filter(payload: Payload) -> str:
    value = value_in_words(json.dumps(payload.get("value")))
    return f"Set {payload.get('filter')} to {short(value)}{_found(payload)}"


def _saw(payload: Payload) -> str:
    count = len(payload.get("expert_ids") or ())
    where = "in Sage’s answer" if payload.get("context") == "sage_panel" else "in the grid"
    return f"Was shown {count or 'no'} expert{'s' if count > 1 else ''} {where}"


def _found(payload: Payload) -> str:
    count = payload.get("result_count")
    if count == 0 or payload.get("zero_results"):
        return ": found nothing"
    return "" if count is None else f": {count} result{'' if count == 1 else 's'}"


def _wrote(payload: Payload) -> str:
    who = "The assistant answered" if payload.get("role") == "assistant" else "Someone wrote"
    sure = payload.get("confidence")
    confidence = f", {100 * sure:.0f}\u202f% sure" if isinstance(sure, int | float) else ""
    return f"{who} in conversation {payload.get('conversationId')}{confidence}"


def _read(payload: Payload) -> str:
    docs = payload.get("docs")
    return f"Read {docs} document{'' if docs == 1 else 's'} of {short(str(payload.get('url')))}"


def _moved_plan(payload: Payload) -> str:
    was, now = payload.get("previousPlan") or "no plan", payload.get("newPlan") or "no plan"
    move = f"The plan {was} stayed" if was == now else f"Moved from {was} to {now}"
    return f"{move}, {payload.get('status')}"


_WORDS: dict[str, Callable[[Payload], str]] = {
    "card_click": _clicked,
    "sage_query": _searched,
    "filter_change": _set_filter,
    "results_shown": _saw,
    "create_trip_attempted": lambda _: "Asked for a trip",
    "create_trip_succeeded": lambda p: f"Got trip {p.get('trip_id')}",
    "create_trip_failed": lambda p: f"The trip failed: {p.get('error_code')}",
    "create_trip__cta--generate": lambda _: "Pressed the button that makes a trip",
    "create_trip__toggle--roundtrip": lambda _: "Switched the round trip on or off",
    "create_trip__toggle--route_lock": lambda _: "Locked or unlocked the route",
    "create_trip__section--expand": lambda _: "Opened a section of the trip form",
    "app__chunk_recovery--reload": lambda _: "The page reloaded itself after an update",
    "conversation_started": lambda p: f"Conversation {p.get('conversationId')} began",
    "message_sent": _wrote,
    "escalation_triggered": lambda p: f"Handed to a person: {p.get('reason')}",
    "plan_updated": _moved_plan,
    "checkout_completed": lambda p: f"Bought the plan {p.get('plan')}",
    "ingest_started": lambda p: f"Began to read {short(str(p.get('url')))}",
    "ingest_completed": _read,
    "ingest_failed": lambda p: f"Could not read {short(str(p.get('url')))}: {p.get('errorCode')}",
    "integration_succeeded": lambda p: f"The integration {p.get('integrationId')} worked",
    "integration_failed": lambda p: (
        f"The integration {p.get('integrationId')} failed: {p.get('errorCode')}"
    ),
    "quota_exceeded": lambda p: (
        f"Turned away: {p.get('attempted')} {p.get('quotaType')}, {p.get('limit')} allowed"
    ),
}


def _plainly(event_type: str, payload: Payload) -> str:
    """`ingest_failed` -> Ingest failed: url https://..., errorCode timeout"""
    name = event_type.replace("__", " ").replace("--", " ").replace("_", " ").capitalize()
    pairs = [
        f"{key} {short(str(value))}"
        for key, value in list(payload.items())[:_MOST_PAIRS]
        if not isinstance(value, dict | list)
    ]
    return name + (": " + ", ".join(pairs) if pairs else "")


def snippet(event_type: str, address: str, tenants: Sequence[str]) -> str:
    """A command that sends one such event, for an empty page; empty for unknown types.

    Servers need a key. Browsers need one where a single tenant is looked at and it is not the
    default one, whose events without a key are.
    """
    event = CATALOG.get(event_type)
    if event is None:
        return ""
    body: dict[str, Any] = {"event_type": event_type}
    if event.writer == "browser":
        body["session_id"] = "5516cb1f-6c99-46ba-bbf2-ae6444a9a4cf"
    if event.needs_request_id:
        body["request_id"] = "req_1"
    lines = [f"curl {address}/api/events", "-H 'Content-Type: application/json'"]
    default = current_app.extensions["settings"].default_tenant
    if event.writer == "server" or (len(tenants) == 1 and tenants[0] != default):
        lines.append("-H 'Authorization: Bearer trk_...'")
    text = json.dumps({**body, "payload": event.example}, indent=2, ensure_ascii=False)
    lines.append("-d '" + text.replace("'", "’") + "'")
    return " \\\n  ".join(lines)
