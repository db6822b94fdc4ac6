"""`flask privacy export|erase`."""

from collections.abc import Callable
from typing import Any

import click
import orjson
from flask import Flask, current_app

from tracker.cli import Commands
from tracker.store.access import COMMAND_LINE, audit
from tracker.store.erasure import erase
from tracker.store.persons import Kind, held_about, person_of, trace

privacy = Commands("privacy", help="Export or erase what is held about a person.")


def register(app: Flask) -> None:
    app.cli.add_command(privacy)


def _person(command: Callable[..., None]) -> Callable[..., None]:
    """The options that name a person."""
    for name in ("user", "session", "email"):
        command = click.option(f"--{name}", help=f"By {_WORDS[name]}.")(command)
    return click.option("--tenant", default="", help="Only this tenant's data.")(command)


_WORDS = {"email": "e-mail address", "session": "session id", "user": "user id"}


def _one(**given: str | None) -> tuple[Kind, str]:
    named: list[Any] = [(kind, value) for kind, value in given.items() if value]
    if len(named) != 1:
        raise click.UsageError("Name the person by one of --email, --session and --user.")
    kind, value = named[0]
    return kind, value


@privacy.command("export")
@_person
def export(tenant: str, email: str | None, session: str | None, user: str | None) -> None:
    """Write all that is held about a person to standard output, as one JSON object."""
    kind, value = _one(email=email, session=session, user=user)
    database = current_app.extensions["database"]
    with database.read(None) as reading:
        found = trace(reading, person_of(reading, kind, value, tenant))
        held = held_about(reading, found)
    with database.write() as connection:
        audit(connection, COMMAND_LINE, "person.export", tenant or None, by=kind)
    click.echo(orjson.dumps(held, option=orjson.OPT_INDENT_2))


@privacy.command("erase")
@_person
def erase_one(tenant: str, email: str | None, session: str | None, user: str | None) -> None:
    """Delete all that is held about a person and take it out of every number. Never asks."""
    kind, value = _one(email=email, session=session, user=user)
    erased = erase(current_app.extensions["database"], kind, value, COMMAND_LINE, tenant)
    click.echo(
        f"sessions {erased.sessions} events {erased.events} attempts {erased.attempts} erased"
    )
