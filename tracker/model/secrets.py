"""Secrets that others gave a tenant, kept so that only this deployment can read them."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.model.base import Base, UtcDateTime


class TenantSecret(Base):
    """A secret of a tenant, such as that of its Stripe webhook."""

    __tablename__ = "tenant_secrets"
    __table_args__ = {
        "comment": "Secrets that must be readable again, sealed with SECRET_KEY.",
        "info": {"private": True},
    }

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True, comment="stripe.")
    sealed: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)
