"""People who open the dashboard: their roles, tenants and passwords."""

import secrets
from datetime import UTC, datetime

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from uuid_utils import uuid7

from tracker.model import Operator, OperatorTenant
from tracker.passwords import SHORTEST_PASSWORD, is_long_enough
from tracker.store.access import IS_UUID, AccessError, audit, normalised_email, require_tenant

ROLES = ("admin", "analyst", "tenant")
HASHER = PasswordHasher()


def create_operator(
    connection: Connection,
    email: str,
    role: str,
    actor: str,
    *,
    password: str | None = None,
    tenants: tuple[str, ...] = (),
) -> str:
    """A new operator; returns the password, a one-time one when none is given."""
    email = normalised_email(email)
    check_role(connection, role, tenants)
    if connection.execute(select(Operator.id).where(Operator.email == email)).first():
        raise AccessError(f"There is an operator {email} already.")
    operator_id, chosen = str(uuid7()), _chosen(password)
    connection.execute(
        insert(Operator).values(
            id=operator_id,
            email=email,
            role=role,
            password_hash=hash_password(chosen),
            must_change_password=password is None,
            session_version=1,
            created_at=datetime.now(UTC),
        )
    )
    for tenant_id in dict.fromkeys(tenants):
        connection.execute(
            insert(OperatorTenant).values(operator_id=operator_id, tenant_id=tenant_id)
        )
    detail = {"operator": email, "role": role, "tenants": list(tenants)}
    audit(connection, actor, "operator.create", None, **detail)
    return chosen


def ensure_first_operator(connection: Connection, email: str, password: str) -> bool:
    """Make the deployment's first admin when there is no operator at all; whether it did."""
    if connection.execute(select(Operator.id).limit(1)).first():
        return False
    try:
        with connection.begin_nested():
            create_operator(connection, email, "admin", "first start", password=password)
    except IntegrityError:  # another process was first
        return False
    return True


def set_password(
    connection: Connection, email: str, actor: str, password: str | None = None
) -> str:
    """A new password, which ends every session of the operator; returns it.

    Without `password` it is a one-time one, to be changed at the next login.
    """
    chosen = _chosen(password)
    changed = connection.execute(
        update(Operator)
        .where(Operator.email == normalised_email(email))
        .values(
            password_hash=hash_password(chosen),
            must_change_password=password is None,
            session_version=Operator.session_version + 1,
        )
    )
    if changed.rowcount == 0:
        raise AccessError(f"There is no operator {email}.")
    audit(connection, actor, "operator.password", None, operator=normalised_email(email))
    return chosen


def end_sessions(connection: Connection, operator_id: str) -> None:
    """Ends every session of an operator: a cookie is all there is of one, and may be copied."""
    connection.execute(
        update(Operator)
        .where(Operator.id == operator_id)
        .values(session_version=Operator.session_version + 1)
    )


def find_operator(session: Session, operator_id: str) -> Operator | None:
    """The operator with this id, with their tenants; None when it is no id of one."""
    if not IS_UUID(operator_id):
        return None
    return session.get(Operator, operator_id)


def list_operators(session: Session) -> list[Operator]:
    """All operators by e-mail address, with their tenants."""
    return list(session.scalars(select(Operator).order_by(Operator.email)))


def hash_password(password: str) -> str:
    """argon2id, with the library's recommended cost."""
    return HASHER.hash(password)


def password_fits(password_hash: str, password: str) -> bool:
    """Whether it is the password."""
    try:
        return HASHER.verify(password_hash, password)
    except VerificationError:
        return False


def check_role(connection: Connection, role: str, tenants: tuple[str, ...]) -> None:
    """AccessError unless there is such a role and it goes with these tenants."""
    if role not in ROLES:
        raise AccessError(f"A role is one of {', '.join(ROLES)}.")
    if (role == "tenant") != bool(tenants):
        raise AccessError("The role tenant needs one tenant or more; other roles take none.")
    for tenant_id in tenants:
        require_tenant(connection, tenant_id)


def _chosen(password: str | None) -> str:
    if password is None:
        return secrets.token_urlsafe(12)
    if not is_long_enough(password):
        raise AccessError(
            f"A password has {SHORTEST_PASSWORD} characters or more, not counting blanks around it."
        )
    return password
