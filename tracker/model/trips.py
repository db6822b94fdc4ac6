"""Trip creation attempts, folded from the events that share a request id."""

from datetime import date, datetime

from sqlalchemy import JSON, Date, Float, Index, SmallInteger, String, UniqueConstraint, desc
from sqlalchemy.orm import Mapped, mapped_column

from tracker.model.base import Base, UtcDateTime, Uuid


class TripAttempt(Base):
    """One attempt to create a trip, from `attempted` to its outcome."""

    __tablename__ = "trip_creation_attempts"
    __table_args__ = (
        UniqueConstraint("tenant_id", "request_id"),
        Index("ix_trip_attempts_created", desc("created_at")),
        Index("ix_trip_attempts_user", "user_id", desc("created_at")),
        Index("ix_trip_attempts_session", "anon_session_id", desc("created_at")),
        Index("ix_trip_attempts_status", "status", desc("created_at")),
        Index("ix_trip_attempts_day", "tenant_id", "day", "status"),
        Index("ix_trip_attempts_newest", "tenant_id", desc("created_at"), desc("id")),
        Index("ix_trip_attempts_duration", "tenant_id", "day", "bucket", "duration_ms"),
        Index(
            "ix_trip_attempts_version",
            "tenant_id",
            "prompt_contract_version",
            "bucket",
            "duration_ms",
            "day",
        ),
        {"comment": "One row per trip creation attempt."},
    )

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    id: Mapped[str] = mapped_column(
        Uuid, primary_key=True, comment="Derived from tenant and request id."
    )
    request_id: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[datetime] = mapped_column(
        UtcDateTime, comment="When attempted; the outcome's time until the attempt arrives."
    )
    day: Mapped[date] = mapped_column(Date, comment="Day of created_at, reporting time zone.")
    attempted_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="Null until the attempt itself arrives."
    )
    outcome_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="When the outcome that stands occurred."
    )
    user_id: Mapped[str | None] = mapped_column(String(128))
    anon_session_id: Mapped[str | None] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(String(8), comment="pending, success or failed.")
    error_code: Mapped[str | None] = mapped_column(String(100))
    duration_ms: Mapped[float | None] = mapped_column(Float)
    bucket: Mapped[int] = mapped_column(
        SmallInteger, comment="Where duration_ms counts in daily_trips; -1 for no duration."
    )
    trip_id: Mapped[str | None] = mapped_column(String(200))
    prompt_contract_version: Mapped[str] = mapped_column(String(100), default="classic_v1")
    input_snapshot: Mapped[dict[str, object] | None] = mapped_column(JSON)
    effective_defaults: Mapped[dict[str, object] | None] = mapped_column(JSON)
