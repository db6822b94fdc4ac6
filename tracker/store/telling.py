"""What channels are told: of episodes that begin and end, and of whatever else there is to say."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, func, not_, or_, select, update

from tracker.model import AlertFiring, AlertRule, Destination
from tracker.store.deliveries import Message, enqueue

CHANNELS = "alerts"
"""The purpose of destinations that are channels."""

RULES, FIRINGS = AlertRule.__table__, AlertFiring.__table__
DESTINATIONS = Destination.__table__


def tell_fired(
    connection: Connection, rule: Any, firing: Mapping[str, Any], only: Sequence[str] = ()
) -> None:
    """Tells the rule's channels, or those named, that an episode began; notes whether any is."""
    if _tell(connection, rule, firing, "fired", firing["words"], only or rule.channels):
        connection.execute(update(FIRINGS).where(FIRINGS.c.id == firing["id"]).values(told=True))


def tell_resolved(
    connection: Connection, rule: Any, firing: Mapping[str, Any], only: Sequence[str] = ()
) -> None:
    """Tells them that it is over."""
    words = f"Over, and last wrong at {firing['wrong_until']:%d %b %H:%M} UTC."
    _tell(connection, rule, firing, "resolved", words, only or rule.channels)


def _tell(
    connection: Connection,
    rule: Any,
    firing: Mapping[str, Any],
    what: str,
    words: str,
    only: Sequence[str],
) -> int:
    whose = f"{rule.name} ({rule.tenant_id})" if rule.tenant_id else rule.name
    body = {
        "type": f"alert.{what}",
        "text": f"{whose}: {words}",
        "rule": {"id": rule.id, "name": rule.name, "kind": rule.kind},
        "tenant_id": rule.tenant_id,
        "firing_id": firing["id"],
        "began_at": firing["began_at"],
        "figures": firing["figures"],
        "path": f"/alerts#{firing['id']}",
    }
    return tell_channels(connection, f"{firing['id']}:{what}", f"alert.{what}", body, only)


def tell_newcomer(connection: Connection, channel_id: str, since: datetime) -> None:
    """Tells a new channel of alerts since then: it may be there for that very reason.

    Rules that name their channels do not tell it, nor those of what began while they were snoozed.
    """
    was_snoozed = FIRINGS.c.fired_at < func.coalesce(RULES.c.snoozed_until, FIRINGS.c.fired_at)
    recent = (
        select(FIRINGS)
        .join(RULES, RULES.c.id == FIRINGS.c.rule_id)
        .where(FIRINGS.c.fired_at >= since, or_(FIRINGS.c.told, not_(was_snoozed)))
        .order_by(FIRINGS.c.fired_at)
    )
    rules = {rule.id: rule for rule in connection.execute(select(RULES)) if not rule.channels}
    for firing in connection.execute(recent).all():
        if rule := rules.get(firing.rule_id):
            tell_fired(connection, rule, firing._asdict(), [channel_id])
            if firing.resolved_at is not None:
                tell_resolved(connection, rule, firing._asdict(), [channel_id])


def tell_channels(
    connection: Connection,
    message_id: str,
    what: str,
    body: Mapping[str, Any],
    only: Sequence[str] = (),
    but: Sequence[str] = (),
) -> int:
    """Enqueues a message to the channels, or those named; returns how many.

    The body's `path` is the page about it, sent as a whole address where one is known. What it
    says of a tenant is the tenant's, and goes when the tenant is deleted.
    """
    chosen = select(DESTINATIONS.c.id).where(DESTINATIONS.c.purpose == CHANNELS)
    if only:
        chosen = chosen.where(DESTINATIONS.c.id.in_(only))
    text = orjson.dumps(body).decode()
    messages = [
        Message(str(channel), body.get("tenant_id"), message_id, what, text)
        for channel in connection.execute(chosen.where(DESTINATIONS.c.id.not_in(but))).scalars()
    ]
    return enqueue(connection, messages)
