"""`flask tenants`, `flask keys` and `flask operators`: who may do what."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from flask import Flask, current_app
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from tracker.cli import Commands
from tracker.store import access, operators

tenants_group = Commands("tenants", help="Owners of events.")
keys_group = Commands("keys", help="API keys of tenants.")
operators_group = Commands("operators", help="People who open the dashboard.")


def register(app: Flask) -> None:
    for group in (tenants_group, keys_group, operators_group):
        app.cli.add_command(group)


@contextmanager
def _change() -> Iterator[Connection]:
    with current_app.extensions["database"].write() as connection:
        yield connection


@contextmanager
def _look() -> Iterator[Session]:
    with current_app.extensions["database"].read(None) as session:
        yield session


@tenants_group.command("add")
@click.argument("tenant_id", metavar="ID")
@click.option("--name", default="", help="Shown to operators; the id when not given.")
@click.option(
    "--kind", type=click.Choice(access.KINDS), default="production", help="What its events are."
)
def add_tenant(tenant_id: str, name: str, kind: str) -> None:
    """Add the tenant ID."""
    with _change() as connection:
        access.create_tenant(connection, tenant_id, name, access.COMMAND_LINE, kind)
    click.echo(f"tenant {tenant_id} added")


@tenants_group.command("list")
def list_tenants() -> None:
    """List tenants: id, kind, name."""
    with _look() as session:
        for tenant in access.list_tenants(session):
            click.echo(f"{tenant.id}\t{tenant.kind}\t{tenant.name}")


@keys_group.command("create")
@click.option("--tenant", required=True, help="The tenant it belongs to.")
@click.option("--name", required=True, help="What it is for.")
@click.option("--scope", "scopes", type=click.Choice(access.SCOPES), multiple=True, required=True)
def create_key(tenant: str, name: str, scopes: tuple[str, ...]) -> None:
    """Create a key and print its secret, once."""
    with _change() as connection:
        key_id, secret = access.create_key(connection, tenant, name, scopes, access.COMMAND_LINE)
    click.echo(f"key {key_id} of {tenant}; this is shown once:", err=True)
    click.echo(secret)


@keys_group.command("list")
@click.option("--tenant", default=None, help="Only this tenant's keys.")
def list_keys(tenant: str | None) -> None:
    """List keys: id, tenant, first characters, scopes, state, name."""
    with _look() as session:
        if tenant is not None:
            access.require_tenant(session.connection(), tenant)
        for key in access.list_keys(session, tenant):
            state = _state(key)
            click.echo(
                f"{key.id}\t{key.tenant_id}\t{key.prefix}...\t{key.scopes}\t{state}\t{key.name}"
            )


def _state(key: Any) -> str:
    if key.revoked_at:
        return "revoked"
    if key.expires_at is None:
        return "active"
    return "expired" if key.expires_at <= datetime.now(UTC) else "expiring"


@keys_group.command("revoke")
@click.argument("key_id", metavar="KEY_ID")
def revoke_key(key_id: str) -> None:
    """End a key at once, in every process."""
    with _change() as connection:
        access.revoke_key(connection, key_id, access.COMMAND_LINE)
    click.echo(f"key {key_id} revoked")


@keys_group.command("rotate")
@click.argument("key_id", metavar="KEY_ID")
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 24 * 30),
    default=24,
    show_default=True,
    help="How long the old key still works.",
)
def rotate_key(key_id: str, overlap_hours: int) -> None:
    """Replace a key by a new one and print the new secret, once."""
    with _change() as connection:
        new_id, secret = access.rotate_key(connection, key_id, access.COMMAND_LINE, overlap_hours)
    click.echo(f"key {new_id} follows {key_id}, which ends in {overlap_hours} h:", err=True)
    click.echo(secret)


@operators_group.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice(operators.ROLES), required=True)
@click.option("--tenant", "tenants", multiple=True, help="What the role tenant may read.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add_operator(email: str, role: str, tenants: tuple[str, ...], password_stdin: bool) -> None:
    """Add the operator EMAIL; prints a one-time password unless one is given."""
    given = _password_from_stdin() if password_stdin else None
    with _change() as connection:
        password = operators.create_operator(
            connection, email, role, access.COMMAND_LINE, password=given, tenants=tenants
        )
    _report(f"operator {email} added", password if given is None else None)


@operators_group.command("list")
def list_operators() -> None:
    """List operators: e-mail address, role, tenants, state."""
    with _look() as session:
        for operator in operators.list_operators(session):
            tenants = ",".join(tenant.tenant_id for tenant in operator.tenants) or "all"
            state = "disabled" if operator.disabled_at else "active"
            click.echo(f"{operator.email}\t{operator.role}\t{tenants}\t{state}")


@operators_group.command("reset-password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def reset_password(email: str, password_stdin: bool) -> None:
    """Give EMAIL a new password and end its sessions."""
    given = _password_from_stdin() if password_stdin else None
    with _change() as connection:
        password = operators.set_password(connection, email, access.COMMAND_LINE, given)
    _report(f"password of {email} changed", password if given is None else None)


def _password_from_stdin() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _report(done: str, one_time_password: str | None) -> None:
    click.echo(done)
    if one_time_password is not None:
        click.echo(f"one-time password: {one_time_password}")
