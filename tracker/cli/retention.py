"""`flask retention run`."""

from datetime import UTC, datetime

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from tracker.store.access import COMMAND_LINE, audit
from tracker.store.retention import cutoff, expire, would_expire

retention = AppGroup("retention", help="Expire raw events and snapshots.")


def register(app: Flask) -> None:
    app.cli.add_command(retention)


@retention.command("run")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def run(dry_run: bool) -> None:
    """Delete raw events and snapshots older than TRACKER_RETENTION_DAYS. Aggregates stay."""
    database = current_app.extensions["database"]
    settings = current_app.extensions["settings"]
    expired = cutoff(datetime.now(UTC), settings.zone, settings.retention_days)
    if dry_run:
        with database.read(None) as session:
            _report(would_expire(session, expired), "would expire")
        return
    deleted = expire(database, expired)
    with database.write() as connection:
        audit(connection, COMMAND_LINE, "retention.run", before=expired.day.isoformat(), rows=deleted)
    _report(deleted, "expired")


def _report(rows: dict[str, int], verb: str) -> None:
    for table, count in rows.items():
        click.echo(f"{table} {count}")
    click.echo(f"{sum(rows.values())} rows {verb}")
