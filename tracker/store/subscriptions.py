"""Webhooks: a tenant's subscriptions to event types.

A subscription is a destination of the outbox with the purpose `events`; what it gets is the
business of `tracker.store.notifying`.
"""

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.orm import Session
from uuid_utils import uuid7

from tracker.catalog import CATALOG
from tracker.catalog.custom import PREFIX
from tracker.model import Delivery, Destination
from tracker.store.access import IS_UUID, AccessError, audit, require_tenant
from tracker.store.deliveries import Message, earlier_than, enqueue
from tracker.store.sealing import seal

EVENTS = "events"
TEST = "webhook.test"
"""The type of a message about no event."""

MOST_TYPES = 50
MOST_SUBSCRIPTIONS = 20
"""Of one tenant: each of its events is copied for each of them."""

DESTINATIONS = Destination.__table__
DELIVERIES = Delivery.__table__


def create_subscription(
    connection: Connection,
    tenant_id: str,
    name: str,
    url: str,
    event_types: Sequence[str],
    actor: str,
    secret_key: str,
) -> tuple[str, str]:
    """A new subscription as (id, signing secret). The secret can't be read again later.

    The caller has checked where the URL leads.
    """
    require_tenant(connection, tenant_id)
    types = _checked(event_types)
    if len(list_subscriptions(connection, tenant_id)) >= MOST_SUBSCRIPTIONS:
        raise AccessError(f"A tenant has {MOST_SUBSCRIPTIONS} webhooks at most.")
    subscription_id, secret = str(uuid7()), _new_secret()
    name = name.strip()[:200] or url[:200]
    connection.execute(
        insert(DESTINATIONS).values(
            id=subscription_id,
            tenant_id=tenant_id,
            purpose=EVENTS,
            kind="webhook",
            name=name,
            address=url,
            sealed_secret=seal(secret, secret_key),
            event_types=types,
            created_at=datetime.now(UTC),
        )
    )
    detail = {"name": name, "url": url, "types": types, "webhook": subscription_id}
    audit(connection, actor, "webhook.create", tenant_id, **detail)
    return subscription_id, secret


def _checked(event_types: Sequence[str]) -> list[str]:
    types = sorted({kind.strip() for kind in event_types if kind.strip()})
    if not 1 <= len(types) <= MOST_TYPES:
        raise AccessError(f"A webhook needs 1 to {MOST_TYPES} event types, or * for all.")
    if any("*" in kind[:-1] or len(kind) > 80 for kind in types):
        raise AccessError("An event type may have * at its end only.")
    if unknown := [kind for kind in types if not _is_possible(kind)]:
        raise AccessError(f"There is no event type {', '.join(unknown)} in the catalog.")
    return types


def _is_possible(kind: str) -> bool:
    """Whether there can be such events: of the catalog, or custom ones, which nobody declares."""
    beginning = kind.removesuffix("*")
    if kind in CATALOG or beginning.startswith(PREFIX):
        return True
    return kind.endswith("*") and any(name.startswith(beginning) for name in (*CATALOG, PREFIX))


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def list_subscriptions(session: Connection | Session, tenant_id: str) -> list[Any]:
    """A tenant's subscriptions, oldest first, without their secrets."""
    columns = [column for column in DESTINATIONS.columns if column.name != "sealed_secret"]
    statement = (
        select(*columns)
        .where(DESTINATIONS.c.tenant_id == tenant_id, DESTINATIONS.c.purpose == EVENTS)
        .order_by(DESTINATIONS.c.created_at, DESTINATIONS.c.id)
    )
    return list(session.execute(statement))


def find_subscription(session: Connection | Session, tenant_id: str, subscription_id: str) -> Any:
    """One of them; None when the tenant has no such subscription."""
    if not IS_UUID(subscription_id):
        return None
    found = list_subscriptions(session, tenant_id)
    return next((one for one in found if str(one.id) == subscription_id), None)


