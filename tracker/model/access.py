"""Who may do what: tenants, API keys, operators and the audit log."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, desc
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.model.base import Base, UtcDateTime, Uuid


class Tenant(Base):
    """A customer, or the one marketplace of a single-tenant deployment."""

    __tablename__ = "tenants"
    __table_args__ = {"comment": "Owners of events; only production tenants count across tenants."}

    id: Mapped[str] = mapped_column(String(63), primary_key=True, comment="Slug used in URLs.")
    name: Mapped[str] = mapped_column(String(200), comment="Shown to operators.")
    kind: Mapped[str] = mapped_column(
        String(16), default="production", comment="production, sample or benchmark."
    )
    settings: Mapped[dict[str, object]] = mapped_column(
        JSON, default=dict, comment="Per-tenant choices: sampling, redaction, custom events."
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ApiKey(Base):
    """A tenant's secret; only its hash is kept, the secret is shown once."""

    __tablename__ = "api_keys"
    __table_args__ = {"comment": "Server and read keys, hashed."}

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100), comment="What the key is for.")
    prefix: Mapped[str] = mapped_column(String(12), comment="First characters, to recognise it by.")
    secret_hash: Mapped[str] = mapped_column(
        String(64), unique=True, comment="SHA-256 of the secret, which has 256 random bits."
    )
    scopes: Mapped[str] = mapped_column(String(32), comment="write, read, or both with a space.")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="To the minute or so; not written by each request."
    )
    expires_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="End of the overlap after a rotation."
    )
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Operator(Base):
    """A person who opens the dashboard."""

    __tablename__ = "operators"
    __table_args__ = {"comment": "People who log in."}

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True, comment="Normalised.")
    role: Mapped[str] = mapped_column(String(16), comment="admin, analyst or tenant.")
    password_hash: Mapped[str] = mapped_column(String(200), comment="argon2id.")
    must_change_password: Mapped[bool] = mapped_column(
        Boolean, default=False, comment="Set with a one-time password."
    )
    session_version: Mapped[int] = mapped_column(
        Integer, default=1, comment="Raised to end every session of the operator."
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tenants: Mapped[list["OperatorTenant"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin"
    )


class OperatorTenant(Base):
    """A tenant that an operator of the role ``tenant`` may read."""

    __tablename__ = "operator_tenants"
    __table_args__ = {"comment": "Which tenants a tenant operator reads."}

    operator_id: Mapped[str] = mapped_column(
        ForeignKey("operators.id", ondelete="CASCADE"), primary_key=True
    )
    tenant_id: Mapped[str] = mapped_column(
        ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True
    )


class AuditEntry(Base):
    """Who did what and when: settings, exports, erasures, logins."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_at", desc("at")),
        {"comment": "Append-only. Never holds an identifier of an erased person."},
    )

    id: Mapped[str] = mapped_column(Uuid, primary_key=True, comment="UUIDv7.")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(
        String(254), comment="The operator's e-mail address, or `command line`, or `clock`."
    )
    action: Mapped[str] = mapped_column(String(64), comment="object.verb, such as key.create.")
    tenant_id: Mapped[str | None] = mapped_column(String(63), index=True)
    detail: Mapped[dict[str, object]] = mapped_column(JSON, default=dict)


class LoginAttempt(Base):
    """Failed logins of one account or one client in one window of time."""

    __tablename__ = "login_attempts"
    __table_args__ = {"comment": "Throttles guessing; rows go after a few windows."}

    subject: Mapped[str] = mapped_column(
        String(64), primary_key=True, comment="Keyed hash of an address or a client, salted daily."
    )
    window: Mapped[datetime] = mapped_column(
        UtcDateTime, primary_key=True, comment="Start of the window."
    )
    attempts: Mapped[int] = mapped_column(Integer)
