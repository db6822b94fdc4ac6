"""The counts that 20261127_counts left out in 32 bits, too.

Revision: 20261128_more_counts, after 20261127_everybody
"""

from alembic import op

revision = "20261128_more_counts"
down_revision = "20261127_everybody"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make("integer")


def downgrade() -> None:
    _make("bigint")


def _make(kind: str) -> None:
    """Changes the counts' type. SQLite stores integers in as many bytes as each one needs."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(f"ALTER TABLE daily_combinations ALTER sets TYPE {kind}")
    op.execute(f"ALTER TABLE daily_dead_ends ALTER narrowed TYPE {kind}, ALTER killed TYPE {kind}")
