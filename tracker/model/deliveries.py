"""Messages on their way out: where they go, and what became of each.

The outbox of the alerts' channels and of the tenants' webhooks. A message is enqueued in the
transaction that causes it, so that it is sent if and only if that is committed.
"""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.model.base import Base, UtcDateTime, Uuid


class Destination(Base):
    """A place that messages are delivered to: an alert channel, or a tenant's webhook."""

    __tablename__ = "destinations"
    __table_args__ = (
        Index("ix_destinations_tenant", "tenant_id", "purpose"),
        {"comment": "Where alerts and webhooks go.", "info": {"private": True}},
    )

    id: Mapped[str] = mapped_column(Uuid, primary_key=True, comment="UUIDv7.")
    tenant_id: Mapped[str | None] = mapped_column(
        String(63), comment="Whose webhook it is; null for channels of all tenants' alerts."
    )
    purpose: Mapped[str] = mapped_column(String(8), comment="alerts, or events of a tenant.")
    kind: Mapped[str] = mapped_column(String(8), comment="webhook, slack or smtp.")
    name: Mapped[str] = mapped_column(String(200), comment="What operators call it.")
    address: Mapped[str] = mapped_column(
        Text, comment="An e-mail address, a URL, or, for Slack, a sealed URL."
    )
    sealed_secret: Mapped[str | None] = mapped_column(
        Text, comment="The signing secret (whsec_...), encrypted."
    )
    event_types: Mapped[list[str]] = mapped_column(
        JSON, default=list, comment="Types a tenant subscribed to; * at the end for any."
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    failing_since: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="First failure since the last delivery that arrived."
    )
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disabled_reason: Mapped[str | None] = mapped_column(String(300), comment="A sentence.")


class Delivery(Base):
    """One message to one destination, and how far it got."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("destination_id", "message_id"),
        Index(
            "ix_deliveries_due",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index("ix_deliveries_newest", "destination_id", desc("created_at"), desc("id")),
        Index("ix_deliveries_message", "message_id"),
        {"comment": "The outbox. Delivered ones are kept a while, to be looked at and replayed."},
    )

    id: Mapped[str] = mapped_column(Uuid, primary_key=True, comment="UUIDv7.")
    destination_id: Mapped[str] = mapped_column(ForeignKey("destinations.id", ondelete="CASCADE"))
    tenant_id: Mapped[str | None] = mapped_column(String(63))
    message_id: Mapped[str] = mapped_column(
        String(64), comment="The receiver's idempotency key, such as the id of the event."
    )
    event_type: Mapped[str] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(Text, comment="JSON, as sent and signed.")
    state: Mapped[str] = mapped_column(
        String(10), comment="waiting, delivered, or failed for good."
    )
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime,
        comment="When to try; null when done. Who sends it moves it on first: a claim.",
    )
    claimed_by: Mapped[str | None] = mapped_column(String(64), comment="The process sending it.")
    last_answer: Mapped[str | None] = mapped_column(
        String(300), comment="The last attempt's outcome, in words."
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
