"""Counts of single events in 32 bits, which PostgreSQL adds up in half the time.

Revision: 20261127_counts, after 20261127_policies
"""

from alembic import op

revision = "20261127_counts"
down_revision = "20261127_policies"
branch_labels = None
depends_on = None

SEARCHES = (
    "searches",
    "zero_results",
    "thin_results",
    "counted",
    "settled",
    "clicked",
    "unclicked",
    "reformulated",
    "unhelpful",
)
COUNTS = {
    "daily_events": ("kept",),
    "daily_ingest": ("accepted", "duplicates", "sampled", "refused", "late", "bots"),
    "daily_searches": SEARCHES,
    "daily_queries": SEARCHES,
    "daily_search_clicks": ("searches",),
    "daily_experts": ("impressions", "clicks"),
    "daily_filters": ("sets", "zero_results"),
    "daily_results": ("sets",),
    "daily_trips": ("attempts",),
    "daily_trip_inputs": ("failed", "succeeded"),
    "daily_uniques": ("members", "identified"),
}


def upgrade() -> None:
    _make("integer")


def downgrade() -> None:
    _make("bigint")


def _make(kind: str) -> None:
    """Changes the counts' type. SQLite stores integers in as many bytes as each one needs."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, counts in COUNTS.items():
        changes = ", ".join(f"ALTER {name} TYPE {kind}" for name in counts)
        op.execute(f"ALTER TABLE {table} {changes}")
