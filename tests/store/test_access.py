"""Tenants, keys and operators, and the trace that every change leaves."""

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select, update

from tests.conftest import PASSWORD, make_tenant
from tracker.model import ApiKey, AuditEntry, Operator
from tracker.store import access, operators


def actions(app: Flask) -> list[tuple[str, str, str | None]]:
    with app.extensions["database"].read(None) as session:
        entries = select(AuditEntry.actor, AuditEntry.action, AuditEntry.tenant_id)
        return [tuple(row) for row in session.execute(entries.order_by(AuditEntry.id))]


def make(app: Flask, scopes: tuple[str, ...] = ("read",)) -> tuple[str, str]:
    with app.extensions["database"].write() as connection:
        return access.create_key(connection, "default", "shop", scopes, "ada@example.com")


def find(app: Flask, secret: str) -> access.KeyGrant | None:
    with app.extensions["database"].read(None) as session:
        return access.find_key(session, secret)


def test_a_key_grants_its_scopes_for_its_tenant(app: Flask) -> None:
    key_id, secret = make(app, ("read", "write"))
    assert secret.startswith("trk_")
    assert find(app, secret) == access.KeyGrant("default", key_id, frozenset({"read", "write"}))
    assert find(app, secret + "x") is None
    assert find(app, "") is None


def test_a_keys_secret_is_nowhere_in_the_database(app: Flask) -> None:
    _, secret = make(app)
    with app.extensions["database"].read(None) as session:
        stored = session.execute(select(ApiKey.__table__)).one()
    assert secret not in str(stored)
    assert stored.prefix == secret[:12]
    assert ("ada@example.com", "key.create", "default") in actions(app)


def test_a_revoked_key_grants_nothing(app: Flask) -> None:
    key_id, secret = make(app)
    with app.extensions["database"].write() as connection:
        access.revoke_key(connection, key_id, "test")
    assert find(app, secret) is None
    with (
        pytest.raises(access.AccessError, match="no living key"),
        app.extensions["database"].write() as connection,
    ):
        access.revoke_key(connection, key_id, "test")


def test_a_rotated_key_works_until_its_overlap_is_over(app: Flask) -> None:
    key_id, old = make(app, ("read", "write"))
    with app.extensions["database"].write() as connection:
        _, new = access.rotate_key(connection, key_id, "test", overlap_hours=1)
    granted = find(app, new)
    assert granted is not None
    assert granted.scopes == {"read", "write"}
    assert find(app, old) is not None
    with app.extensions["database"].write() as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        connection.execute(update(ApiKey).where(ApiKey.id == key_id).values(expires_at=past))
    assert find(app, old) is None
    assert find(app, new) is not None


@pytest.mark.parametrize("hours", [0, 1])
def test_rotating_a_rotated_key_again_does_not_make_it_last(app: Flask, hours: int) -> None:
    key_id, old = make(app)
    with app.extensions["database"].write() as connection:
        access.rotate_key(connection, key_id, "test", overlap_hours=hours)
    with (
        pytest.raises(access.AccessError, match="rotated before" if hours else "no living key"),
        app.extensions["database"].write() as connection,
    ):
        access.rotate_key(connection, key_id, "test")
    assert (find(app, old) is not None) == bool(hours)
    with app.extensions["database"].read(None) as session:
        assert len(access.list_keys(session)) == 2


@pytest.mark.parametrize("scopes", [(), ("admin",), ("read", "admin")])
def test_a_key_needs_scopes_that_there_are(app: Flask, scopes: tuple[str, ...]) -> None:
    with pytest.raises(access.AccessError, match="write, read"):
        make(app, scopes)


def test_keys_are_listed_newest_first(app: Flask) -> None:
    make_tenant(app, "other")
    first, second = make(app)[0], make(app)[0]
    with app.extensions["database"].read(None) as session:
        assert [key.id for key in access.list_keys(session)] == [second, first]
        assert access.list_keys(session, "other") == []


@pytest.mark.parametrize("tenant", ["", "Ümlaut", "UPPER", "tenants", "-x", "a" * 64, "a b"])
def test_a_tenants_id_is_a_slug_that_no_page_needs(app: Flask, tenant: str) -> None:
    rule = "can't be a tenant's id: .* the first is a letter or a digit, and not `tenants`"
    with pytest.raises(access.AccessError, match=rule):
        make_tenant(app, tenant)


def test_a_tenant_exists_once(app: Flask) -> None:
    make_tenant(app, "acme")
    with pytest.raises(access.AccessError, match="already"):
        make_tenant(app, "acme")
    with app.extensions["database"].read(None) as session:
        assert [t.id for t in access.list_tenants(session)] == ["acme", "default"]


def test_an_operator_without_a_password_gets_one_to_change(app: Flask) -> None:
    with app.extensions["database"].write() as connection:
        password = operators.create_operator(connection, " Ada@Example.com ", "admin", "test")
    with app.extensions["database"].read(None) as session:
        (operator,) = operators.list_operators(session)
    assert operator.email == "ada@example.com"
    assert operator.must_change_password
    assert operator.password_hash.startswith("$argon2id$")
    assert operators.password_fits(operator.password_hash, password)
    assert not operators.password_fits(operator.password_hash, password + "x")


def test_what_a_new_operator_may_read_is_on_record(app: Flask) -> None:
    with app.extensions["database"].write() as connection:
        operators.create_operator(connection, "tom@a.org", "tenant", "ada", tenants=("default",))
    with app.extensions["database"].read(None) as session:
        detail = session.scalars(select(AuditEntry.detail).order_by(AuditEntry.id.desc())).first()
    assert detail == {"operator": "tom@a.org", "role": "tenant", "tenants": ["default"]}


def test_a_stolen_hash_is_slow_to_guess(product_hasher: PasswordHasher) -> None:
    # 64 MB and three passes for each guess; other tests hash more quickly
    assert product_hasher.hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize(
    ("email", "role", "tenants", "password", "words"),
    [
        ("no address", "admin", (), PASSWORD, "no e-mail address"),
        ("a@example.com", "king", (), PASSWORD, "A role is one of"),
        ("a@example.com", "tenant", (), PASSWORD, "needs one tenant"),
        ("a@example.com", "admin", ("default",), PASSWORD, "take none"),
        ("a@example.com", "tenant", ("nowhere",), PASSWORD, "no tenant nowhere"),
        ("a@example.com", "admin", (), "short", "10 characters"),
        ("a@example.com", "admin", (), " " * 10, "10 characters"),
    ],
)
def test_an_operator_that_does_not_fit_is_refused(
    app: Flask, email: str, role: str, tenants: tuple[str, ...], password: str, words: str
) -> None:
    with (
        pytest.raises(access.AccessError, match=words),
        app.extensions["database"].write() as connection,
    ):
        operators.create_operator(
            connection, email, role, "test", password=password, tenants=tenants
        )
    assert not [action for action in actions(app) if action[1] == "operator.create"]


def test_the_first_operator_is_made_once(app: Flask) -> None:
    made = []
    for email in ("ada@example.com", "eve@example.com"):
        with app.extensions["database"].write() as connection:
            made.append(operators.ensure_first_operator(connection, email, PASSWORD))
    assert made == [True, False]
    with app.extensions["database"].read(None) as session:
        assert session.scalars(select(Operator.email)).all() == ["ada@example.com"]
