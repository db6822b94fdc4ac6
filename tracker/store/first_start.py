"""What a fresh database must hold before anyone can use it."""

from sqlalchemy import Connection, select

from tracker.config import Settings
from tracker.model import Tenant
from tracker.store.access import create_tenant
from tracker.store.alerts import make_first_rules
from tracker.store.operators import ensure_first_operator


def make_first_rows(connection: Connection, settings: Settings) -> None:
    """Makes the default tenant and the operator the environment names, where missing."""
    tenant_id = settings.default_tenant
    if not connection.execute(select(Tenant.id).where(Tenant.id == tenant_id)).first():
        create_tenant(connection, tenant_id, name="Default", actor="first start")
        make_first_rules(connection)
    if settings.admin_email:
        ensure_first_operator(connection, settings.admin_email, settings.admin_password)
