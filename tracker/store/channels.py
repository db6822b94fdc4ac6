"""Where alerts go: signed webhooks, Slack, mail."""

import base64
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.orm import Session
from uuid_utils import uuid7

from tracker.model import Delivery, Destination
from tracker.store.access import IS_UUID, AccessError, audit, normalised_email
from tracker.store.deliveries import earlier_than
from tracker.store.sealing import seal
from tracker.store.telling import CHANNELS, RULES, tell_channels, tell_newcomer

KINDS = ("webhook", "slack", "smtp")
RECENT = timedelta(hours=12)
"""How old an alert may be that a new channel is still told of."""

DESTINATIONS, DELIVERIES = Destination.__table__, Delivery.__table__


def create_channel(
    connection: Connection, name: str, kind: str, address: str, actor: str, secret_key: str
) -> tuple[str, str]:
    """A new channel as (id, signing secret); only webhooks have one, and it is shown once.

    It is told at once of the alerts of the last hours. The caller has checked where a URL leads.
    """
    if kind not in KINDS:
        raise AccessError(f"A channel is one of {', '.join(KINDS)}.")
    if not name.strip():
        raise AccessError("A channel needs a name.")
    if kind == "smtp":
        address = normalised_email(address)
    channel_id = str(uuid7())
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    connection.execute(
        insert(DESTINATIONS).values(
            id=channel_id,
            tenant_id=None,
            purpose=CHANNELS,
            kind=kind,
            name=name.strip()[:200],
            # Who knows the URL of a Slack webhook can write to the channel.
            address=seal(address, secret_key) if kind == "slack" else address,
            sealed_secret=seal(secret, secret_key) if kind == "webhook" else None,
            event_types=[],
            created_at=datetime.now(UTC),
        )
    )
    tell_newcomer(connection, channel_id, datetime.now(UTC) - RECENT)
    audit(connection, actor, "channel.create", name=name, kind=kind, channel=channel_id)
    return channel_id, secret if kind == "webhook" else ""


def list_channels(session: Session | Connection) -> list[Any]:
    """All channels, oldest first, without their secrets; Slack's without its address."""
    columns = [column for column in DESTINATIONS.columns if column.name != "sealed_secret"]
    statement = select(*columns).where(DESTINATIONS.c.purpose == CHANNELS)
    return list(session.execute(statement.order_by(DESTINATIONS.c.created_at)))


def require_channel(session: Session | Connection, channel_id: str) -> Any:
    """The channel, as listed; AccessError when there is none."""
    for channel in list_channels(session):
        if str(channel.id) == channel_id:
            return channel
    raise AccessError("There is no such channel.")


def delete_channel(connection: Connection, channel_id: str, actor: str) -> None:
    """Deletes a channel and what waits for it; a rule that named it alone then tells all others."""
    held = require_channel(connection, channel_id)
    for rule in connection.execute(select(RULES.c.id, RULES.c.channels)).all():
        left = [one for one in rule.channels if one != channel_id]
        connection.execute(update(RULES).where(RULES.c.id == rule.id).values(channels=left))
    connection.execute(delete(DELIVERIES).where(DELIVERIES.c.destination_id == channel_id))
    connection.execute(delete(DESTINATIONS).where(DESTINATIONS.c.id == channel_id))
    audit(connection, actor, "channel.delete", name=held.name, channel=channel_id)


def send_test(connection: Connection, channel_id: str, actor: str) -> None:
    """Enqueues a message that says it is a test."""
    held = require_channel(connection, channel_id)
    text = "This is a test of the channel. Nothing is wrong."
    body = {"type": "alert.test", "text": text, "path": "/alerts#channels"}
    tell_channels(connection, str(uuid7()), "alert.test", body, [channel_id])
    audit(connection, actor, "channel.test", name=held.name, channel=channel_id)


def channel_deliveries(session: Session | Connection, limit: int, before: str = "") -> list[Any]:
    """The newest deliveries of all channels, with the channels' names; from behind `before` on."""
    statement = (
        select(*(c for c in DELIVERIES.columns if c.name != "body"), DESTINATIONS.c.name)
        .join(DESTINATIONS, DESTINATIONS.c.id == DELIVERIES.c.destination_id)
        .where(DESTINATIONS.c.purpose == CHANNELS)
        .order_by(DELIVERIES.c.created_at.desc(), DELIVERIES.c.id.desc())
        .limit(limit)
    )
    if IS_UUID(before):
        statement = statement.where(earlier_than(before))
    return list(session.execute(statement))


def tell_given_up(connection: Connection, destination_ids: list[str]) -> None:
    """Tells the other channels of those that were given up."""
    for row in connection.execute(
        select(DESTINATIONS).where(DESTINATIONS.c.id.in_(destination_ids))
    ).all():
        body = {
            "type": "channel.disabled",
            "text": f"“{row.name}” is no longer sent to. {row.disabled_reason}",
            "tenant_id": row.tenant_id,
            "path": f"/settings/tenants/{row.tenant_id}/webhooks/{row.id}"
            if row.tenant_id
            else "/alerts#channels",
        }
        message_id = f"{row.id}:{row.disabled_at:%Y%m%d%H%M%S}"
        tell_channels(connection, message_id, "channel.disabled", body, but=[row.id])
