"""What is remembered of expired events, for later ones to be settled.

Revision: 20261127_remembered
"""

import sqlalchemy as sa
from alembic import op

revision = "20261127_remembered"
down_revision = "20261120_initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "remembered",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column(
            "kind",
            sa.String(length=16),
            nullable=False,
            comment="As in settled; empty for all of the tenant.",
        ),
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("until", sa.Date(), nullable=False, comment="The last day that has expired."),
        sa.Column(
            "events", sa.JSON(), nullable=False, comment="In their order, without payload."
        ),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "key", name=op.f("pk_remembered")),
        comment="Of expired events what later ones are settled by. Goes with the last of those.",
        info={"private": True},
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("remembered")
