"""The copies of a person beyond events and numbers: the ledger, notes, views, the outbox."""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, and_, func, select, update

from tracker.model import (
    Annotation,
    DailyQueries,
    Delivery,
    Demand,
    Identity,
    IngestWarning,
    MemberDay,
    SessionDay,
    Unsettled,
)
from tracker.store import bulk, locks, pasts
from tracker.store.demand_counts import recount
from tracker.store.facts import DEMAND
from tracker.store.grouping import KEYS, QUERIES
from tracker.store.likeness import meeting_keys
from tracker.store.persons import Trace, named_in
from tracker.store.trips import mark_of
from tracker.store.views import forget_views

ERASED = "[erased]"
_SESSION_DAYS, _MEMBER_DAYS = SessionDay.__table__, MemberDay.__table__
_NOTES: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (Demand.__table__, ("notes",)),
    (Annotation.__table__, ("text",)),
    (IngestWarning.__table__, ("sample",)),
)
"""Texts that operators or senders wrote, in which somebody may be named."""


def take_out_of_ledger(connection: Connection, found: Trace) -> None:
    """Queries that nobody else asked in vain leave the ledger; its demands are counted again."""
    asked = {
        (row["tenant_id"], row["query"])
        for row in found.events
        if row["event_type"] == "sage_query" and row["zero_results"]
    }
    for tenant_id in sorted({tenant for tenant, _ in asked}):
        queries = sorted(query for tenant, query in asked if tenant == tenant_id)
        locks.lock_demands(connection, tenant_id)
        keys = [(tenant_id, query) for query in queries]
        rows = bulk.matching(connection, QUERIES, ("tenant_id", "query"), keys)
        dead = set(keys) - _still_asked(connection, keys)
        bulk.delete_keys(connection, QUERIES, sorted(dead))
        gone = [row for row in rows if (tenant_id, row.query) in dead]
        hashes = [(tenant_id, key, row.query) for row in gone for key in meeting_keys(row.words)]
        bulk.delete_keys(connection, KEYS, hashes)
        marks = {(tenant_id, DEMAND, query) for _, query in dead}
        bulk.delete_keys(connection, Unsettled.__table__, sorted(marks))
        recount(connection, tenant_id, {row.demand_id for row in rows})


def _still_asked(connection: Connection, keys: list[tuple[str, str]]) -> set[tuple[str, str]]:
    zero_results = func.sum(DailyQueries.zero_results)
    found: set[tuple[str, str]] = set()
    for start in range(0, len(keys), 500):
        some = keys[start : start + 500]
        statement = (
            select(DailyQueries.tenant_id, DailyQueries.query)
            .where(DailyQueries.tenant_id == some[0][0])
            .where(DailyQueries.query.in_([query for _, query in some]))
            .group_by(DailyQueries.tenant_id, DailyQueries.query)
            .having(zero_results > 0)
        )
        found |= {(row.tenant_id, row.query) for row in connection.execute(statement)}
    return found


def _delete_of(
    connection: Connection, table: Table, by: tuple[str, ...], keys: Iterable[tuple[Any, ...]]
) -> None:
    names = [column.name for column in table.primary_key]
    rows = bulk.matching(connection, table, by, sorted(keys), names)
    bulk.delete_keys(connection, table, [tuple(row) for row in rows])


def forget(connection: Connection, found: Trace) -> None:
    """Deletes what only names them: identities, remembered days, copies on their way out."""
    members = set(found.sessions)
    if found.person.kind == "email":
        members |= {(tenant, found.person.value) for tenant in found.person.tenants}
    _delete_of(connection, _MEMBER_DAYS, ("tenant_id", "member"), members)
    by_session = ("tenant_id", "session_id")
    for table in (_SESSION_DAYS, Identity.__table__):
        _delete_of(connection, table, by_session, found.sessions)
    _delete_of(
        connection, Delivery.__table__, ("message_id",), {(row["id"],) for row in found.events}
    )
    pasts.forget(connection, map(mark_of, found.requests))
    for table, columns in _NOTES:
        _blot_out(connection, table, columns, found.identifiers)
    forget_views(connection, found.identifiers)


def _blot_out(
    connection: Connection, table: Table, columns: tuple[str, ...], identifiers: list[str]
) -> None:
    """Replaces identifiers in texts."""
    pattern = re.compile("|".join(map(_in_a_text, identifiers)), re.IGNORECASE)
    texts = [table.c[column] for column in columns]
    for start in range(0, len(identifiers), 100):
        some = identifiers[start : start + 100]
        for row in connection.execute(select(table).where(named_in(texts, some))).all():
            key = and_(*(c == getattr(row, c.name) for c in table.primary_key))
            blotted = {c: pattern.sub(ERASED, getattr(row, c)) for c in columns}
            connection.execute(update(table).where(key).values(blotted))


def _in_a_text(identifier: str) -> str:
    """The pattern of an identifier. A number is one where it stands alone: 17 is not user 7."""
    alone = rf"(?<![\w.]){identifier}(?!\w)"
    return alone if identifier.isdecimal() else re.escape(identifier)
