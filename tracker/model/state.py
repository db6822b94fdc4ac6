"""What additive rollups need to remember of sessions: active days and settled facts."""

from datetime import date, datetime

from sqlalchemy import JSON, Date, Index, Integer, String, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.model.base import Base, UtcDateTime, Uuid

QUIET = 4
"""Sessions with no more events than this are in no index by how many they have."""

BUSY = f"at_most > {QUIET}"


class SessionDay(Base):
    """What one session did on one day. Expires with the raw events."""

    __tablename__ = "session_days"
    __table_args__ = (
        # The day first: led by the tenant it would seem as good for looking up a session.
        Index("ix_session_days_day", "day", "tenant_id"),
        Index(
            "ix_session_days_busy",
            "tenant_id",
            desc("at_most"),
            sqlite_where=text(BUSY),
            postgresql_where=text(BUSY),
        ),
        {"comment": "One row per session and active day."},
    )

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    session_id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    events: Mapped[int] = mapped_column(Integer)
    searches: Mapped[int] = mapped_column(Integer)
    filters: Mapped[int] = mapped_column(Integer)
    clicks: Mapped[int] = mapped_column(Integer)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    at_most: Mapped[int] = mapped_column(
        Integer,
        comment="The session's events on all its days, up to the next power of two, 4 at least: as"
        " no range of days holds more, lists of the busiest can stop early; it seldom changes."
        " From 32 on in steps of an eighth.",
    )


class MemberDay(Base):
    """That a session (or person) was active under a key on a day, and how often."""

    __tablename__ = "member_days"
    __table_args__ = {"comment": "Support of daily_uniques: (kind, key) by member and day."}

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    member: Mapped[str] = mapped_column(
        String(254), primary_key=True, comment="A session id, or an e-mail address."
    )
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    key: Mapped[str] = mapped_column(String(500), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    events: Mapped[int] = mapped_column(Integer, comment="Events that support this row.")


class Unsettled(Base):
    """Something whose order-dependent facts must be computed again."""

    __tablename__ = "unsettled"
    __table_args__ = {"comment": "Queue of sessions, conversations and ingest pairs to settle."}

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    kind: Mapped[str] = mapped_column(
        String(16), primary_key=True, comment="search, conversation or ingest."
    )
    key: Mapped[str] = mapped_column(String(500), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class Settled(Base):
    """The rollup deltas that a settled session (conversation, source) stands for now."""

    __tablename__ = "settled"
    __table_args__ = (
        Index("ix_settled_day", "tenant_id", "day"),
        {"comment": "What to take back when it is settled again. Expires with the raw events."},
    )

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    key: Mapped[str] = mapped_column(String(500), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    facts: Mapped[list[object]] = mapped_column(JSON, comment="Deltas as [table, key, counters].")
    settled_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Remembered(Base):
    """What is known of expired events, so that later ones are settled as if they were there."""

    __tablename__ = "remembered"
    __table_args__ = {
        "comment": "Of expired events what later ones are settled by. Goes with the last of those.",
        "info": {"private": True},
    }

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    kind: Mapped[str] = mapped_column(
        String(16), primary_key=True, comment="As in settled; empty for all of the tenant."
    )
    key: Mapped[str] = mapped_column(String(500), primary_key=True)
    until: Mapped[date] = mapped_column(Date, comment="The last day that has expired.")
    events: Mapped[list[object]] = mapped_column(JSON, comment="In their order, without payload.")
