"""Taking a tenant away, with everything of it."""

from sqlalchemy import Connection, Table, delete, select

from tracker.model import AuditEntry, Base, Tenant
from tracker.store import bulk
from tracker.store.access import audit, require_tenant
from tracker.store.database import Database

BATCH = 2000
KEPT = (AuditEntry.__table__,)
"""What operators did stays on record, also what they did to a tenant that is gone."""


def delete_tenant(database: Database, tenant_id: str, actor: str) -> int:
    """Deletes the tenant and every row of it; returns how many rows those were.

    It works in small transactions, so that ingestion goes on meanwhile. What arrives for the
    tenant while it runs goes too. AccessError when there is no such tenant.
    """
    with database.write() as connection:
        require_tenant(connection, tenant_id)
    total = 0
    while deleted := sum(_empty(database, table, tenant_id) for table in tables_of_tenants()):
        total += deleted
    total += 1  # its own
    with database.write() as connection:
        connection.execute(delete(Tenant).where(Tenant.id == tenant_id))
        audit(connection, actor, "tenant.delete", tenant_id, rows=total)
    return total


def tables_of_tenants() -> list[Table]:
    """Every table with a tenant's rows, keys first, so that nothing new comes in."""
    owned = [table for table in Base.metadata.sorted_tables if "tenant_id" in table.columns]
    return sorted(
        (table for table in owned if table not in KEPT), key=lambda table: table.name != "api_keys"
    )


def _empty(database: Database, table: Table, tenant_id: str) -> int:
    total = 0
    while True:
        with database.write() as connection:
            deleted = _delete_some(connection, table, tenant_id)
        total += deleted
        if deleted < BATCH:
            return total


def _delete_some(connection: Connection, table: Table, tenant_id: str) -> int:
    keys = [
        tuple(row)
        for row in connection.execute(
            select(*table.primary_key).where(table.c.tenant_id == tenant_id).limit(BATCH)
        )
    ]
    bulk.delete_keys(connection, table, keys)
    return len(keys)
