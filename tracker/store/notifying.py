"""What subscriptions get: each event they want, in the transaction that stores it.

The event's id is the message's: at least once, and the receiver can tell what it had before.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, literal, select, tuple_

from tracker.model import Destination, Event, UtcDateTime, Uuid
from tracker.store import bulk, deliveries, destinations
from tracker.store.access import AccessError, audit
from tracker.store.database import Database
from tracker.store.deliveries import Message
from tracker.store.locks import barrier, join_writers
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

AT_ONCE = 1000
"""Events looked at in one transaction: while it lasts no one else may write."""

Place = tuple[datetime, str]
"""Of an event in the order of receipt: when, and its id."""

_BEFORE_ALL = str(UUID(int=0))


def notify(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> int:
    """Enqueues newly stored events for those who subscribed to them; returns how many."""
    news = [row for row in rows if _is_news(row)]
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


def _is_news(row: Mapping[str, Any]) -> bool:
    """What an import brings is history and not sent, and neither is what bots did."""
    return row["source"] != "import" and not row["is_bot"]


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
    database: Database, tenant_id: str, subscription_id: str, since: datetime, actor: str
) -> int:
    """Sends everything since then that never arrived, also what came while it was disabled.

    In many transactions, so that others write meanwhile. Where it breaks off, asking again does
    the rest: a message is enqueued once.
    """
    with database.write() as connection:
        barrier(connection)  # whoever took it for disabled has stored what is looked for below
        subscription = _existing(connection, tenant_id, subscription_id)
        if subscription.disabled_at is not None:
            destinations.enable(connection, subscription_id, actor)
        detail = {"webhook": subscription_id, "since": since.isoformat()}
        audit(connection, actor, "webhook.replay", tenant_id, **detail)
    with database.write() as connection:
        sent = destinations.replay_missed(connection, subscription_id, since)
    place: Place | None = (since, _BEFORE_ALL)
    while place:
        with database.write() as connection:
            enqueued, place = _enqueue_unsent(connection, tenant_id, subscription_id, place)
        sent += enqueued
    return sent


def _existing(connection: Connection, tenant_id: str, subscription_id: str) -> Any:
    subscription = find_subscription(connection, tenant_id, subscription_id)
    if subscription is None:
        raise AccessError("There is no such webhook.")
    return subscription


def _enqueue_unsent(
    connection: Connection, tenant_id: str, subscription_id: str, place: Place
) -> tuple[int, Place | None]:
    """Enqueues, of the events next received, those that never were for this subscription.

    Returns how many, and the place to go on from unless these were the last.
    """
    join_writers(connection)
    subscription = _existing(connection, tenant_id, subscription_id)
    rows = _received_after(connection, tenant_id, place)
    messages = [
        message_of(row, subscription_id)
        for row in rows
        if _is_news(row) and wants(subscription.event_types, row["event_type"])
    ]
    further = (rows[-1]["received_at"], rows[-1]["id"]) if len(rows) == AT_ONCE else None
    return deliveries.enqueue(connection, messages), further


def _received_after(connection: Connection, tenant_id: str, place: Place) -> list[dict[str, Any]]:
    events = Event.__table__.c
    here = tuple_(literal(place[0], UtcDateTime()), literal(place[1], Uuid()))
    statement = (
        select(*(events[name] for name in (*SENT_FIELDS, "is_bot")))
        .where(events.tenant_id == tenant_id, tuple_(events.received_at, events.id) > here)
        .order_by(events.received_at, events.id)
        .limit(AT_ONCE)
    )
    return [row._asdict() for row in connection.execute(statement)]
