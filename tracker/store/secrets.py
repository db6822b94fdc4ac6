"""A tenant's secrets: set by an admin, read by the code that needs them, shown to nobody."""

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.orm import Session

from tracker.model import TenantSecret
from tracker.store import bulk
from tracker.store.access import AccessError, audit, require_tenant
from tracker.store.sealing import seal, unseal

STRIPE = "stripe"
_LIMIT = 500


def set_secret(
    connection: Connection, tenant_id: str, name: str, secret: str, actor: str, secret_key: str
) -> None:
    """Keeps a tenant's secret in place of an earlier one. AccessError for what is no secret."""
    secret = secret.strip()
    if not 8 <= len(secret) <= _LIMIT or not secret.isascii() or not secret.isprintable():
        raise AccessError(f"A secret has 8 to {_LIMIT} printable ASCII characters.")
    require_tenant(connection, tenant_id)
    row = {
        "tenant_id": tenant_id,
        "name": name,
        "sealed": seal(secret, secret_key),
        "set_at": datetime.now(UTC),
    }
    merge = {"sealed": "replace", "set_at": "replace"}
    bulk.upsert(connection, TenantSecret.__table__, [row], merge)
    audit(connection, actor, f"{name}.set_secret", tenant_id)


def remove_secret(connection: Connection, tenant_id: str, name: str, actor: str) -> None:
    """Forgets a secret; what was signed with it is refused from now on."""
    chosen = (TenantSecret.tenant_id == tenant_id, TenantSecret.name == name)
    if connection.execute(delete(TenantSecret).where(*chosen)).rowcount:
        audit(connection, actor, f"{name}.remove_secret", tenant_id)


def read_secret(
    session: Connection | Session, tenant_id: str, name: str, secret_key: str
) -> str | None:
    """The secret; None when there is none. Unreadable when SECRET_KEY has changed since."""
    chosen = (TenantSecret.tenant_id == tenant_id, TenantSecret.name == name)
    sealed = session.execute(select(TenantSecret.sealed).where(*chosen)).scalar()
    return None if sealed is None else unseal(sealed, secret_key)


def secret_set_at(session: Connection | Session, tenant_id: str, name: str) -> datetime | None:
    """When the secret was set; None when there is none."""
    chosen = (TenantSecret.tenant_id == tenant_id, TenantSecret.name == name)
    found: datetime | None = session.execute(select(TenantSecret.set_at).where(*chosen)).scalar()
    return found