def change_types(
    connection: Connection,
    tenant_id: str,
    subscription_id: str,
    event_types: Sequence[str],
    actor: str,
) -> None:
    """Other event types for a subscription, from now on."""
    types = _checked(event_types)
    held = _require(connection, tenant_id, subscription_id)
    _change(connection, subscription_id, event_types=types)
    changed = {"types": [held.event_types, types]}
    audit(connection, actor, "webhook.types", tenant_id, **_named(held), changed=changed)


def rotate_secret(
    connection: Connection, tenant_id: str, subscription_id: str, actor: str, secret_key: str
) -> str:
    """A new signing secret, in force at once; returns it."""
    secret = _new_secret()
    held = _require(connection, tenant_id, subscription_id)
    _change(connection, subscription_id, sealed_secret=seal(secret, secret_key))
    audit(connection, actor, "webhook.rotate_secret", tenant_id, **_named(held))
    return secret


def _require(connection: Connection, tenant_id: str, subscription_id: str) -> Any:
    found = find_subscription(connection, tenant_id, subscription_id)
    if found is None:
        raise AccessError("There is no such webhook.")
    return found


def _change(connection: Connection, subscription_id: str, **values: Any) -> None:
    connection.execute(
        update(DESTINATIONS).where(DESTINATIONS.c.id == subscription_id).values(**values)
    )


def _named(subscription: Any) -> dict[str, str]:
    """A webhook as the audit log names it, also when it is gone."""
    return {"name": subscription.name, "webhook": subscription.id}


def send_test(connection: Connection, tenant_id: str, subscription_id: str, actor: str) -> None:
    """Enqueues a message that says it is a test, signed and tried like all others."""
    held = _require(connection, tenant_id, subscription_id)
    body = {"type": TEST, "timestamp": datetime.now(UTC), "data": {}}
    text = orjson.dumps(body, option=orjson.OPT_UTC_Z).decode()
    enqueue(connection, [Message(subscription_id, tenant_id, str(uuid7()), TEST, text)])
    audit(connection, actor, "webhook.test", tenant_id, **_named(held))


def delete_subscription(
    connection: Connection, tenant_id: str, subscription_id: str, actor: str
) -> None:
    """Ends a subscription; what waits for it is not sent."""
    held = _require(connection, tenant_id, subscription_id)
    connection.execute(delete(DELIVERIES).where(DELIVERIES.c.destination_id == subscription_id))
    connection.execute(delete(DESTINATIONS).where(DESTINATIONS.c.id == subscription_id))
    audit(connection, actor, "webhook.delete", tenant_id, **_named(held))


def list_deliveries(
    session: Connection | Session,
    subscription_id: str,
    limit: int,
    state: str = "",
    before: str = "",
) -> list[Any]:
    """The newest deliveries of a subscription, without their bodies; from behind `before` on."""
    columns = [column for column in DELIVERIES.columns if column.name != "body"]
    statement = select(*columns).where(DELIVERIES.c.destination_id == subscription_id)
    if state:
        statement = statement.where(DELIVERIES.c.state == state)
    if IS_UUID(before):
        statement = statement.where(earlier_than(before))
    newest = statement.order_by(DELIVERIES.c.created_at.desc(), DELIVERIES.c.id.desc())
    return list(session.execute(newest.limit(limit)))


def given_up(session: Connection | Session, tenants: Sequence[str]) -> list[Any]:
    """Subscriptions that are stopped, because nothing arrived any more or by an admin."""
    columns = [DESTINATIONS.c[name] for name in ("id", "tenant_id", "name", "disabled_reason")]
    return list(
        session.execute(
            select(*columns)
            .where(DESTINATIONS.c.tenant_id.in_(tenants), DESTINATIONS.c.purpose == EVENTS)
            .where(DESTINATIONS.c.disabled_at.is_not(None))
            .order_by(DESTINATIONS.c.tenant_id, DESTINATIONS.c.name)
        )
    )
