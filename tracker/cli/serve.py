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
        if demo:
            context.invoke(app.cli.commands["demo"].commands["load"])
    settings: Settings = app.extensions["settings"]
    click.echo(_welcome(settings, password))
    sys.stdout.flush()
    os.chdir(ROOT)
    gunicorn = Path(sys.executable).with_name("gunicorn")
    os.execv(gunicorn, [str(gunicorn), "wsgi:app"])


def _first_password() -> str | None:
    """Makes an operator when there is none; returns the one-time password."""
    database = current_app.extensions["database"]
    with database.read(None) as session:
        if list_operators(session):
            return None
    with database.write() as connection:
        return create_operator(connection, FIRST_OPERATOR, "admin", actor="first start")


def _welcome(settings: Settings, password: str | None) -> str:
    address = f"http://localhost:{settings.port}"
    lines = ["", f"  Tracker    {address}"]
    if settings.development:
        lines.append(f"  Demo shop  {address}/demo")
    if password:
        lines += [f"  Log in as  {FIRST_OPERATOR}", f"  Password   {password}  (shown this once)"]
    return "\n".join([*lines, "", "  Ctrl-C stops it.", ""])
