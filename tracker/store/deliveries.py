"""The outbox: enqueued with what causes them, claimed by one worker, tried until they arrive.

A worker claims a delivery by moving its `due_at` ahead. Whoever dies with a claim in hand lets
it run out, and another worker sends the message again: at least once, with the message's id as
the receiver's idempotency key.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    func,
    literal,
    select,
    tuple_,
    update,
)

from tracker.model import Uuid
from tracker.store import bulk
from tracker.store.destinations import DELIVERIES, DESTINATIONS, disable

RETRY_AFTER = tuple(
    timedelta(seconds=s) for s in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600)
)
"""How long to wait after each attempt that failed; after the last one a delivery has failed."""

PATIENCE = {"alerts": timedelta(), "events": timedelta(days=5), "digest": timedelta.max}
"""How long a destination must have been failing before a given-up delivery disables it."""

CLAIMED_FOR = timedelta(seconds=60)
PARKED_AT_ONCE = 500
CLOCK = "clock"


@dataclass(frozen=True)
class Message:
    """What to send: the same message to the same destination is enqueued once."""

    destination_id: str
    tenant_id: str | None
    message_id: str
    event_type: str
    body: str


@dataclass(frozen=True)
class Claimed:
    """A delivery in the hands of this worker until `until`."""

    id: str
    claim: str
    until: datetime
    attempts: int
    message_id: str
    event_type: str
    body: str
    destination_id: str
    purpose: str
    kind: str
    address: str
    sealed_secret: str | None


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt; `gone` is a receiver that wants no more."""

    delivery: Claimed
    arrived: bool
    answer: str
    gone: bool = False


def enqueue(connection: Connection, messages: Iterable[Message]) -> int:
    """Puts messages into the outbox, due now; returns how many were new."""
    now = datetime.now(UTC)
    rows = [
        {
            "id": str(uuid5(NAMESPACE_URL, f"{one.destination_id}/{one.message_id}")),
            "destination_id": one.destination_id,
            "tenant_id": one.tenant_id,
            "message_id": one.message_id,
            "event_type": one.event_type,
            "body": one.body,
            "state": "waiting",
            "attempts": 0,
            "due_at": now,
            "created_at": now,
        }
        for one in messages
    ]
    return len(bulk.insert_new(connection, DELIVERIES, rows))


def claim(
    connection: Connection, claim: str, limit: int, now: datetime, busy: Sequence[str] = ()
) -> list[Claimed]:
    """Takes due deliveries, oldest first, that nobody else has in hand.

    `claim` names this batch: an outcome counts only while the claim still stands. Those to
    `busy` destinations are left for later.
    """
    due = (
        select(DELIVERIES.c.id)
        .join(DESTINATIONS, DESTINATIONS.c.id == DELIVERIES.c.destination_id)
        .where(DELIVERIES.c.due_at <= now, DESTINATIONS.c.disabled_at.is_(None))
        .where(DESTINATIONS.c.id.not_in(busy))
        .order_by(DELIVERIES.c.due_at)
        .limit(limit)
        .with_for_update(of=DELIVERIES, skip_locked=True)
    )
    ids = list(connection.execute(due).scalars())
    if not ids:
        return []
    until = now + CLAIMED_FOR
    connection.execute(
        update(DELIVERIES)
        .where(DELIVERIES.c.id.in_(ids))
        .values(due_at=until, claimed_by=claim, attempts=DELIVERIES.c.attempts + 1)
    )
    return _claimed(connection, ids, claim, until)


def park(connection: Connection, now: datetime) -> int:
    """Takes what waits for stopped destinations out of the queue, of the first that are due.

    Returns how many. Enabling puts them back; it waits for this to be done.
    """
    due = select(DELIVERIES.c.id, DELIVERIES.c.destination_id).where(DELIVERIES.c.due_at <= now)
    first = connection.execute(due.order_by(DELIVERIES.c.due_at).limit(PARKED_AT_ONCE)).all()
    stopped = (
        select(DESTINATIONS.c.id)
        .where(DESTINATIONS.c.id.in_({one.destination_id for one in first}))
        .where(DESTINATIONS.c.disabled_at.is_not(None))
        .with_for_update(key_share=True)
    )
    theirs = set(connection.scalars(stopped))
    parked = [one.id for one in first if one.destination_id in theirs]
    if parked:
        aside = update(DELIVERIES).where(DELIVERIES.c.id.in_(parked), DELIVERIES.c.due_at <= now)
        connection.execute(aside.values(due_at=None, claimed_by=None))
    return len(parked)


