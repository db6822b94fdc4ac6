"""Who may do what: tenants, API keys, and the log of what they did.

Every change writes its audit entry in the same transaction, so there is no way to
change access without leaving a trace.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import ColumnElement, Connection, insert, or_, select, update
from sqlalchemy.orm import Session
from uuid_utils import uuid7

from tracker.config import RESERVED_TENANTS
from tracker.model import ApiKey, AuditEntry, DailyEvents, Tenant

SCOPES = ("write", "read")
KINDS = ("production", "sample", "benchmark")

COMMAND_LINE = "command line"
_PREFIX = 12
"""So much of a key is shown, to tell keys apart."""

_LONGEST_NAME = 200
_LONGEST_KEY_NAME = 100

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
IS_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch


class AccessError(ValueError):
    """A change that can't be made; the message is a sentence for whoever asked."""


@dataclass(frozen=True)
class KeyGrant:
    """What an API key allows."""

    tenant_id: str
    key_id: str
    scopes: frozenset[str]


def find_key(connection: Connection | Session, secret: str) -> KeyGrant | None:
    """What this secret allows now; None when it is unknown, revoked or expired.

    Looked up each time (one unique-index hit), so that a revocation holds at once in
    every process.
    """
    statement = select(ApiKey.tenant_id, ApiKey.id, ApiKey.scopes).where(
        ApiKey.secret_hash == _digest(secret),
        *_living(),
    )
    row = connection.execute(statement).first()
    return KeyGrant(row.tenant_id, row.id, frozenset(row.scopes.split())) if row else None


def create_key(
    connection: Connection, tenant_id: str, name: str, scopes: tuple[str, ...], actor: str
) -> tuple[str, str]:
    """A new key of a tenant as (id, secret). The secret can't be read again later."""
    if not scopes or set(scopes) - set(SCOPES):
        raise AccessError("A key needs one scope or both: write, read.")
    if not 1 <= len(name) <= _LONGEST_KEY_NAME:
        raise AccessError(f"Say in up to {_LONGEST_KEY_NAME} characters what the key is for.")
    require_tenant(connection, tenant_id)
    key_id, secret = str(uuid7()), "trk_" + secrets.token_urlsafe(32)
    connection.execute(
        insert(ApiKey).values(
            id=key_id,
            tenant_id=tenant_id,
            name=name,
            prefix=secret[:_PREFIX],
            secret_hash=_digest(secret),
            scopes=" ".join(scope for scope in SCOPES if scope in scopes),
            created_at=datetime.now(UTC),
        )
    )
    detail = {"name": name, "prefix": secret[:_PREFIX], "scopes": list(scopes), "key": key_id}
    audit(connection, actor, "key.create", tenant_id, **detail)
    return key_id, secret


def revoke_key(connection: Connection, key_id: str, actor: str) -> None:
    """End a key now. AccessError when there is no such living key."""
    key = _living_key(connection, key_id)
    connection.execute(
        update(ApiKey).where(ApiKey.id == key.id).values(revoked_at=datetime.now(UTC))
    )
    audit(connection, actor, "key.revoke", key.tenant_id, **_named(key))


def rotate_key(
    connection: Connection, key_id: str, actor: str, overlap_hours: int = 24
) -> tuple[str, str]:
    """A successor of the key as (id, secret); the old key works for `overlap_hours` more.

    AccessError when there is no such living key, or when it has a successor: its end stands.
    """
    key = _living_key(connection, key_id)
    if key.expires_at is not None:
        raise AccessError("The key was rotated before. Rotate its successor.")
    end = datetime.now(UTC) + timedelta(hours=overlap_hours)
    connection.execute(update(ApiKey).where(ApiKey.id == key.id).values(expires_at=end))
    detail = {**_named(key), "overlap_hours": overlap_hours}
    audit(connection, actor, "key.rotate", key.tenant_id, **detail)
    return create_key(connection, key.tenant_id, key.name, tuple(key.scopes.split()), actor)


