"""What pages need with ten million events: durations by version, finer bounds of the busiest.

Revision: 20261127_pages, after 20261127_remembered
"""

from alembic import op

revision = "20261127_pages"
down_revision = "20261127_remembered"
branch_labels = None
depends_on = None

FINER_BOUNDS = """
    UPDATE session_days SET at_most = (
        SELECT (sum(held.events) + session_days.at_most / 16 - 1)
            / (session_days.at_most / 16) * (session_days.at_most / 16)
        FROM session_days AS held
        WHERE held.tenant_id = session_days.tenant_id
            AND held.session_id = session_days.session_id
    )
    WHERE at_most > 32
"""
"""Powers of two became multiples of their sixteenth, as `tracker.store.uniques.bound` makes them."""


COMMENT = (
    "The session's events on all its days, up to the next power of two, 4 at least: as"
    " no range of days holds more, lists of the busiest can stop early; it seldom changes."
    " From 32 on in steps of an eighth."
)


def upgrade() -> None:
    op.create_index(
        "ix_trip_attempts_version",
        "trip_creation_attempts",
        ["tenant_id", "prompt_contract_version", "bucket", "duration_ms", "day"],
        unique=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        # A session's next event must not be counted while its bound is made of those before it
        op.execute("LOCK TABLE session_days IN SHARE ROW EXCLUSIVE MODE")
        op.alter_column("session_days", "at_most", comment=COMMENT)
    op.execute(FINER_BOUNDS)


def downgrade() -> None:
    op.drop_index("ix_trip_attempts_version", table_name="trip_creation_attempts")
