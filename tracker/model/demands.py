"""The demand ledger: what people ask for in vain, and what is being done about it."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Float, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.model.base import Base, UtcDateTime, Uuid


class Demand(Base):
    """One thing that people want, however they put it, and its state of work.

    The counts are of the searches whose raw events were held when they were last counted.
    """

    __tablename__ = "demands"
    __table_args__ = (
        Index("ix_demands_standing", "tenant_id", "standing"),
        {"comment": "Zero-result queries grouped into demands, with their status and notes."},
    )

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(500), comment="Its most frequent query.")
    status: Mapped[str] = mapped_column(String(12), comment="open, recruiting, filled, reopened.")
    status_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="Since when it has it.")
    filled_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="When it was last marked filled; the border of before and after."
    )
    notes: Mapped[str] = mapped_column(Text, default="")
    is_curated: Mapped[bool] = mapped_column(
        Boolean, default=False, comment="An operator touched it: it is never merged by itself."
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    queries: Mapped[int] = mapped_column(Integer, default=0, comment="Ways it was put.")
    searches: Mapped[int] = mapped_column(BigInteger, default=0)
    zero_results: Mapped[int] = mapped_column(BigInteger, default=0)
    people: Mapped[int] = mapped_column(
        Integer, default=0, comment="E-mail addresses, and sessions without one."
    )
    emails: Mapped[int] = mapped_column(Integer, default=0)
    first_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="First in vain.")
    last_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="Last in vain.")
    standing: Mapped[float] = mapped_column(
        Float,
        default=0.0,
        comment="Orders by score, whatever the day.",
    )


class DemandQuery(Base):
    """Which demand a query belongs to. Remembered, also against later likeness."""

    __tablename__ = "demand_queries"
    __table_args__ = (
        Index("ix_demand_queries_demand", "tenant_id", "demand_id"),
        {"comment": "Every query that ever found nothing, and its demand."},
    )

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    query: Mapped[str] = mapped_column(String(500), primary_key=True)
    demand_id: Mapped[str] = mapped_column(Uuid)
    words: Mapped[str] = mapped_column(
        String(500), comment="The query's telling words, sorted: what likeness is judged by."
    )


class DemandKey(Base):
    """Where like queries meet, so that not every query is compared with every other."""

    __tablename__ = "demand_keys"
    __table_args__ = {"comment": "Locality-sensitive hashes of a query's trigrams."}

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    key: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    query: Mapped[str] = mapped_column(String(500), primary_key=True)
