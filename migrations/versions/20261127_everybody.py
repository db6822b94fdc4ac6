"""Policies that don't look each row's tenant up for those who may read all.

Revision: 20261127_everybody, after 20261127_counts
"""

from alembic import op
from sqlalchemy import text

revision = "20261127_everybody"
down_revision = "20261127_counts"
branch_labels = None
depends_on = None

NAMED = "(SELECT current_setting('tracker.tenants', true))"
"""The tenants as the transaction names them; found out once for a query."""

AMONG = "(SELECT unnest(string_to_array(current_setting('tracker.tenants', true), ',')))"


def upgrade() -> None:
    _let_through(f"{{column}} = {NAMED} OR {NAMED} = '*' OR {{column}} IN {AMONG}")


def downgrade() -> None:
    _let_through(f"{{column}} = {NAMED} OR {{column}} IN {AMONG}")


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
