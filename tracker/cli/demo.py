"""`flask demo load|remove`: simulated data, in tenants of the kind `sample`."""

from datetime import UTC, datetime

import click
from flask import Flask, current_app
from tqdm import tqdm

from tracker.cli import Commands
from tracker.demo.simulation import SAMPLE_TENANTS, simulate
from tracker.store import sample
from tracker.store.access import COMMAND_LINE
from tracker.store.importing import Importer, Totals
from tracker.store.settling import settle_all
from tracker.store.tenants import delete_tenant

demo = Commands("demo", help="Sample data: a simulated marketplace, trips and tenants.")


def register(app: Flask) -> None:
    app.cli.add_command(demo)


@demo.command("load")
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True)
@click.option("--events", type=click.IntRange(1000, 10_000_000), default=200_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def load(days: int, events: int, seed: int) -> None:
    """Load sample data that ends now.

    The sample tenants remember what was loaded and up to when: a load that was cut short is
    finished by the next one, and one that is complete is left as it is.
    """
    until = datetime.now(UTC).isoformat(timespec="seconds")
    asked = sample.Recipe(seed, _as_long_as_held(days), events, until)
    with current_app.extensions["database"].write() as connection:
        held = sample.claim(connection, SAMPLE_TENANTS, asked)
    if not held.is_like(asked):
        raise click.ClickException(f"Other sample data is loaded: {_words(held)}. {_REMOVE}")
    totals = Totals() if held.complete else _load(held)
    if held.complete:
        click.echo(f"Sample data is loaded already: {_words(held)}. {_REMOVE}", err=True)
    _report(totals)


_REMOVE = "`flask demo remove` makes room for new data."


def _as_long_as_held(days: int) -> int:
    retention: int = current_app.extensions["settings"].retention_days
    if days > retention:
        click.echo(f"Only {retention} days are kept (TRACKER_RETENTION_DAYS).", err=True)
    return min(days, retention)


def _words(held: sample.Recipe) -> str:
    return (
        f"{held.events:,} events over {held.days} days up to {held.until[:16]} UTC,"
        f" seed {held.seed}"
    )


def _load(recipe: sample.Recipe) -> Totals:
    database, settings = current_app.extensions["database"], current_app.extensions["settings"]
    lines = simulate(recipe.seed, recipe.days, recipe.events, recipe.end)
    with tqdm(total=recipe.events, unit=" lines", disable=None, leave=False) as bar:
        totals = Importer(database, settings).run(lines, bar.update)
    settle_all(database)
    if not totals.rejected:
        with database.write() as connection:
            sample.complete(connection, SAMPLE_TENANTS, recipe)
    return totals


def _report(totals: Totals) -> None:
    for number, code, reason in totals.faults[:10]:
        click.echo(f"line {number}: {code}: {reason}", err=True)
    click.echo(
        f"accepted {totals.accepted} duplicates {totals.duplicates}"
        f" linked {totals.linked} rejected {totals.rejected}"
    )
    if totals.rejected:
        raise SystemExit(1)


@demo.command("remove")
def remove() -> None:
    """Delete every sample tenant with everything of it."""
    database = current_app.extensions["database"]
    with database.read(None) as session:
        tenants = sample.tenant_ids(session)
    with tqdm(tenants, unit=" tenants", disable=None, leave=False) as bar:
        rows = sum(delete_tenant(database, tenant, COMMAND_LINE) for tenant in bar)
    click.echo(f"{len(tenants)} sample tenants removed, {rows} rows")
