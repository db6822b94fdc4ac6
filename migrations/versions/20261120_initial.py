"""Every table of the first release, and PostgreSQL's separation of tenants.

Revision: 20261120_initial
"""

import sqlalchemy as sa
from alembic import op

from tracker.model.base import UtcDateTime, Uuid

revision = "20261120_initial"
down_revision = None
branch_labels = None
depends_on = None

READER = "tracker_reader"
SHOWN = (
    "annotations",
    "daily_business",
    "daily_combinations",
    "daily_dead_ends",
    "daily_events",
    "daily_experts",
    "daily_filters",
    "daily_ingest",
    "daily_queries",
    "daily_results",
    "daily_search_clicks",
    "daily_searches",
    "daily_trip_inputs",
    "daily_trips",
    "daily_uniques",
    "deliveries",
    "demand_keys",
    "demand_queries",
    "demands",
    "events",
    "identities",
    "ingest_warnings",
    "member_days",
    "session_days",
    "settled",
    "trip_creation_attempts",
    "unsettled",
)
"""Tables that a reader may see, each row to the readers of its tenant."""

EXPECTED_ROWS = {
    "sqlite_autoindex_events_1": "1000000 100000 1",
    "ix_events_type_time": "1000000 100000 10000 1",
    "ix_events_time": "1000000 100000 1",
    "ix_events_received": "1000000 100000 500 1",
    "ix_events_session": "1000000 10 10",
    "ix_events_email": "300000 30",
    "ix_events_user": "300000 30",
    "ix_events_request": "300000 3",
    "ix_events_subject": "200000 20000 10",
    "ix_events_expert": "150000 15000 1000",
    "ix_events_query": "150000 15000 100",
    "ix_events_filter": "400000 40000 4000 100",
}
"""SQLite's statistics by index: rows, then rows per value of the first columns."""

VISIBLE = "(SELECT unnest(string_to_array(current_setting('tracker.tenants', true), ',')))"
"""A set that is made once for a query; an array would be searched through for every row."""


def upgrade() -> None:
    _create_tables()
    if op.get_bind().dialect.name == "postgresql":
        _separate_tenants()
    else:
        _describe_events()


def _describe_events() -> None:
    """What SQLite's planner can't know before ANALYZE: a session is a few rows, a tenant many.

    Without it a lookup by tenant and session reads all of the tenant's events.
    """
    op.execute("ANALYZE")
    for index, rows in EXPECTED_ROWS.items():
        op.execute(f"INSERT INTO sqlite_stat1 VALUES ('events', '{index}', '{rows}')")
    op.execute("ANALYZE sqlite_schema")  # or this connection would not plan with them


