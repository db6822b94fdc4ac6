"""Policies that cost next to nothing where one tenant is read, as most often.

Revision: 20261127_policies, after 20261127_pages
"""

from alembic import op
from sqlalchemy import text

revision = "20261127_policies"
down_revision = "20261127_pages"
branch_labels = None
depends_on = None

ONE = "(SELECT current_setting('tracker.tenants', true))"
"""The tenant, where one is named: compared first, and found out once for a query."""

SOME = "(SELECT unnest(string_to_array(current_setting('tracker.tenants', true), ',')))"


def upgrade() -> None:
    _let_through(f"{{column}} = {ONE} OR {{column}} IN {SOME}")


def downgrade() -> None:
    _let_through(f"{{column}} IN {SOME}")


def _let_through(rows: str) -> None:
    """What every policy lets readers see."""
    if op.get_bind().dialect.name != "postgresql":
        return
    tables = text(
        "SELECT tablename FROM pg_policies"
        " WHERE policyname = 'own_tenants' AND schemaname = current_schema()"
    )
    for table in op.get_bind().scalars(tables).all():
        using = rows.format(column="id" if table == "tenants" else "tenant_id")
        op.execute(f"ALTER POLICY own_tenants ON {table} USING ({using})")
