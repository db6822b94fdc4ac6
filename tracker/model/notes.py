"""What operators write down: notes on days, views they come back to, digests that went out."""

from datetime import date, datetime

from sqlalchemy import Boolean, Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker.model.base import Base, UtcDateTime, Uuid


class Annotation(Base):
    """What happened on a day, such as "added 3 experts"; a flag on every daily chart."""

    __tablename__ = "annotations"
    __table_args__ = (
        Index("ix_annotations_day", "tenant_id", "day"),
        {"comment": "Operators' notes on days."},
    )

    id: Mapped[str] = mapped_column(Uuid, primary_key=True, comment="UUIDv7.")
    tenant_id: Mapped[str] = mapped_column(String(63))
    day: Mapped[date] = mapped_column(Date, comment="In the reporting time zone.")
    text: Mapped[str] = mapped_column(String(200))
    author: Mapped[str] = mapped_column(String(254), comment="The operator's e-mail address.")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SavedView(Base):
    """A page with its query string, under a name. A relative period stays relative."""

    __tablename__ = "saved_views"
    __table_args__ = (
        UniqueConstraint("owner_id", "name"),
        {"comment": "Pages that operators come back to.", "info": {"private": True}},
    )

    id: Mapped[str] = mapped_column(Uuid, primary_key=True, comment="UUIDv7.")
    owner_id: Mapped[str] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))
    tenant_id: Mapped[str | None] = mapped_column(
        String(63), index=True, comment="The tenant it shows; null for all that its reader may see."
    )
    name: Mapped[str] = mapped_column(String(60))
    path: Mapped[str] = mapped_column(Text, comment="Of a page of the dashboard.")
    query: Mapped[str] = mapped_column(Text, comment="The query string as it was, without the ?.")
    shared: Mapped[bool] = mapped_column(Boolean, comment="Whether other operators see it.")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Digest(Base):
    """A week whose digest went into the outbox, so that none goes twice."""

    __tablename__ = "digests"
    __table_args__ = {"comment": "Weekly digests that were sent."}

    week: Mapped[date] = mapped_column(Date, primary_key=True, comment="Its Monday.")
    recipients: Mapped[int] = mapped_column(Integer)
    enqueued_at: Mapped[datetime] = mapped_column(UtcDateTime)