def _separate_tenants() -> None:
    """Policies bind neither owners nor superusers, so readers switch to a role of their own."""
    op.execute(
        f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{READER}') THEN
                CREATE ROLE {READER} NOLOGIN;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    op.execute(
        f"""
        DO $$ BEGIN
            GRANT {READER} TO CURRENT_USER;
        EXCEPTION WHEN insufficient_privilege THEN  -- an administrator granted it, or must
            IF NOT pg_has_role(CURRENT_USER, '{READER}', 'MEMBER') THEN RAISE; END IF;
        END $$
        """
    )
    op.execute(f"GRANT USAGE ON SCHEMA public TO {READER}")
    for table, column in [("tenants", "id"), *((name, "tenant_id") for name in SHOWN)]:
        op.execute(f"GRANT SELECT ON {table} TO {READER}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_tenants ON {table} FOR SELECT TO {READER}"
            f" USING ({column} IN {VISIBLE})"
        )


def _create_tables() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("id", Uuid(), nullable=False, comment="UUIDv7."),
        sa.Column(
            "tenant_id",
            sa.String(length=63),
            nullable=True,
            comment="Whose events; null for all tenants that count.",
        ),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "kind",
            sa.String(length=16),
            nullable=False,
            comment="spike, silence, zero_results, refusals or panel.",
        ),
        sa.Column(
            "options",
            sa.JSON(),
            nullable=False,
            comment="What the kind needs, such as a threshold.",
        ),
        sa.Column(
            "channels",
            sa.JSON(),
            nullable=False,
            comment="Ids of destinations; none means all channels.",
        ),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column(
            "checked_until",
            UtcDateTime(),
            nullable=True,
            comment="Up to when the rule was looked at.",
        ),
        sa.Column(
            "snoozed_until",
            UtcDateTime(),
            nullable=True,
            comment="Until then episodes are recorded and nobody is told.",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rules")),
        comment="What the clock watches.",
        info={"private": True},
    )
    op.create_index(op.f("ix_alert_rules_tenant_id"), "alert_rules", ["tenant_id"], unique=False)
    op.create_table(
        "annotations",
        sa.Column("id", Uuid(), nullable=False, comment="UUIDv7."),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="In the reporting time zone."),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column(
            "author",
            sa.String(length=254),
            nullable=False,
            comment="The operator's e-mail address.",
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotations")),
        comment="Operators' notes on days.",
    )
    op.create_index("ix_annotations_day", "annotations", ["tenant_id", "day"], unique=False)
    op.create_table(
        "audit_log",
        sa.Column("id", Uuid(), nullable=False, comment="UUIDv7."),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column(
            "actor",
            sa.String(length=254),
            nullable=False,
            comment="The operator's e-mail address, or `command line`, or `clock`.",
        ),
        sa.Column(
            "action",
            sa.String(length=64),
            nullable=False,
            comment="object.verb, such as key.create.",
        ),
        sa.Column("tenant_id", sa.String(length=63), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        comment="Append-only. Never holds an identifier of an erased person.",
    )
    op.create_index(op.f("ix_audit_log_tenant_id"), "audit_log", ["tenant_id"], unique=False)
    op.create_table(
        "daily_business",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column(
            "measure",
            sa.String(length=80),
            nullable=False,
            comment="An event type, or a settled fact.",
        ),
        sa.Column("dim_a", sa.String(length=200), nullable=False),
        sa.Column("dim_b", sa.String(length=200), nullable=False),
        sa.Column("dim_c", sa.String(length=200), nullable=False),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column(
            "events",
            sa.BigInteger(),
            nullable=False,
            comment="Events or facts, scaled by sample weight.",
        ),
        sa.Column(
            "amount_a",
            sa.BigInteger(),
            nullable=False,
            comment="First sum, such as documents ingested.",
        ),
        sa.Column(
            "amount_b", sa.BigInteger(), nullable=False, comment="Second sum, such as chunks."
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "day",
            "measure",
            "dim_a",
            "dim_b",
            "dim_c",
            "slot",
            name=op.f("pk_daily_business"),
        ),
        comment="Business events by what they are about; the dimensions depend on `measure`.",
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_daily_business_measure", "daily_business", ["tenant_id", "measure", "day"], unique=False
    )
    op.create_table(
        "daily_combinations",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column(
            "filters",
            sa.String(length=500),
            nullable=False,
            comment="JSON list of filter names, sorted.",
        ),
        sa.Column("result_count", sa.Integer(), nullable=False),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column(
            "sets",
            sa.BigInteger(),
            nullable=False,
            comment="filter_change events that left this many results.",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "day",
            "filters",
            "result_count",
            "slot",
            name=op.f("pk_daily_combinations"),
        ),
        comment="Filter changes by the filters set together then, and what was left.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily_dead_ends",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column("filter_name", sa.String(length=100), nullable=False),
        sa.Column("filter_value", sa.String(length=500), nullable=False),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column(
            "narrowed",
            sa.BigInteger(),
            nullable=False,
            comment="filter_change events after one with results.",
        ),
        sa.Column("killed", sa.BigInteger(), nullable=False, comment="Those that left no result."),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "day",
            "filter_name",
            "filter_value",
            "slot",
            name=op.f("pk_daily_dead_ends"),
        ),
        comment="Filters set while there were results, and what that left; value '' is any.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily_events",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column("event_type", sa.String(length=80), nullable=False),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column(
            "events", sa.BigInteger(), nullable=False, comment="Events, scaled by sample weight."
        ),
        sa.Column(
            "kept",
            sa.BigInteger(),
            nullable=False,
            comment="Events stored; below `events` where the type is sampled.",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "day", "event_type", "slot", name=op.f("pk_daily_events")
        ),
        comment="Events by type and day.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily_experts",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column("context", sa.String(length=16), nullable=False),
        sa.Column("expert_id", sa.String(length=200), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False, comment="1-based; 0 for no position."),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column(
            "impressions", sa.BigInteger(), nullable=False, comment="Times served at this rank."
        ),
        sa.Column("clicks", sa.BigInteger(), nullable=False, comment="Card clicks at this rank."),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "day",
            "context",
            "expert_id",
            "rank",
            "slot",
            name=op.f("pk_daily_experts"),
        ),
        comment="Impressions and clicks by expert, context and rank.",
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_daily_experts_expert", "daily_experts", ["tenant_id", "expert_id", "day"], unique=False
    )
    op.create_table(
        "daily_filters",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column("filter_name", sa.String(length=100), nullable=False),
        sa.Column("filter_value", sa.String(length=500), nullable=False),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column("sets", sa.BigInteger(), nullable=False, comment="filter_change events."),
        sa.Column(
            "zero_results", sa.BigInteger(), nullable=False, comment="Those that left no result."
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "day", "filter_name", "filter_value", "slot", name=op.f("pk_daily_filters")
        ),
        comment="Filter changes by filter and canonical value.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily_ingest",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column("event_type", sa.String(length=80), nullable=False),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column("accepted", sa.BigInteger(), nullable=False, comment="Stored, bots included."),
        sa.Column(
            "duplicates",
            sa.BigInteger(),
            nullable=False,
            comment="Refused quietly: the event_id was there already.",
        ),
        sa.Column(
            "sampled",
            sa.BigInteger(),
            nullable=False,
            comment="Left out by the type's sample rate.",
        ),
        sa.Column("refused", sa.BigInteger(), nullable=False, comment="Refused with a reason."),
        sa.Column(
            "late",
            sa.BigInteger(),
            nullable=False,
            comment="Stored over an hour after it occurred.",
        ),
        sa.Column(
            "bots", sa.BigInteger(), nullable=False, comment="Stored but marked as sent by a bot."
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "day", "event_type", "slot", name=op.f("pk_daily_ingest")
        ),
        comment="What became of what was sent, by day of receipt.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily_queries",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column("query", sa.String(length=500), nullable=False),
        sa.Column("function_called", sa.String(length=32), nullable=False),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column("searches", sa.BigInteger(), nullable=False, comment="sage_query events."),
        sa.Column(
            "zero_results", sa.BigInteger(), nullable=False, comment="Searches that found nothing."
        ),
        sa.Column(
            "thin_results",
            sa.BigInteger(),
            nullable=False,
            comment="Searches that found one or two.",
        ),
        sa.Column(
            "counted", sa.BigInteger(), nullable=False, comment="Searches with a result count."
        ),
        sa.Column(
            "results", sa.BigInteger(), nullable=False, comment="Sum of their result counts."
        ),
        sa.Column(
            "settled", sa.BigInteger(), nullable=False, comment="Searches whose outcome is settled."
        ),
        sa.Column(
            "clicked",
            sa.BigInteger(),
            nullable=False,
            comment="Settled searches with a click on one of their experts.",
        ),
        sa.Column(
            "unclicked",
            sa.BigInteger(),
            nullable=False,
            comment="Settled searches with results and no such click.",
        ),
        sa.Column(
            "reformulated",
            sa.BigInteger(),
            nullable=False,
            comment="Settled searches followed within 5 minutes by another, without a click.",
        ),
        sa.Column(
            "unhelpful",
            sa.BigInteger(),
            nullable=False,
            comment="Those of `reformulated` that had results.",
        ),
        sa.Column("last_at", UtcDateTime(), nullable=True, comment="Latest search."),
        sa.Column(
            "last_zero_at",
            UtcDateTime(),
            nullable=True,
            comment="Latest search that found nothing.",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "day", "query", "function_called", "slot", name=op.f("pk_daily_queries")
        ),
        comment="Searches by normalised query and function.",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_daily_queries_query", "daily_queries", ["tenant_id", "query"], unique=False)
    op.create_table(
        "daily_results",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column("filter_name", sa.String(length=100), nullable=False),
        sa.Column("filter_value", sa.String(length=500), nullable=False),
        sa.Column("result_count", sa.Integer(), nullable=False),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column(
            "sets",
            sa.BigInteger(),
            nullable=False,
            comment="filter_change events with this result count.",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "day",
            "filter_name",
            "filter_value",
            "result_count",
            "slot",
            name=op.f("pk_daily_results"),
        ),
        comment="Exact histogram of result counts by filter and value; value '' is any.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily_salts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_daily_salts")),
        comment="Without its salt a fingerprint can't be recomputed.",
    )
    op.create_table(
        "daily_search_clicks",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column("function_called", sa.String(length=32), nullable=False),
        sa.Column(
            "rank",
            sa.Integer(),
            nullable=False,
            comment="1-based rank of the first click in the answer.",
        ),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column(
            "searches",
            sa.BigInteger(),
            nullable=False,
            comment="Settled searches whose first click was at this rank.",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "day",
            "function_called",
            "rank",
            "slot",
            name=op.f("pk_daily_search_clicks"),
        ),
        comment="Settled searches by the rank of their first click.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily_searches",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column("function_called", sa.String(length=32), nullable=False),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column("searches", sa.BigInteger(), nullable=False, comment="sage_query events."),
        sa.Column(
            "zero_results", sa.BigInteger(), nullable=False, comment="Searches that found nothing."
        ),
        sa.Column(
            "thin_results",
            sa.BigInteger(),
            nullable=False,
            comment="Searches that found one or two.",
        ),
        sa.Column(
            "counted", sa.BigInteger(), nullable=False, comment="Searches with a result count."
        ),
        sa.Column(
            "results", sa.BigInteger(), nullable=False, comment="Sum of their result counts."
        ),
        sa.Column(
            "settled", sa.BigInteger(), nullable=False, comment="Searches whose outcome is settled."
        ),
        sa.Column(
            "clicked",
            sa.BigInteger(),
            nullable=False,
            comment="Settled searches with a click on one of their experts.",
        ),
        sa.Column(
            "unclicked",
            sa.BigInteger(),
            nullable=False,
            comment="Settled searches with results and no such click.",
        ),
        sa.Column(
            "reformulated",
            sa.BigInteger(),
            nullable=False,
            comment="Settled searches followed within 5 minutes by another, without a click.",
        ),
        sa.Column(
            "unhelpful",
            sa.BigInteger(),
            nullable=False,
            comment="Those of `reformulated` that had results.",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "day", "function_called", "slot", name=op.f("pk_daily_searches")
        ),
        comment="Searches by function, whatever the query.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily_trip_inputs",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column(
            "input",
            sa.String(length=100),
            nullable=False,
            comment="Path of the field in the snapshot.",
        ),
        sa.Column("value", sa.String(length=100), nullable=False),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column(
            "failed",
            sa.BigInteger(),
            nullable=False,
            comment="Attempts with this value that failed.",
        ),
        sa.Column(
            "succeeded",
            sa.BigInteger(),
            nullable=False,
            comment="Attempts with this value that succeeded.",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "day", "input", "value", "slot", name=op.f("pk_daily_trip_inputs")
        ),
        comment="Finished trip attempts by what was put in; no free text.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily_trips",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column("prompt_contract_version", sa.String(length=100), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("error_code", sa.String(length=100), nullable=False, comment="'' for none."),
        sa.Column(
            "bucket",
            sa.SmallInteger(),
            nullable=False,
            comment="Log-spaced duration bucket; -1 for no duration.",
        ),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column("attempts", sa.BigInteger(), nullable=False, comment="Attempts."),
        sa.Column("first_at", UtcDateTime(), nullable=True, comment="Earliest outcome."),
        sa.Column("last_at", UtcDateTime(), nullable=True, comment="Latest outcome."),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "day",
            "prompt_contract_version",
            "status",
            "error_code",
            "bucket",
            "slot",
            name=op.f("pk_daily_trips"),
        ),
        comment="Trip attempts by day of the attempt, outcome and duration bucket.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily_uniques",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Reporting time zone."),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="What is counted."),
        sa.Column("key", sa.String(length=500), nullable=False, comment="'' for all."),
        sa.Column(
            "prev_day",
            sa.Date(),
            nullable=False,
            comment="The member's previous active day; 0001-01-01 for none.",
        ),
        sa.Column(
            "slot", sa.SmallInteger(), nullable=False, comment="Writer slot, summed when read."
        ),
        sa.Column(
            "members",
            sa.BigInteger(),
            nullable=False,
            comment="Sessions, or people where the kind says so.",
        ),
        sa.Column(
            "identified",
            sa.BigInteger(),
            nullable=False,
            comment="Those of them that are linked to an e-mail or user.",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "day", "kind", "key", "prev_day", "slot", name=op.f("pk_daily_uniques")
        ),
        comment="Distinct members by key, day and previous active day.",
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_daily_uniques_range",
        "daily_uniques",
        ["tenant_id", "kind", "day", "prev_day"],
        unique=False,
    )
    op.create_table(
        "demand_keys",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("query", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key", "query", name=op.f("pk_demand_keys")),
        comment="Locality-sensitive hashes of a query's trigrams.",
    )
    op.create_table(
        "demand_queries",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("query", sa.String(length=500), nullable=False),
        sa.Column("demand_id", Uuid(), nullable=False),
        sa.Column(
            "words",
            sa.String(length=500),
            nullable=False,
            comment="The query's telling words, sorted: what likeness is judged by.",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "query", name=op.f("pk_demand_queries")),
        comment="Every query that ever found nothing, and its demand.",
    )
    op.create_index(
        "ix_demand_queries_demand", "demand_queries", ["tenant_id", "demand_id"], unique=False
    )
    op.create_table(
        "demands",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column(
            "name", sa.String(length=500), nullable=False, comment="Its most frequent query."
        ),
        sa.Column(
            "status",
            sa.String(length=12),
            nullable=False,
            comment="open, recruiting, filled, reopened.",
        ),
        sa.Column("status_at", UtcDateTime(), nullable=False, comment="Since when it has it."),
        sa.Column(
            "filled_at",
            UtcDateTime(),
            nullable=True,
            comment="When it was last marked filled; the border of before and after.",
        ),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column(
            "is_curated",
            sa.Boolean(),
            nullable=False,
            comment="An operator touched it: it is never merged by itself.",
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("queries", sa.Integer(), nullable=False, comment="Ways it was put."),
        sa.Column("searches", sa.BigInteger(), nullable=False),
        sa.Column("zero_results", sa.BigInteger(), nullable=False),
        sa.Column(
            "people",
            sa.Integer(),
            nullable=False,
            comment="E-mail addresses, and sessions without one.",
        ),
        sa.Column("emails", sa.Integer(), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=True, comment="First in vain."),
        sa.Column("last_at", UtcDateTime(), nullable=True, comment="Last in vain."),
        sa.Column(
            "standing", sa.Float(), nullable=False, comment="Orders by score, whatever the day."
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_demands")),
        comment="Zero-result queries grouped into demands, with their status and notes.",
    )
    op.create_index("ix_demands_standing", "demands", ["tenant_id", "standing"], unique=False)
    op.create_table(
        "destinations",
        sa.Column("id", Uuid(), nullable=False, comment="UUIDv7."),
        sa.Column(
            "tenant_id",
            sa.String(length=63),
            nullable=True,
            comment="Whose webhook it is; null for channels of all tenants' alerts.",
        ),
        sa.Column(
            "purpose", sa.String(length=8), nullable=False, comment="alerts, or events of a tenant."
        ),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="webhook, slack or smtp."),
        sa.Column("name", sa.String(length=200), nullable=False, comment="What operators call it."),
        sa.Column(
            "address",
            sa.Text(),
            nullable=False,
            comment="An e-mail address, a URL, or, for Slack, a sealed URL.",
        ),
        sa.Column(
            "sealed_secret",
            sa.Text(),
            nullable=True,
            comment="The signing secret (whsec_...), encrypted.",
        ),
        sa.Column(
            "event_types",
            sa.JSON(),
            nullable=False,
            comment="Types a tenant subscribed to; * at the end for any.",
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column(
            "failing_since",
            UtcDateTime(),
            nullable=True,
            comment="First failure since the last delivery that arrived.",
        ),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("disabled_reason", sa.String(length=300), nullable=True, comment="A sentence."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destinations")),
        comment="Where alerts and webhooks go.",
        info={"private": True},
    )
    op.create_index(
        "ix_destinations_tenant", "destinations", ["tenant_id", "purpose"], unique=False
    )
    op.create_table(
        "digests",
        sa.Column("week", sa.Date(), nullable=False, comment="Its Monday."),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("enqueued_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("week", name=op.f("pk_digests")),
        comment="Weekly digests that were sent.",
    )
    op.create_table(
        "events",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column(
            "id",
            Uuid(),
            nullable=False,
            comment="The client's event_id, or a UUIDv7 made on receipt.",
        ),
        sa.Column(
            "event_type", sa.String(length=80), nullable=False, comment="A name in the catalog."
        ),
        sa.Column("session_id", Uuid(), nullable=True, comment="The visitor, anonymous."),
        sa.Column(
            "email",
            sa.String(length=254),
            nullable=True,
            comment="The session's e-mail address, attached when known.",
        ),
        sa.Column("user_id", sa.String(length=128), nullable=True),
        sa.Column(
            "request_id",
            sa.String(length=128),
            nullable=True,
            comment="Joins the events of one server request or trip attempt.",
        ),
        sa.Column(
            "occurred_at",
            UtcDateTime(),
            nullable=False,
            comment="When it happened, corrected for the client's clock.",
        ),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column(
            "day",
            sa.Date(),
            nullable=False,
            comment="Day of occurred_at in the reporting time zone.",
        ),
        sa.Column(
            "source", sa.String(length=8), nullable=False, comment="browser, server or import."
        ),
        sa.Column(
            "is_bot",
            sa.Boolean(),
            nullable=False,
            comment="Sent by a crawler or monitor; in no metric.",
        ),
        sa.Column(
            "sample_weight",
            sa.Integer(),
            nullable=False,
            comment="How many events this one stands for.",
        ),
        sa.Column(
            "query",
            sa.String(length=500),
            nullable=True,
            comment="sage_query: the text normalised for grouping.",
        ),
        sa.Column("function_called", sa.String(length=32), nullable=True),
        sa.Column("result_count", sa.Integer(), nullable=True),
        sa.Column("zero_results", sa.Boolean(), nullable=True),
        sa.Column("expert_id", sa.String(length=200), nullable=True),
        sa.Column("context", sa.String(length=16), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True, comment="1-based rank."),
        sa.Column("filter_name", sa.String(length=100), nullable=True),
        sa.Column(
            "filter_value",
            sa.String(length=500),
            nullable=True,
            comment="Canonical JSON of the value.",
        ),
        sa.Column(
            "subject",
            sa.String(length=500),
            nullable=True,
            comment="What facts are settled over: a conversation, or a source of documents.",
        ),
        sa.Column("payload", sa.JSON(), nullable=False, comment="As sent, redacted."),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_events")),
        comment="The log of all events, the source of every other number.",
    )
    op.create_index(
        "ix_events_email",
        "events",
        ["email"],
        unique=False,
        sqlite_where=sa.text("email IS NOT NULL"),
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.create_index(
        "ix_events_expert",
        "events",
        ["tenant_id", "expert_id"],
        unique=False,
        sqlite_where=sa.text("expert_id IS NOT NULL"),
        postgresql_where=sa.text("expert_id IS NOT NULL"),
    )
    op.create_index(
        "ix_events_filter",
        "events",
        ["tenant_id", "filter_name", "filter_value"],
        unique=False,
        sqlite_where=sa.text("filter_value IS NOT NULL"),
        postgresql_where=sa.text("filter_value IS NOT NULL"),
    )
    op.create_index(
        "ix_events_query",
        "events",
        ["tenant_id", "query"],
        unique=False,
        sqlite_where=sa.text("query IS NOT NULL"),
        postgresql_where=sa.text("query IS NOT NULL"),
    )
    op.create_index(
        "ix_events_received",
        "events",
        ["tenant_id", "received_at", "id", "event_type", "occurred_at"],
        unique=False,
    )
    op.create_index(
        "ix_events_request",
        "events",
        ["request_id"],
        unique=False,
        sqlite_where=sa.text("request_id IS NOT NULL"),
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    op.create_index("ix_events_session", "events", ["session_id", "tenant_id"], unique=False)
    op.create_index(
        "ix_events_subject",
        "events",
        ["tenant_id", "subject"],
        unique=False,
        sqlite_where=sa.text("subject IS NOT NULL"),
        postgresql_where=sa.text("subject IS NOT NULL"),
    )
    op.create_index("ix_events_time", "events", ["tenant_id", "occurred_at"], unique=False)
    op.create_index(
        "ix_events_type_time", "events", ["tenant_id", "event_type", "occurred_at"], unique=False
    )
    op.create_index(
        "ix_events_user",
        "events",
        ["user_id"],
        unique=False,
        sqlite_where=sa.text("user_id IS NOT NULL"),
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_table(
        "identities",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("session_id", Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("user_id", sa.String(length=128), nullable=True),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "session_id", name=op.f("pk_identities")),
        comment="Session to e-mail address and user.",
    )
    op.create_index("ix_identities_email", "identities", ["email"], unique=False)
    op.create_index("ix_identities_user", "identities", ["user_id"], unique=False)
    op.create_table(
        "ingest_warnings",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="Day of receipt."),
        sa.Column(
            "event_type",
            sa.String(length=80),
            nullable=False,
            comment="A catalog name; `unknown` for any other.",
        ),
        sa.Column("code", sa.String(length=32), nullable=False, comment="The error code."),
        sa.Column(
            "path",
            sa.String(length=100),
            nullable=False,
            comment="The first field at fault, indexes removed.",
        ),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False, comment="The rule that was broken."),
        sa.Column(
            "sample", sa.Text(), nullable=False, comment="Start of one such event, redacted."
        ),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "day", "event_type", "code", "path", name=op.f("pk_ingest_warnings")
        ),
        comment="Refusals, counted; at most one sample each is kept.",
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column(
            "holder", sa.String(length=64), nullable=False, comment="Random name of a process."
        ),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
        comment="Which process runs the clock's jobs.",
    )
    op.create_table(
        "login_attempts",
        sa.Column(
            "subject",
            sa.String(length=64),
            nullable=False,
            comment="Keyed hash of an address or a client, salted daily.",
        ),
        sa.Column("window", UtcDateTime(), nullable=False, comment="Start of the window."),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "window", name=op.f("pk_login_attempts")),
        comment="Throttles guessing; rows go after a few windows.",
    )
    op.create_table(
        "member_days",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column(
            "member",
            sa.String(length=254),
            nullable=False,
            comment="A session id, or an e-mail address.",
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False, comment="Events that support this row."),
        sa.PrimaryKeyConstraint(
            "tenant_id", "member", "kind", "key", "day", name=op.f("pk_member_days")
        ),
        comment="Support of daily_uniques: (kind, key) by member and day.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "operators",
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False, comment="Normalised."),
        sa.Column(
            "role", sa.String(length=16), nullable=False, comment="admin, analyst or tenant."
        ),
        sa.Column("password_hash", sa.String(length=200), nullable=False, comment="argon2id."),
        sa.Column(
            "must_change_password",
            sa.Boolean(),
            nullable=False,
            comment="Set with a one-time password.",
        ),
        sa.Column(
            "session_version",
            sa.Integer(),
            nullable=False,
            comment="Raised to end every session of the operator.",
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_login_at", UtcDateTime(), nullable=True),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
        sa.UniqueConstraint("email", name=op.f("uq_operators_email")),
        comment="People who log in.",
    )
    op.create_table(
        "session_days",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("session_id", Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("searches", sa.Integer(), nullable=False),
        sa.Column("filters", sa.Integer(), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column(
            "at_most",
            sa.Integer(),
            nullable=False,
            comment="The session's events on all its days, up to the next power of two, 4 at least: as no range of days holds more, lists of the busiest can stop early; it seldom changes.",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "session_id", "day", name=op.f("pk_session_days")),
        comment="One row per session and active day.",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_session_days_day", "session_days", ["day", "tenant_id"], unique=False)
    op.create_table(
        "settled",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False, comment="Deltas as [table, key, counters]."),
        sa.Column("settled_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "key", "day", name=op.f("pk_settled")),
        comment="What to take back when it is settled again. Expires with the raw events.",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_settled_day", "settled", ["tenant_id", "day"], unique=False)
    op.create_table(
        "tenant_secrets",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False, comment="stripe."),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_tenant_secrets")),
        comment="Secrets that must be readable again, sealed with SECRET_KEY.",
        info={"private": True},
    )
    op.create_table(
        "tenants",
        sa.Column("id", sa.String(length=63), nullable=False, comment="Slug used in URLs."),
        sa.Column("name", sa.String(length=200), nullable=False, comment="Shown to operators."),
        sa.Column(
            "kind", sa.String(length=16), nullable=False, comment="production, sample or benchmark."
        ),
        sa.Column(
            "settings",
            sa.JSON(),
            nullable=False,
            comment="Per-tenant choices: sampling, redaction, custom events.",
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        comment="Owners of events; only production tenants count across tenants.",
    )
    op.create_table(
        "trip_creation_attempts",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", Uuid(), nullable=False, comment="Derived from tenant and request id."),
        sa.Column("request_id", sa.String(length=128), nullable=False),
        sa.Column(
            "created_at",
            UtcDateTime(),
            nullable=False,
            comment="When attempted; the outcome's time until the attempt arrives.",
        ),
        sa.Column(
            "day", sa.Date(), nullable=False, comment="Day of created_at, reporting time zone."
        ),
        sa.Column(
            "attempted_at",
            UtcDateTime(),
            nullable=True,
            comment="Null until the attempt itself arrives.",
        ),
        sa.Column(
            "outcome_at",
            UtcDateTime(),
            nullable=True,
            comment="When the outcome that stands occurred.",
        ),
        sa.Column("user_id", sa.String(length=128), nullable=True),
        sa.Column("anon_session_id", Uuid(), nullable=True),
        sa.Column(
            "status", sa.String(length=8), nullable=False, comment="pending, success or failed."
        ),
        sa.Column("error_code", sa.String(length=100), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column(
            "bucket",
            sa.SmallInteger(),
            nullable=False,
            comment="Where duration_ms counts in daily_trips; -1 for no duration.",
        ),
        sa.Column("trip_id", sa.String(length=200), nullable=True),
        sa.Column("prompt_contract_version", sa.String(length=100), nullable=False),
        sa.Column("input_snapshot", sa.JSON(), nullable=True),
        sa.Column("effective_defaults", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_trip_creation_attempts")),
        sa.UniqueConstraint(
            "tenant_id", "request_id", name=op.f("uq_trip_creation_attempts_tenant_id_request_id")
        ),
        comment="One row per trip creation attempt.",
    )
    op.create_index(
        "ix_trip_attempts_day",
        "trip_creation_attempts",
        ["tenant_id", "day", "status"],
        unique=False,
    )
    op.create_index(
        "ix_trip_attempts_duration",
        "trip_creation_attempts",
        ["tenant_id", "day", "bucket", "duration_ms"],
        unique=False,
    )
    op.create_table(
        "unsettled",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column(
            "kind", sa.String(length=16), nullable=False, comment="search, conversation or ingest."
        ),
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "key", name=op.f("pk_unsettled")),
        comment="Queue of sessions, conversations and ingest pairs to settle.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "alert_firings",
        sa.Column("id", Uuid(), nullable=False, comment="UUIDv7."),
        sa.Column("rule_id", Uuid(), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=True),
        sa.Column("began_at", UtcDateTime(), nullable=False, comment="Of what is wrong."),
        sa.Column("fired_at", UtcDateTime(), nullable=False, comment="When it was noticed."),
        sa.Column(
            "wrong_until",
            UtcDateTime(),
            nullable=False,
            comment="When the rule was last seen to hold.",
        ),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column(
            "resolved_by", sa.String(length=254), nullable=True, comment="An operator, or clock."
        ),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=254), nullable=True),
        sa.Column("words", sa.Text(), nullable=False, comment="What is wrong, in a sentence."),
        sa.Column("figures", sa.JSON(), nullable=False, comment="The numbers behind it."),
        sa.Column("told", sa.Boolean(), nullable=False, comment="Whether channels were told."),
        sa.ForeignKeyConstraint(
            ["rule_id"],
            ["alert_rules.id"],
            name=op.f("fk_alert_firings_rule_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_firings")),
        comment="Episodes of alerts.",
        info={"private": True},
    )
    op.create_index(
        "uq_alert_firings_open",
        "alert_firings",
        ["rule_id"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False, comment="What the key is for."),
        sa.Column(
            "prefix",
            sa.String(length=12),
            nullable=False,
            comment="First characters, to recognise it by.",
        ),
        sa.Column(
            "secret_hash",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 of the secret, which has 256 random bits.",
        ),
        sa.Column(
            "scopes",
            sa.String(length=32),
            nullable=False,
            comment="write, read, or both with a space.",
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column(
            "last_used_at",
            UtcDateTime(),
            nullable=True,
            comment="To the minute or so; not written by each request.",
        ),
        sa.Column(
            "expires_at",
            UtcDateTime(),
            nullable=True,
            comment="End of the overlap after a rotation.",
        ),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_api_keys_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
        comment="Server and read keys, hashed.",
    )
    op.create_index(op.f("ix_api_keys_tenant_id"), "api_keys", ["tenant_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("id", Uuid(), nullable=False, comment="UUIDv7."),
        sa.Column("destination_id", Uuid(), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=True),
        sa.Column(
            "message_id",
            sa.String(length=64),
            nullable=False,
            comment="The receiver's idempotency key, such as the id of the event.",
        ),
        sa.Column("event_type", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON, as sent and signed."),
        sa.Column(
            "state",
            sa.String(length=10),
            nullable=False,
            comment="waiting, delivered, or failed for good.",
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "due_at",
            UtcDateTime(),
            nullable=True,
            comment="When to try; null when done. Who sends it moves it on first: a claim.",
        ),
        sa.Column(
            "claimed_by", sa.String(length=64), nullable=True, comment="The process sending it."
        ),
        sa.Column(
            "last_answer",
            sa.String(length=300),
            nullable=True,
            comment="The last attempt's outcome, in words.",
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destinations.id"],
            name=op.f("fk_deliveries_destination_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "destination_id", "message_id", name=op.f("uq_deliveries_destination_id_message_id")
        ),
        comment="The outbox. Delivered ones are kept a while, to be looked at and replayed.",
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_deliveries_message", "deliveries", ["message_id"], unique=False)
    op.create_table(
        "operator_tenants",
        sa.Column("operator_id", Uuid(), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id"],
            ["operators.id"],
            name=op.f("fk_operator_tenants_operator_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_operator_tenants_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("operator_id", "tenant_id", name=op.f("pk_operator_tenants")),
        comment="Which tenants a tenant operator reads.",
    )
    op.create_table(
        "saved_views",
        sa.Column("id", Uuid(), nullable=False, comment="UUIDv7."),
        sa.Column("owner_id", Uuid(), nullable=False),
        sa.Column(
            "tenant_id",
            sa.String(length=63),
            nullable=True,
            comment="The tenant it shows; null for all that its reader may see.",
        ),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("path", sa.Text(), nullable=False, comment="Of a page of the dashboard."),
        sa.Column(
            "query", sa.Text(), nullable=False, comment="The query string as it was, without the ?."
        ),
        sa.Column(
            "shared", sa.Boolean(), nullable=False, comment="Whether other operators see it."
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["operators.id"], name=op.f("fk_saved_views_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("owner_id", "name", name=op.f("uq_saved_views_owner_id_name")),
        comment="Pages that operators come back to.",
        info={"private": True},
    )
    op.create_index(op.f("ix_saved_views_tenant_id"), "saved_views", ["tenant_id"], unique=False)
    op.create_index("ix_audit_log_at", "audit_log", [sa.literal_column("at DESC")], unique=False)
    op.create_index(
        "ix_session_days_busy",
        "session_days",
        ["tenant_id", sa.literal_column("at_most DESC")],
        unique=False,
        sqlite_where=sa.text("at_most > 4"),
        postgresql_where=sa.text("at_most > 4"),
    )
    op.create_index(
        "ix_trip_attempts_created",
        "trip_creation_attempts",
        [sa.literal_column("created_at DESC")],
        unique=False,
    )
    op.create_index(
        "ix_trip_attempts_newest",
        "trip_creation_attempts",
        ["tenant_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_trip_attempts_session",
        "trip_creation_attempts",
        ["anon_session_id", sa.literal_column("created_at DESC")],
        unique=False,
    )
    op.create_index(
        "ix_trip_attempts_status",
        "trip_creation_attempts",
        ["status", sa.literal_column("created_at DESC")],
        unique=False,
    )
    op.create_index(
        "ix_trip_attempts_user",
        "trip_creation_attempts",
        ["user_id", sa.literal_column("created_at DESC")],
        unique=False,
    )
    op.create_index(
        "ix_alert_firings_newest",
        "alert_firings",
        [sa.literal_column("fired_at DESC")],
        unique=False,
    )
    op.create_index(
        "ix_deliveries_newest",
        "deliveries",
        ["destination_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_saved_views_tenant_id"), table_name="saved_views")
    op.drop_table("saved_views")
    op.drop_table("operator_tenants")
    op.drop_index("ix_deliveries_message", table_name="deliveries")
    op.drop_index(
        "ix_deliveries_due",
        table_name="deliveries",
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.drop_table("deliveries")
    op.drop_index(op.f("ix_api_keys_tenant_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_index(
        "uq_alert_firings_open",
        table_name="alert_firings",
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.drop_table("alert_firings")
    op.drop_table("unsettled")
    op.drop_index("ix_trip_attempts_duration", table_name="trip_creation_attempts")
    op.drop_index("ix_trip_attempts_day", table_name="trip_creation_attempts")
    op.drop_table("trip_creation_attempts")
    op.drop_table("tenants")
    op.drop_table("tenant_secrets")
    op.drop_index("ix_settled_day", table_name="settled")
    op.drop_table("settled")
    op.drop_index("ix_session_days_day", table_name="session_days")
    op.drop_table("session_days")
    op.drop_table("operators")
    op.drop_table("member_days")
    op.drop_table("login_attempts")
    op.drop_table("leases")
    op.drop_table("ingest_warnings")
    op.drop_index("ix_identities_user", table_name="identities")
    op.drop_index("ix_identities_email", table_name="identities")
    op.drop_table("identities")
    op.drop_index(
        "ix_events_user",
        table_name="events",
        sqlite_where=sa.text("user_id IS NOT NULL"),
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.drop_index("ix_events_type_time", table_name="events")
    op.drop_index("ix_events_time", table_name="events")
    op.drop_index(
        "ix_events_subject",
        table_name="events",
        sqlite_where=sa.text("subject IS NOT NULL"),
        postgresql_where=sa.text("subject IS NOT NULL"),
    )
    op.drop_index("ix_events_session", table_name="events")
    op.drop_index(
        "ix_events_request",
        table_name="events",
        sqlite_where=sa.text("request_id IS NOT NULL"),
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    op.drop_index("ix_events_received", table_name="events")
    op.drop_index(
        "ix_events_query",
        table_name="events",
        sqlite_where=sa.text("query IS NOT NULL"),
        postgresql_where=sa.text("query IS NOT NULL"),
    )
    op.drop_index(
        "ix_events_filter",
        table_name="events",
        sqlite_where=sa.text("filter_value IS NOT NULL"),
        postgresql_where=sa.text("filter_value IS NOT NULL"),
    )
    op.drop_index(
        "ix_events_expert",
        table_name="events",
        sqlite_where=sa.text("expert_id IS NOT NULL"),
        postgresql_where=sa.text("expert_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_events_email",
        table_name="events",
        sqlite_where=sa.text("email IS NOT NULL"),
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.drop_table("events")
    op.drop_table("digests")
    op.drop_index("ix_destinations_tenant", table_name="destinations")
    op.drop_table("destinations")
    op.drop_index("ix_demands_standing", table_name="demands")
    op.drop_table("demands")
    op.drop_index("ix_demand_queries_demand", table_name="demand_queries")
    op.drop_table("demand_queries")
    op.drop_table("demand_keys")
    op.drop_index("ix_daily_uniques_range", table_name="daily_uniques")
    op.drop_table("daily_uniques")
    op.drop_table("daily_trips")
    op.drop_table("daily_trip_inputs")
    op.drop_table("daily_searches")
    op.drop_table("daily_search_clicks")
    op.drop_table("daily_salts")
    op.drop_table("daily_results")
    op.drop_index("ix_daily_queries_query", table_name="daily_queries")
    op.drop_table("daily_queries")
    op.drop_table("daily_ingest")
    op.drop_table("daily_filters")
    op.drop_index("ix_daily_experts_expert", table_name="daily_experts")
    op.drop_table("daily_experts")
    op.drop_table("daily_events")
    op.drop_table("daily_dead_ends")
    op.drop_table("daily_combinations")
    op.drop_index("ix_daily_business_measure", table_name="daily_business")
    op.drop_table("daily_business")
    op.drop_index(op.f("ix_audit_log_tenant_id"), table_name="audit_log")
    op.drop_table("audit_log")
    op.drop_index("ix_annotations_day", table_name="annotations")
    op.drop_table("annotations")
    op.drop_index(op.f("ix_alert_rules_tenant_id"), table_name="alert_rules")
    op.drop_table("alert_rules")
