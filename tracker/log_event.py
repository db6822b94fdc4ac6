"""`log_event`: a business event from inside the service's own process.

    from tracker.log_event import log_event

    log_event("acme", "quota_exceeded", {"quotaType": "seats", "limit": 5, "attempted": 6})

The same checks as over HTTP, and as durable: when it returns, the event is committed.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import current_app

from tracker.catalog.parsing import Refusal, SampledOut, Terms, parse
from tracker.store.settings import terms_for
from tracker.store.warnings import warning_of
from tracker.store.writer import Work

_DEEPEST = 40
"""Levels of a payload; a value that holds itself has no end."""


class EventRefused(ValueError):
    """The event is not stored; `faults` says why, each as (path, rule)."""

    def __init__(self, code: str, faults: tuple[tuple[str, str], ...]) -> None:
        super().__init__("; ".join(f"{path} {rule}".strip() for path, rule in faults))
        self.code = code
        self.faults = faults


def log_event(
    tenant_id: str,
    name: str,
    data: Mapping[str, Any],
    *,
    event_id: str | UUID | None = None,
    request_id: str | None = None,
    session_id: str | None = None,
    user_id: str | None = None,
    occurred_at: datetime | None = None,
) -> str:
    """Records an event of a tenant; returns `accepted`, `duplicate` or `sampled`.

    Undefined values (None) of optional fields are dropped. Needs an application context.
    Raises EventRefused with every fault, or Overloaded when it may not be stored.
    """
    if faults := tuple(_not_json(data, "payload")):
        raise EventRefused("invalid_event", faults)
    sent = {
        "event_type": name,
        "event_id": event_id and str(event_id),
        "occurred_at": occurred_at and occurred_at.isoformat(),
        "session_id": session_id,
        "user_id": user_id,
        "request_id": request_id,
        "payload": dict(data) if isinstance(data, Mapping) else data,
    }
    return _recorded({key: value for key, value in sent.items() if value is not None}, tenant_id)


def _not_json(value: Any, path: str) -> list[tuple[str, str]]:
    """Every place that JSON can't hold."""
    if path.count(".") > _DEEPEST:
        return [("payload", "is nested too deep")]
    if isinstance(value, Mapping):
        found = [_not_json(item, f"{path}.{key}") for key, item in value.items()]
        keys = [(path, "must have strings as keys") for key in value if not isinstance(key, str)]
        return [*keys, *(fault for faults in found for fault in faults)]
    if isinstance(value, list):
        found = [_not_json(item, f"{path}.{n}") for n, item in enumerate(value)]
        return [fault for faults in found for fault in faults]
    if isinstance(value, float) and not math.isfinite(value):
        return [(path, "must be a finite number")]
    is_json = value is None or isinstance(value, str | int | float | bool)
    return [] if is_json else [(path, f"must be JSON, not {type(value).__name__}")]


def _recorded(sent: dict[str, Any], tenant_id: str) -> str:
    writer, terms = current_app.extensions["writer"], _terms(tenant_id)
    try:
        work = writer.submit(Work(rows=[parse(sent, terms)]))
    except SampledOut as left_out:
        writer.submit(Work(sampled=[left_out.args[0]]))
        return "sampled"
    except Refusal as refusal:
        writer.submit(Work(warned=[warning_of(sent, refusal, terms)]))
        raise EventRefused(refusal.code, refusal.faults) from None
    return "accepted" if work.accepted else "duplicate"


def _terms(tenant_id: str) -> Terms:
    choices = current_app.extensions["choices"].of(tenant_id)
    if not choices.exists:
        raise EventRefused("unknown_tenant", (("tenant_id", "must be a tenant's id"),))
    return terms_for(
        tenant_id,
        choices,
        current_app.extensions["settings"],
        current_app.extensions["calendar"],
        received_at=datetime.now(UTC),
        source="server",
        with_key=True,
    )
