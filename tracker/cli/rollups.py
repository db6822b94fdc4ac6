"""`flask rollups check|rebuild|settle`."""

from datetime import UTC, date, datetime, timedelta

import click
from flask import Flask, current_app

from tracker.cli import Commands
from tracker.store.access import COMMAND_LINE, audit
from tracker.store.marking import mark_days
from tracker.store.pasts import all_pasts
from tracker.store.recount import check, held_days, rebuild
from tracker.store.settings import shorter_retentions
from tracker.store.settling import settle_all

rollups = Commands("rollups", help="Check, rebuild and settle the daily tables.")

_SHOWN = 20
_FROM = click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day.")
_TO = click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day.")


def register(app: Flask) -> None:
    app.cli.add_command(rollups)


@rollups.command("check")
@_FROM
@_TO
def check_rollups(first: datetime | None, last: datetime | None) -> None:
    """Recount the raw events that are still there; exit with 1 on any difference."""
    database = current_app.extensions["database"]
    settle_all(database)
    days = _days(first, last)
    with database.snapshot() as connection:
        differences = check(connection, *days)
    for found in differences[:_SHOWN]:
        click.echo(
            f"{found.table} {found.key}: stored {found.stored}, counted {found.counted}", err=True
        )
    click.echo(f"{len(differences)} differences")
    if differences:
        raise SystemExit(1)


@rollups.command("rebuild")
@_FROM
@_TO
def rebuild_rollups(first: datetime | None, last: datetime | None) -> None:
    """Write the daily tables anew from the raw events that are still there."""
    database = current_app.extensions["database"]
    settle_all(database)
    with database.write() as connection:
        written = rebuild(connection, *_days(first, last))
        audit(connection, COMMAND_LINE, "rollups.rebuild", rows=written)
    click.echo(f"{written} rows written")


@rollups.command("settle")
@_FROM
@_TO
def settle_rollups(first: datetime | None, last: datetime | None) -> None:
    """Bring what depends on the order of events up to date now; of the days named, all of it."""
    database = current_app.extensions["database"]
    if first or last:
        with database.write() as connection:
            mark_days(connection, *_days(first, last))
    click.echo(f"{settle_all(database)} settled")


def _days(first: datetime | None, last: datetime | None) -> tuple[date, date]:
    """The asked days, as far as their raw events are all held."""
    settings = current_app.extensions["settings"]
    with current_app.extensions["database"].read(None) as session:
        kept = min((settings.retention_days, *shorter_retentions(session, settings.retention_days)))
        expired = all_pasts(session).until()
    oldest, newest = held_days(datetime.now(UTC), settings.zone, kept)
    oldest = max(oldest, expired + timedelta(days=1))
    return (
        max(first.date(), oldest) if first else oldest,
        min(last.date(), newest) if last else newest,
    )
