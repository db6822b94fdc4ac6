"""What the machinery needs to run: leases of the clock, and the daily salts."""

from datetime import date, datetime

from sqlalchemy import Date, String
from sqlalchemy.orm import Mapped, mapped_column

from tracker.model.base import Base, UtcDateTime


class Lease(Base):
    """A job that one process at a time does; whoever holds the lease renews it."""

    __tablename__ = "leases"
    __table_args__ = {"comment": "Which process runs the clock's jobs."}

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64), comment="Random name of a process.")
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DailySalt(Base):
    """The day's random key of client fingerprints; deleted after 48 hours."""

    __tablename__ = "daily_salts"
    __table_args__ = {"comment": "Without its salt a fingerprint can't be recomputed."}

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    salt: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
