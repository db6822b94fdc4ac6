"""Changes of operators: their role, and whether they may log in."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from tracker.model import Operator, OperatorTenant
from tracker.store.access import AccessError, audit, normalised_email
from tracker.store.operators import check_role


def change_role(
    connection: Connection, email: str, role: str, tenants: tuple[str, ...], actor: str
) -> None:
    """Another role, and for the role tenant what it may read. Ends every session."""
    check_role(connection, role, tenants)
    before = _role_of(connection, email)
    operator_id = _changed(connection, email, role=role)
    connection.execute(delete(OperatorTenant).where(OperatorTenant.operator_id == operator_id))
    for tenant_id in dict.fromkeys(tenants):
        connection.execute(
            insert(OperatorTenant).values(operator_id=operator_id, tenant_id=tenant_id)
        )
    changed = {"role": [before, role]}
    detail = {"operator": normalised_email(email), "changed": changed, "tenants": list(tenants)}
    audit(connection, actor, "operator.role", None, **detail)


def _role_of(connection: Connection, email: str) -> str | None:
    return connection.scalar(select(Operator.role).where(Operator.email == normalised_email(email)))


def disable_operator(connection: Connection, email: str, actor: str) -> None:
    """Ends every session of the operator and lets nobody log in as them."""
    _changed(connection, email, disabled_at=datetime.now(UTC))
    audit(connection, actor, "operator.disable", None, operator=normalised_email(email))


def enable_operator(connection: Connection, email: str, actor: str) -> None:
    """Lets the operator log in again."""
    _changed(connection, email, disabled_at=None)
    audit(connection, actor, "operator.enable", None, operator=normalised_email(email))


def _changed(connection: Connection, email: str, **values: Any) -> str:
    """The id of the operator changed. AccessError when there is no such operator."""
    address = normalised_email(email)
    changed = connection.execute(
        update(Operator)
        .where(Operator.email == address)
        .values(session_version=Operator.session_version + 1, **values)
    )
    if changed.rowcount == 0:
        raise AccessError(f"There is no operator {email}.")
    found: str = connection.execute(
        select(Operator.id).where(Operator.email == address)
    ).scalar_one()
    return found
