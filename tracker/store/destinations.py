"""Where deliveries go: stopping a destination, sending to it again, and sending it things again."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, or_, select, update

from tracker.model import Delivery, Destination
from tracker.store.access import audit

DELIVERIES = Delivery.__table__
DESTINATIONS = Destination.__table__


def disable(
    connection: Connection, destination_id: str, reason: str, actor: str, now: datetime
) -> bool:
    """Stops sending to a destination; what waits for it keeps waiting. False if it was stopped."""
    held = _held(connection, destination_id)
    if held is None or held.disabled_at is not None:
        return False
    connection.execute(
        update(DESTINATIONS)
        .where(DESTINATIONS.c.id == destination_id)
        .values(disabled_at=now, disabled_reason=reason)
    )
    detail = {"name": held.name, "reason": reason, "destination": destination_id}
    audit(connection, actor, "destination.disable", held.tenant_id, **detail)
    return True


def enable(connection: Connection, destination_id: str, actor: str) -> None:
    """Sends to a destination again, beginning with what waits for it."""
    held = _held(connection, destination_id)
    if held is None:
        return
    connection.execute(
        update(DESTINATIONS)
        .where(DESTINATIONS.c.id == destination_id)
        .values(disabled_at=None, disabled_reason=None, failing_since=None)
    )
    parked = and_(DELIVERIES.c.state == "waiting", DELIVERIES.c.due_at.is_(None))
    connection.execute(
        update(DELIVERIES)
        .where(DELIVERIES.c.destination_id == destination_id, parked)
        .values(due_at=datetime.now(UTC))
    )
    detail = {"name": held.name, "destination": destination_id}
    audit(connection, actor, "destination.enable", held.tenant_id, **detail)


def _held(connection: Connection, destination_id: str) -> Any:
    """A destination that nobody else changes until this is committed; None if there is none."""
    columns = (DESTINATIONS.c.tenant_id, DESTINATIONS.c.name, DESTINATIONS.c.disabled_at)
    found = select(*columns).where(DESTINATIONS.c.id == destination_id)
    return connection.execute(found.with_for_update()).first()


def replay(connection: Connection, destination_id: str, delivery_id: str) -> bool:
    """Sends one delivery of a destination again, from the first attempt on."""
    return _due_again(connection, destination_id, DELIVERIES.c.id == delivery_id) > 0


def replay_missed(connection: Connection, destination_id: str, since: datetime) -> int:
    """Sends everything again that was enqueued since then and never arrived; returns how many."""
    missed = and_(DELIVERIES.c.created_at >= since, DELIVERIES.c.delivered_at.is_(None))
    return _due_again(connection, destination_id, missed)


def _due_again(connection: Connection, destination_id: str, which: object) -> int:
    now = datetime.now(UTC)
    # A claimed one is being sent this very moment: it is left to whoever has it.
    free = or_(DELIVERIES.c.claimed_by.is_(None), DELIVERIES.c.due_at < now)
    return connection.execute(
        update(DELIVERIES)
        .where(DELIVERIES.c.destination_id == destination_id, which, free)  # type: ignore[arg-type]
        .values(state="waiting", attempts=0, due_at=now, claimed_by=None)
    ).rowcount
