"""What a fresh database must hold before anyone can use it."""

from sqlalchemy import Connection, select

from tracker.config import Settings
from tracker.model import Tenant
from tracker.store.access import create_tenant
from tracker.store.alerts import make_first_rules
from tracker.store.operators import ensure_first_operator


def make_first_rows(connection: Connection, settings: Settings) -> None:
    """Makes the default tenant and the operator the environment names, where missing."""
    tenant_id, there = settings.default_tenant, connection.scalars(select(Tenant.id)).all()
    if not there:
        make_first_rules(connection)
    if tenant_id not in there:
        create_tenant(connection, tenant_id, "" if there else "Default", actor="first start")
    if settings.admin_email:
        ensure_first_operator(connection, settings.admin_email, settings.admin_password)