def _claimed(
    connection: Connection, ids: Sequence[str], claim: str, until: datetime
) -> list[Claimed]:
    columns = [
        *(DELIVERIES.c[name] for name in ("id", "attempts", "message_id", "event_type", "body")),
        DELIVERIES.c.destination_id,
        *(DESTINATIONS.c[name] for name in ("purpose", "kind", "address", "sealed_secret")),
    ]
    statement = (
        select(*columns)
        .join(DESTINATIONS, DESTINATIONS.c.id == DELIVERIES.c.destination_id)
        .where(DELIVERIES.c.id.in_(ids))
        .order_by(DELIVERIES.c.created_at, DELIVERIES.c.id)
    )
    return [
        Claimed(claim=claim, until=until, **row._mapping) for row in connection.execute(statement)
    ]


def finish(connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> list[str]:
    """Writes down what came of attempts; returns the destinations that this disabled."""
    arrived = [one for one in outcomes if one.arrived]
    missed = [one for one in outcomes if not one.arrived]
    _finish_arrived(connection, arrived, now)
    for one in missed:
        _finish_missed(connection, one, now)
    return [
        destination_id
        for destination_id in dict.fromkeys(one.delivery.destination_id for one in missed)
        if _disable_if_hopeless(connection, destination_id, missed, now)
    ]


def _finish_arrived(connection: Connection, arrived: Sequence[Outcome], now: datetime) -> None:
    if not arrived:
        return
    held = and_(
        DELIVERIES.c.id == bindparam("delivery"), DELIVERIES.c.claimed_by == bindparam("claim")
    )
    connection.execute(
        update(DELIVERIES)
        .where(held)
        .values(
            state="delivered",
            due_at=None,
            claimed_by=None,
            delivered_at=now,
            last_answer=bindparam("answer"),
        ),
        [
            {"delivery": one.delivery.id, "claim": one.delivery.claim, "answer": one.answer[:300]}
            for one in arrived
        ],
    )
    reached = {one.delivery.destination_id for one in arrived}
    connection.execute(
        update(DESTINATIONS)
        .where(DESTINATIONS.c.id.in_(reached), DESTINATIONS.c.failing_since.is_not(None))
        .values(failing_since=None)
    )


def _finish_missed(connection: Connection, one: Outcome, now: datetime) -> None:
    done = one.gone or one.delivery.attempts > len(RETRY_AFTER)
    due_at = None if done else now + RETRY_AFTER[one.delivery.attempts - 1]
    connection.execute(
        update(DELIVERIES)
        .where(DELIVERIES.c.id == one.delivery.id, DELIVERIES.c.claimed_by == one.delivery.claim)
        .values(
            state="failed" if done else "waiting",
            due_at=due_at,
            claimed_by=None,
            last_answer=one.answer[:300],
        )
    )
    connection.execute(
        update(DESTINATIONS)
        .where(
            DESTINATIONS.c.id == one.delivery.destination_id, DESTINATIONS.c.failing_since.is_(None)
        )
        .values(failing_since=now)
    )


def _disable_if_hopeless(
    connection: Connection, destination_id: str, missed: Sequence[Outcome], now: datetime
) -> bool:
    ours = [one for one in missed if one.delivery.destination_id == destination_id]
    since = connection.execute(
        select(DESTINATIONS.c.failing_since).where(DESTINATIONS.c.id == destination_id)
    ).scalar()
    gave_up = any(one.delivery.attempts > len(RETRY_AFTER) for one in ours)
    lasting = since is not None and now - since >= PATIENCE[ours[0].delivery.purpose]
    if any(one.gone for one in ours):
        reason = "The receiver answered 410: it wants no more."
    elif gave_up and lasting:
        reason = f"Nothing arrived since {since:%Y-%m-%d %H:%M} UTC. Last: {ours[-1].answer}"
    else:
        return False
    return disable(connection, destination_id, reason[:300], CLOCK, now)


def earlier_than(delivery_id: str) -> ColumnElement[bool]:
    """Behind this delivery in a list with the newest first, so that a page stays what it is."""
    made = select(DELIVERIES.c.created_at).where(DELIVERIES.c.id == delivery_id).scalar_subquery()
    here = tuple_(made, literal(delivery_id, Uuid()))
    behind: ColumnElement[bool] = tuple_(DELIVERIES.c.created_at, DELIVERIES.c.id) < here
    return behind


def waiting(connection: Connection) -> int:
    """How many deliveries wait to be sent, to destinations that are enabled."""
    statement = (
        select(func.count())
        .select_from(DELIVERIES)
        .join(DESTINATIONS, DESTINATIONS.c.id == DELIVERIES.c.destination_id)
        .where(DELIVERIES.c.due_at.is_not(None), DESTINATIONS.c.disabled_at.is_(None))
    )
    return int(connection.execute(statement).scalar_one())
