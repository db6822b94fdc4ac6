"""The log of events, who their sessions belong to, and what was refused."""

from datetime import date, datetime

from sqlalchemy import JSON, Boolean, Date, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.model.base import Base, UtcDateTime, Uuid


def _where_present(name: str, *columns: str) -> Index:
    """An index of the rows that have a value at all, which most rows of a browser don't."""
    present = text(f"{columns[-1]} IS NOT NULL")
    return Index(name, *columns, sqlite_where=present, postgresql_where=present)


class Event(Base):
    """One thing that happened. Append-only; retention and erasure alone delete."""

    __tablename__ = "events"
    __table_args__ = (
        # Ascending, although the newest are read first: what is added at an index's end costs
        # less, and an index is read from either end.
        Index("ix_events_type_time", "tenant_id", "event_type", "occurred_at"),
        Index("ix_events_time", "tenant_id", "occurred_at"),
        # Both of what sessions are looked up by: no planner takes another index for better.
        Index("ix_events_session", "session_id", "tenant_id"),
        # The feed's order; type and time are filtered on the way, without reading the rows.
        Index(
            "ix_events_received",
            "tenant_id",
            "received_at",
            "id",
            "event_type",
            "occurred_at",
        ),
        _where_present("ix_events_email", "email"),
        _where_present("ix_events_user", "user_id"),
        _where_present("ix_events_request", "request_id"),
        _where_present("ix_events_subject", "tenant_id", "subject"),
        _where_present("ix_events_expert", "tenant_id", "expert_id"),
        _where_present("ix_events_query", "tenant_id", "query"),
        _where_present("ix_events_filter", "tenant_id", "filter_name", "filter_value"),
        {"comment": "The log of all events, the source of every other number."},
    )

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    id: Mapped[str] = mapped_column(
        Uuid, primary_key=True, comment="The client's event_id, or a UUIDv7 made on receipt."
    )
    event_type: Mapped[str] = mapped_column(String(80), comment="A name in the catalog.")
    session_id: Mapped[str | None] = mapped_column(Uuid, comment="The visitor, anonymous.")
    email: Mapped[str | None] = mapped_column(
        String(254), comment="The session's e-mail address, attached when known."
    )
    user_id: Mapped[str | None] = mapped_column(String(128))
    request_id: Mapped[str | None] = mapped_column(
        String(128), comment="Joins the events of one server request or trip attempt."
    )
    occurred_at: Mapped[datetime] = mapped_column(
        UtcDateTime, comment="When it happened, corrected for the client's clock."
    )
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    day: Mapped[date] = mapped_column(
        Date, comment="Day of occurred_at in the reporting time zone."
    )
    source: Mapped[str] = mapped_column(String(8), comment="browser, server or import.")
    is_bot: Mapped[bool] = mapped_column(
        Boolean, default=False, comment="Sent by a crawler or monitor; in no metric."
    )
    sample_weight: Mapped[int] = mapped_column(
        Integer, default=1, comment="How many events this one stands for."
    )
    query: Mapped[str | None] = mapped_column(
        String(500), comment="sage_query: the text normalised for grouping."
    )
    function_called: Mapped[str | None] = mapped_column(String(32))
    result_count: Mapped[int | None] = mapped_column(Integer)
    zero_results: Mapped[bool | None] = mapped_column(Boolean)
    expert_id: Mapped[str | None] = mapped_column(String(200))
    context: Mapped[str | None] = mapped_column(String(16))
    position: Mapped[int | None] = mapped_column(Integer, comment="1-based rank.")
    filter_name: Mapped[str | None] = mapped_column(String(100))
    filter_value: Mapped[str | None] = mapped_column(
        String(500), comment="Canonical JSON of the value."
    )
    subject: Mapped[str | None] = mapped_column(
        String(500),
        comment="What facts are settled over: a conversation, or a source of documents.",
    )
    payload: Mapped[dict[str, object]] = mapped_column(JSON, comment="As sent, redacted.")


class Identity(Base):
    """Who a session turned out to be. The first identity wins."""

    __tablename__ = "identities"
    __table_args__ = (
        Index("ix_identities_email", "email"),
        Index("ix_identities_user", "user_id"),
        {"comment": "Session to e-mail address and user."},
    )

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    session_id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254))
    user_id: Mapped[str | None] = mapped_column(String(128))
    linked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class IngestWarning(Base):
    """Why events were refused: a count per day, type and code, with one redacted sample."""

    __tablename__ = "ingest_warnings"
    __table_args__ = {"comment": "Refusals, counted; at most one sample each is kept."}

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="Day of receipt.")
    event_type: Mapped[str] = mapped_column(
        String(80), primary_key=True, comment="A catalog name; `unknown` for any other."
    )
    code: Mapped[str] = mapped_column(String(32), primary_key=True, comment="The error code.")
    path: Mapped[str] = mapped_column(
        String(100), primary_key=True, comment="The first field at fault, indexes removed."
    )
    count: Mapped[int] = mapped_column(Integer)
    message: Mapped[str] = mapped_column(Text, comment="The rule that was broken.")
    sample: Mapped[str] = mapped_column(Text, comment="Start of one such event, redacted.")
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
