"""The demand ledger: counted again when its searches change, worked on by operators.

Every change by an operator writes its audit entry in the same transaction, and is remembered:
a demand that was touched is never merged or split by itself.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from uuid_utils import uuid7

from tracker.store import bulk, locks
from tracker.store.access import audit
from tracker.store.demand_counts import recount
from tracker.store.grouping import DEMANDS, FILLED, QUERIES, STATUSES, blank, group, move_all

LONGEST_NOTES = 5000


class DemandError(ValueError):
    """A change that can't be made; the message is a sentence for whoever asked."""


@dataclass(frozen=True)
class Who:
    """Whose demand is changed, and by whom."""

    tenant_id: str
    demand_id: str
    actor: str


def settle_demands(connection: Connection, marks: Iterable[tuple[str, str]]) -> None:
    """Groups and counts again what the marked (tenant, query) pairs are about."""
    for tenant_id, pairs in groupby(sorted(marks), key=itemgetter(0)):
        locks.lock_demands(connection, tenant_id)
        touched = group(connection, tenant_id, (query for _, query in pairs))
        recount(connection, tenant_id, touched)


def set_status(connection: Connection, who: Who, status: str, now: datetime | None = None) -> None:
    """Moves a demand to another status; filled remembers since when."""
    if status not in STATUSES:
        raise DemandError(f"A demand is one of {', '.join(STATUSES)}.")
    demand = _held(connection, who)
    if demand.status == status:
        return
    now = now or datetime.now(UTC)
    filled = {"filled_at": now} if status == FILLED else {}
    _touch(connection, who, status=status, status_at=now, **filled)
    detail = {"demand": who.demand_id, "from": demand.status, "to": status}
    audit(connection, who.actor, "demand.status", who.tenant_id, **detail)


def set_notes(connection: Connection, who: Who, notes: str) -> None:
    """Replaces the notes on a demand."""
    text = notes.strip()
    if len(text) > LONGEST_NOTES:
        raise DemandError(f"Notes have at most {LONGEST_NOTES:,} characters.")
    if _held(connection, who).notes != text:
        _touch(connection, who, notes=text)
        audit(connection, who.actor, "demand.notes", who.tenant_id, demand=who.demand_id)


def merge(connection: Connection, who: Who, into: str) -> None:
    """Moves everything of a demand into another one of the tenant; its notes go along."""
    demand, target = _held(connection, who), Who(who.tenant_id, into, who.actor)
    if into == who.demand_id:
        raise DemandError("A demand can't be merged with itself.")
    notes = "\n\n".join(filter(None, (_held(connection, target).notes, demand.notes)))
    _touch(connection, target, notes=notes[:LONGEST_NOTES])
    move_all(connection, who.tenant_id, {who.demand_id: into})
    recount(connection, who.tenant_id, {into})
    audit(connection, who.actor, "demand.merge", who.tenant_id, demand=who.demand_id, into=into)


def split(connection: Connection, who: Who, queries: Collection[str]) -> str:
    """Moves some of a demand's queries into a new demand; returns its id."""
    _held(connection, who)
    theirs = (QUERIES.c.tenant_id == who.tenant_id, QUERIES.c.demand_id == who.demand_id)
    held = set(connection.scalars(select(QUERIES.c.query).where(*theirs)))
    leaving = sorted(held & set(queries))
    if not leaving or len(leaving) == len(held):
        raise DemandError("Choose some of its queries, but not all of them.")
    made = str(uuid7())
    bulk.insert_new(connection, DEMANDS, [blank(who.tenant_id, made, is_curated=True)])
    one = QUERIES.c.query == bindparam("one")
    moved = update(QUERIES).where(QUERIES.c.tenant_id == who.tenant_id, one)
    connection.execute(moved.values(demand_id=made), [{"one": query} for query in leaving])
    _touch(connection, who)
    recount(connection, who.tenant_id, {who.demand_id, made})
    detail = {"demand": who.demand_id, "made": made, "queries": len(leaving)}
    audit(connection, who.actor, "demand.split", who.tenant_id, **detail)
    return made


def _held(connection: Connection, who: Who) -> Any:
    """The demand, locked; DemandError when there is none."""
    locks.lock_demands(connection, who.tenant_id)
    one = (DEMANDS.c.tenant_id == who.tenant_id, DEMANDS.c.id == who.demand_id)
    demand = connection.execute(select(DEMANDS).where(*one)).first()
    if demand is None:
        raise DemandError("There is no such demand any more.")
    return demand


def _touch(connection: Connection, who: Who, **changes: Any) -> None:
    one = (DEMANDS.c.tenant_id == who.tenant_id, DEMANDS.c.id == who.demand_id)
    connection.execute(update(DEMANDS).where(*one).values(is_curated=True, **changes))
