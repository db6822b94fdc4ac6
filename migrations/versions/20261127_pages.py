"""What pages need with ten million events: durations by version.

Revision: 20261127_pages, after 20261120_initial
"""

from alembic import op

revision = "20261127_pages"
down_revision = "20261120_initial"
branch_labels = None
depends_on = None

def upgrade() -> None:
    op.create_index(
        "ix_trip_attempts_version",
        "trip_creation_attempts",
        ["tenant_id", "prompt_contract_version", "bucket", "duration_ms", "day"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_trip_attempts_version", table_name="trip_creation_attempts")