def list_keys(session: Connection | Session, tenant_id: str | None = None) -> list[Any]:
    """All keys, newest first, without their secrets; of one tenant when it is named."""
    statement = select(ApiKey.__table__).order_by(ApiKey.created_at.desc(), ApiKey.id)
    if tenant_id is not None:
        statement = statement.where(ApiKey.tenant_id == tenant_id)
    return list(session.execute(statement))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _living() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Neither revoked nor at the end of its overlap."""
    ends = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > datetime.now(UTC))
    return ApiKey.revoked_at.is_(None), ends


def _living_key(connection: Connection, key_id: str) -> Any:
    statement = select(ApiKey.__table__).where(ApiKey.id == key_id, *_living())
    key = connection.execute(statement).first() if IS_UUID(key_id) else None
    if key is None:
        raise AccessError(f"There is no living key {key_id}.")
    return key


def _named(key: Any) -> dict[str, str]:
    """A key as the audit log names it, also when it is gone."""
    return {"name": key.name, "prefix": key.prefix, "key": key.id}


def create_tenant(
    connection: Connection, tenant_id: str, name: str, actor: str, kind: str = "production"
) -> None:
    """A new tenant. AccessError when the id is taken, reserved or no slug."""
    if not _SLUG.fullmatch(tenant_id) or tenant_id in RESERVED_TENANTS:
        raise AccessError(
            f"{tenant_id!r} can't be a tenant's id: up to 63 lower-case letters, digits, "
            "- and _, of which the first is a letter or a digit, and not `tenants`."
        )
    if len(name) > _LONGEST_NAME:
        raise AccessError(f"A name has 1 to {_LONGEST_NAME} characters.")
    if kind not in KINDS:
        raise AccessError(f"A tenant's kind is one of {', '.join(KINDS)}.")
    if connection.execute(select(Tenant.id).where(Tenant.id == tenant_id)).first():
        raise AccessError(f"There is a tenant {tenant_id} already.")
    now = datetime.now(UTC)
    connection.execute(
        insert(Tenant).values(
            id=tenant_id, name=name or tenant_id, kind=kind, settings={}, created_at=now
        )
    )
    audit(connection, actor, "tenant.create", tenant_id, name=name, kind=kind)


def list_tenants(session: Connection | Session) -> list[Any]:
    """All tenants by id, with `has_events`: whether any of their events was ever counted."""
    counted = (
        select(DailyEvents.tenant_id)
        .where(DailyEvents.tenant_id == Tenant.id)
        .correlate(Tenant)
        .exists()
    )
    columns = (Tenant.id, Tenant.name, Tenant.kind, Tenant.created_at, counted.label("has_events"))
    return list(session.execute(select(*columns).order_by(Tenant.id)))


def that_count(tenants: Sequence[Any]) -> list[Any]:
    """Those of the tenants whose numbers are shown and watched where none is chosen.

    Production's; while none of it has an event, the samples, if they have any.
    """
    production = [tenant for tenant in tenants if tenant.kind == "production"]
    samples = [tenant for tenant in tenants if tenant.kind == "sample"]
    if any(tenant.has_events for tenant in samples) and not any(
        tenant.has_events for tenant in production
    ):
        return samples
    return production


def require_tenant(connection: Connection, tenant_id: str) -> None:
    """AccessError when there is no such tenant."""
    if not connection.execute(select(Tenant.id).where(Tenant.id == tenant_id)).first():
        raise AccessError(f"There is no tenant {tenant_id}. Add it: flask tenants add {tenant_id}")


def audit(
    connection: Connection,
    actor: str,
    action: str,
    tenant_id: str | None = None,
    **detail: object,
) -> None:
    """Write down who did what. `detail` is JSON and never identifies an erased person."""
    connection.execute(
        insert(AuditEntry).values(
            id=str(uuid7()),
            at=datetime.now(UTC),
            actor=actor,
            action=action,
            tenant_id=tenant_id,
            detail=detail,
        )
    )


def normalised_email(text: str) -> str:
    """The address, trimmed and in lower case. AccessError when it is none."""
    try:
        checked = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise AccessError(f"{text!r} is no e-mail address: {error}") from None
    return checked.normalized.lower()
