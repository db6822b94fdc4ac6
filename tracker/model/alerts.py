"""What operators want to be told, and what they were told."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, String, Text, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.model.base import Base, UtcDateTime, Uuid


class AlertRule(Base):
    """When to tell whom."""

    __tablename__ = "alert_rules"
    __table_args__ = {"comment": "What the clock watches.", "info": {"private": True}}

    id: Mapped[str] = mapped_column(Uuid, primary_key=True, comment="UUIDv7.")
    tenant_id: Mapped[str | None] = mapped_column(
        String(63), index=True, comment="Whose events; null for all tenants that count."
    )
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(
        String(16), comment="spike, silence, zero_results, refusals or panel."
    )
    options: Mapped[dict[str, object]] = mapped_column(
        JSON, default=dict, comment="What the kind needs, such as a threshold."
    )
    channels: Mapped[list[str]] = mapped_column(
        JSON, default=list, comment="Ids of destinations; none means all channels."
    )
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    checked_until: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="Up to when the rule was looked at."
    )
    snoozed_until: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="Until then episodes are recorded and nobody is told."
    )


class AlertFiring(Base):
    """One episode: from when a rule began to hold until it was quiet again."""

    __tablename__ = "alert_firings"
    __table_args__ = (
        # One episode at a time, whatever the number of workers.
        Index(
            "uq_alert_firings_open",
            "rule_id",
            unique=True,
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index("ix_alert_firings_newest", desc("fired_at")),
        {"comment": "Episodes of alerts.", "info": {"private": True}},
    )

    id: Mapped[str] = mapped_column(Uuid, primary_key=True, comment="UUIDv7.")
    rule_id: Mapped[str] = mapped_column(ForeignKey("alert_rules.id", ondelete="CASCADE"))
    tenant_id: Mapped[str | None] = mapped_column(String(63))
    began_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="Of what is wrong.")
    fired_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="When it was noticed.")
    wrong_until: Mapped[datetime] = mapped_column(
        UtcDateTime, comment="When the rule was last seen to hold."
    )
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_by: Mapped[str | None] = mapped_column(String(254), comment="An operator, or clock.")
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acknowledged_by: Mapped[str | None] = mapped_column(String(254))
    words: Mapped[str] = mapped_column(Text, comment="What is wrong, in a sentence.")
    figures: Mapped[dict[str, object]] = mapped_column(JSON, comment="The numbers behind it.")
    told: Mapped[bool] = mapped_column(Boolean, comment="Whether channels were told.")
