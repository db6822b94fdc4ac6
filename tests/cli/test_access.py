"""`flask tenants`, `flask keys` and `flask operators`."""

import io
from types import SimpleNamespace

import pytest
from flask import Flask

from tests.conftest import PASSWORD
from tests.dashboard.conftest import log_in
from tracker.store.access import find_key


def run(app: Flask, *words: str, stdin: str = "") -> str:
    """What the command prints; it must go well."""
    result = app.test_cli_runner().invoke(args=words, input=stdin)
    assert result.exit_code == 0, result.output
    return result.output


def refused(app: Flask, *words: str) -> str:
    result = app.test_cli_runner().invoke(args=words)
    assert result.exit_code == 1, result.output
    return result.output


def allows(app: Flask, secret: str) -> bool:
    with app.extensions["database"].read(None) as session:
        return find_key(session, secret) is not None


def test_tenants_are_added_and_listed(app: Flask) -> None:
    run(app, "tenants", "add", "acme", "--name", "Acme Ltd")
    assert "acme\tproduction\tAcme Ltd" in run(app, "tenants", "list")
    assert "already" in refused(app, "tenants", "add", "acme")


@pytest.mark.parametrize("words", ["keys list --tenant", "stripe remove-secret"])
def test_a_tenant_that_is_misspelt_is_said(app: Flask, words: str) -> None:
    assert "There is no tenant nope." in refused(app, *words.split(), "nope")


def test_a_key_is_created_listed_rotated_and_revoked(app: Flask) -> None:
    create = ("keys", "create", "--tenant", "default", "--name", "shop")
    secret = run(app, *create, "--scope", "write", "--scope", "read").splitlines()[-1]
    assert allows(app, secret)
    listed = run(app, "keys", "list").strip().split("\t")
    assert listed[1:] == ["default", f"{secret[:12]}...", "write read", "active", "shop"]
    rotated = run(app, "keys", "rotate", listed[0], "--overlap-hours", "0")
    assert not allows(app, secret)
    new = rotated.splitlines()[-1]
    assert allows(app, new)
    new_id = run(app, "keys", "list").split("\t")[0]
    run(app, "keys", "revoke", new_id)
    assert not allows(app, new)
    assert "revoked" in run(app, "keys", "list", "--tenant", "default")


def test_a_key_of_nobody_is_refused_with_a_hint(app: Flask) -> None:
    words = ("keys", "create", "--tenant", "no", "--name", "x", "--scope", "read")
    assert "flask tenants add no" in refused(app, *words)
    assert "no living key" in refused(app, "keys", "revoke", "not-an-id")


def test_a_name_that_is_too_long_is_refused_with_a_sentence(app: Flask) -> None:
    assert "1 to 200" in refused(app, "tenants", "add", "acme", "--name", "n" * 201)
    key = ("keys", "create", "--tenant", "default", "--scope", "read", "--name")
    for name in ("n" * 101, ""):
        assert "up to 100 characters" in refused(app, *key, name)


def test_an_operator_gets_a_password_that_logs_in(app: Flask) -> None:
    out = run(app, "operators", "add", "ada@example.com", "--role", "admin")
    password = out.strip().rpartition("one-time password: ")[2]
    assert log_in(app.test_client(), password=password).status_code == 302
    out = run(app, "operators", "reset-password", "ada@example.com")
    assert log_in(app.test_client(), password=password).status_code == 401
    again = out.strip().rpartition("one-time password: ")[2]
    assert log_in(app.test_client(), password=again).status_code == 302


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_an_operators_password_comes_from_standard_input(
    app: Flask, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    words = ("operators", "add", "eve@example.com", "--role", "tenant", "--tenant", "default")
    typed = io.StringIO(PASSWORD + end, newline="")  # as Linux gives it; the runner's loses the CR
    monkeypatch.setattr("tracker.cli.access.sys", SimpleNamespace(stdin=typed))
    out = run(app, *words, "--password-stdin")
    assert "password" not in out
    assert log_in(app.test_client(), "eve@example.com").status_code == 302
    assert "eve@example.com\ttenant\tdefault\tactive" in run(app, "operators", "list")
