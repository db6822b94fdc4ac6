"""The copies of a person beyond events and numbers: the ledger, notes, views, the outbox."""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, func, select, update

from tracker.model import (
    DailyQueries,
    Delivery,
    Identity,
    MemberDay,
    SessionDay,
    Unsettled,
)
from tracker.store import bulk, locks, pasts
from tracker.store.blotting import ERASED, blot_out
from tracker.store.demand_counts import recount
from tracker.store.facts import DEMAND
from tracker.store.grouping import DEMANDS, KEYS, QUERIES
from tracker.store.likeness import meeting_keys
from tracker.store.persons import Trace
from tracker.store.trips import mark_of
from tracker.store.views import forget_views

_SESSION_DAYS, _MEMBER_DAYS = SessionDay.__table__, MemberDay.__table__


def take_out_of_ledger(connection: Connection, found: Trace) -> None:
    """Queries that nobody else asked in vain leave the ledger; its demands are counted again."""
    asked = {
        (row["tenant_id"], row["query"])
        for row in found.events
        if row["event_type"] == "sage_query"
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
        demands = {row.demand_id for row in rows}
        recount(connection, tenant_id, demands)
        _rename(connection, tenant_id, demands, {row.query for row in gone})


def _rename(
    connection: Connection, tenant_id: str, demands: Collection[str], queries: Collection[str]
) -> None:
    """Takes words that only they used from the names of demands that operators touched."""
    other = select(func.min(QUERIES.c.query)).where(
        QUERIES.c.tenant_id == tenant_id, QUERIES.c.demand_id == DEMANDS.c.id
    )
    connection.execute(
        update(DEMANDS)
        .where(DEMANDS.c.tenant_id == tenant_id, DEMANDS.c.id.in_(demands))
        .where(DEMANDS.c.name.in_(queries))
        .values(name=func.coalesce(other.scalar_subquery(), ERASED))
    )


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


def forget(connection: Connection, found: Trace) -> None:
    """Deletes what only names them: identities, remembered days, copies on their way out."""
    members = set(found.sessions)
    if found.person.kind == "email":
        members |= {(tenant, found.person.value) for tenant in found.person.tenants}
    bulk.delete_matching(connection, _MEMBER_DAYS, ("tenant_id", "member"), sorted(members))
    by_session = ("tenant_id", "session_id")
    for table in (_SESSION_DAYS, Identity.__table__):
        bulk.delete_matching(connection, table, by_session, sorted(found.sessions))
    forget_copies(connection, {(row["tenant_id"], row["id"]) for row in found.events})
    pasts.forget(connection, map(mark_of, found.requests))
    blot_out(connection, found)
    forget_views(connection, found.identifiers, found.person.tenants)


def forget_copies(connection: Connection, events: Iterable[tuple[str, str]]) -> int:
    """Deletes what subscribers were or will be sent of events, by tenant and id; how many."""
    copies = sorted((event_id, tenant_id) for tenant_id, event_id in events)
    by = ("message_id", "tenant_id")
    return bulk.delete_matching(connection, Delivery.__table__, by, copies)
