"""`flask serve`: from nothing to a running service, as `make run` does it."""

import os
import sys
from pathlib import Path

import click
from flask import Flask, current_app
from flask_migrate import upgrade

from tracker.config import ROOT, Settings
from tracker.store.operators import create_operator, list_operators

FIRST_OPERATOR = "admin@example.com"


def register(app: Flask) -> None:
    app.cli.add_command(serve)


@click.command()
@click.option("--demo", is_flag=True, help="Load sample data first, unless it is there.")
@click.pass_context
def serve(context: click.Context, demo: bool) -> None:
    """Migrate the database, make a first operator, say where to look, and serve."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    with app.app_context():
        upgrade()
        password = _first_password()
        if password:
            # Loading takes minutes, and whoever ends it would never see the password.
            click.echo(f"Password of {FIRST_OPERATOR}: {password}")
        if demo:
            context.invoke(app.cli.commands["demo"].commands["load"])
        newcomer = None if password else _newcomer()
    settings: Settings = app.extensions["settings"]
    click.echo(_welcome(settings, password, newcomer))
    sys.stdout.flush()
    os.chdir(ROOT)
    gunicorn = Path(sys.executable).with_name("gunicorn")
    # gunicorn reads it before it reads our settings, and knows neither an empty one nor 2.0
    environment = os.environ | {"WEB_CONCURRENCY": str(settings.web_concurrency)}
    os.execve(gunicorn, [str(gunicorn), "wsgi:app"], environment)


def _first_password() -> str | None:
    """Makes an operator when there is none; returns the one-time password."""
    database = current_app.extensions["database"]
    with database.read(None) as session:
        if list_operators(session):
            return None
    with database.write() as connection:
        return create_operator(connection, FIRST_OPERATOR, "admin", actor="first start")


def _newcomer() -> str | None:
    """The only operator, if they never logged in: their password may be lost."""
    with current_app.extensions["database"].read(None) as session:
        found = list_operators(session)
    return found[0].email if len(found) == 1 and found[0].last_login_at is None else None


def _welcome(settings: Settings, password: str | None, newcomer: str | None) -> str:
    address = f"http://localhost:{settings.port}"
    lines = ["", f"  Tracker    {address}"]
    if settings.development:
        lines.append(f"  Demo shop  {address}/demo")
    if password:
        lines += [f"  Log in as  {FIRST_OPERATOR}", f"  Password   {password}  (not shown again)"]
    if newcomer:
        reset = f"flask --app wsgi operators reset-password {newcomer}"
        lines += [f"  Log in as  {newcomer}", f"  Password   lost? {reset}"]
    return "\n".join([*lines, "", "  Ctrl-C stops it.", ""])
