"""What subscriptions get: each event they want, in the transaction that stores it.

The event's id is the message's: at least once, and the receiver can tell what it had before.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select

from tracker.model import Destination, Event
from tracker.store import bulk, deliveries
from tracker.store.access import AccessError, audit
from tracker.store.deliveries import Message
from tracker.store.subscriptions import EVENTS, find_subscription

DESTINATIONS = Destination.__table__
SENT_FIELDS = (
    "id",
    "event_type",
    "tenant_id",
    "session_id",
    "email",
    "user_id",
    "request_id",
    "occurred_at",
    "received_at",
    "source",
    "payload",
)
"""Of an event, in `data`: the same as `GET /api/events` gives."""

_REPLAYED = 1000


def notify(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> int:
    """Enqueues newly stored events for those who subscribed to them; returns how many.

    What an import brings is history and not sent, and neither is what bots did.
    """
    news = [row for row in rows if row["source"] != "import" and not row["is_bot"]]
    if not news:
        return 0
    keys = sorted({(row["tenant_id"], EVENTS) for row in news})
    columns = ("id", "tenant_id", "event_types", "disabled_at")
    messages = [
        message_of(row, str(one.id))
        for one in bulk.matching(connection, DESTINATIONS, ("tenant_id", "purpose"), keys, columns)
        if one.disabled_at is None
        for row in news
        if row["tenant_id"] == one.tenant_id and wants(one.event_types, row["event_type"])
    ]
    return deliveries.enqueue(connection, messages) if messages else 0


def wants(event_types: Sequence[str], event_type: str) -> bool:
    """Whether a subscription to these types is one to this type."""
    return any(
        event_type.startswith(kind[:-1]) if kind.endswith("*") else event_type == kind
        for kind in event_types
    )


def message_of(row: Mapping[str, Any], subscription_id: str) -> Message:
    """The message about a stored event: `type`, `timestamp` and `data`, as Standard Webhooks."""
    data = {name: row[name] for name in SENT_FIELDS}
    body = {"type": row["event_type"], "timestamp": row["occurred_at"], "data": data}
    return Message(
        destination_id=subscription_id,
        tenant_id=row["tenant_id"],
        message_id=str(row["id"]),
        event_type=row["event_type"],
        body=orjson.dumps(body, option=orjson.OPT_UTC_Z).decode(),
    )


def send_missed(
    connection: Connection, tenant_id: str, subscription_id: str, since: datetime, actor: str
) -> int:
    """Sends everything since then that never arrived, also what came while it was disabled."""
    subscription = find_subscription(connection, tenant_id, subscription_id)
    if subscription is None:
        raise AccessError("There is no such webhook.")
    if subscription.disabled_at is not None:
        deliveries.enable(connection, subscription_id, actor)
    sent = deliveries.replay_missed(connection, subscription_id, since)
    sent += _enqueue_unsent(connection, subscription, since)
    audit(
        connection,
        actor,
        "webhook.replay",
        tenant_id,
        webhook=subscription_id,
        since=since.isoformat(),
        events=sent,
    )
    return sent


def _enqueue_unsent(connection: Connection, subscription: Any, since: datetime) -> int:
    """Enqueues stored events of the subscription's types that were never enqueued for it."""
    table = Event.__table__
    statement = (
        select(*(table.c[name] for name in SENT_FIELDS))
        .where(table.c.tenant_id == subscription.tenant_id, table.c.received_at >= since)
        .where(table.c.source != "import", table.c.is_bot.is_(False))
        .order_by(table.c.received_at, table.c.id)
    )
    total = 0
    batch: list[Message] = []
    for found in connection.execute(statement):
        row = dict(found._mapping)
        if wants(subscription.event_types, row["event_type"]):
            batch.append(message_of(row, str(subscription.id)))
        if len(batch) == _REPLAYED:
            total += deliveries.enqueue(connection, batch)
            batch = []
    return total + (deliveries.enqueue(connection, batch) if batch else 0)
