"""The queue of what has to be settled again."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from tracker.model import Unsettled
from tracker.store import bulk
from tracker.store.facts import DEMAND

Mark = tuple[str, str, str]
"""Tenant, kind and key of something to settle."""


def mark_unsettled(connection: Connection, marks: Mapping[Mark, datetime]) -> None:
    """Queues what was touched, with the time at which it was."""
    rows = [
        {"tenant_id": tenant, "kind": kind, "key": key, "since": since}
        for (tenant, kind, key), since in sorted(marks.items())
    ]
    # Sessions and the like are locked by whoever marks or settles them. Queries are not:
    # merging locks the mark itself, so that settling it waits for this transaction.
    locked = [row for row in rows if row["kind"] != DEMAND]
    bulk.upsert(connection, Unsettled.__table__, locked, {})
    others = [row for row in rows if row["kind"] == DEMAND]
    bulk.upsert(connection, Unsettled.__table__, others, {"since": "min"})
