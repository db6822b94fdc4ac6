"""`flask retention run`."""

from collections.abc import Iterable
from datetime import UTC, datetime

import click
from flask import Flask, current_app

from tracker.cli import Commands
from tracker.store.access import COMMAND_LINE, audit
from tracker.store.expired import cutoffs, would_expire
from tracker.store.retention import expire, would_forget

retention = Commands("retention", help="Expire raw events and snapshots.")


def register(app: Flask) -> None:
    app.cli.add_command(retention)


@retention.command("run")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def run(dry_run: bool) -> None:
    """Delete raw events and snapshots older than TRACKER_RETENTION_DAYS. Aggregates stay.

    Tenants that chose to keep less keep less.
    """
    database = current_app.extensions["database"]
    settings = current_app.extensions["settings"]
    now = datetime.now(UTC)
    with database.read(None) as session:
        expired = cutoffs(session, now, settings.zone, settings.retention_days)
        if dry_run:
            rows = would_expire(session, *expired) | would_forget(session, *expired)
            _report(rows, "would expire")
            return
    deleted = _sum(expire(database, one) for one in expired)
    before = expired[0].day.isoformat()
    with database.write() as connection:
        audit(connection, COMMAND_LINE, "retention.run", before=before, rows=deleted)
    _report(deleted, "expired")


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for counted in counts:
        for table, rows in counted.items():
            total[table] = total.get(table, 0) + rows
    return total


def _report(rows: dict[str, int], verb: str) -> None:
    for table, count in rows.items():
        click.echo(f"{table} {count}")
    click.echo(f"{sum(rows.values())} rows {verb}")
