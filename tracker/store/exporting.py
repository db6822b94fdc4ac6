"""Events as the lines that an import takes in."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.model import Event, Identity

FIELDS = ("session_id", "email", "user_id", "request_id")


def export_lines(
    session: Session,
    tenant_id: str,
    first: date | None = None,
    last: date | None = None,
    types: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    """A tenant's events in the order they occurred, then who their sessions belong to.

    Bots' events stay behind: an import would make visitors of them.
    """
    events = select(Event.__table__).where(Event.tenant_id == tenant_id, ~Event.is_bot)
    if first:
        events = events.where(Event.day >= first)
    if last:
        events = events.where(Event.day <= last)
    if types:
        events = events.where(Event.event_type.in_(types))
    ordered = events.order_by(Event.occurred_at, Event.id)
    for row in session.execute(ordered, execution_options={"yield_per": 1000}):
        yield _event_line(row)
    if not (first or last or types):
        yield from _link_lines(session, tenant_id)


def _event_line(row: Any) -> dict[str, Any]:
    line = {
        "event_type": row.event_type,
        "event_id": row.id,
        "occurred_at": row.occurred_at.isoformat().replace("+00:00", "Z"),
    }
    line |= {name: getattr(row, name) for name in FIELDS if getattr(row, name) is not None}
    return line | {"sample_weight": row.sample_weight, "payload": row.payload}


def _link_lines(session: Session, tenant_id: str) -> Iterator[dict[str, Any]]:
    rows = select(Identity.__table__).where(Identity.tenant_id == tenant_id)
    for row in session.execute(rows.order_by(Identity.session_id)):
        known = {"email": row.email, "user_id": row.user_id}
        yield {"session_id": row.session_id} | {k: v for k, v in known.items() if v}
