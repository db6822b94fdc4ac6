"""`flask events import|export`."""

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, cast

import click
import orjson
from flask import Flask, current_app
from tqdm import tqdm

from tracker.cli import Commands
from tracker.store.access import list_tenants
from tracker.store.exporting import export_lines
from tracker.store.importing import Importer, Totals, newest_moment
from tracker.store.settling import settle_all

events = Commands("events", help="Import and export events.")


def register(app: Flask) -> None:
    app.cli.add_command(events)


@events.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--tenant", help="Whose events these are; the default tenant if not given.")
@click.option("--shift-to-now", is_flag=True, help="Move all times so that the newest is now.")
@click.option("--refused", type=click.File("w"), help="Write refused lines' numbers and reasons.")
def import_events(
    file: Path, tenant: str | None, shift_to_now: bool, refused: IO[str] | None
) -> None:
    """Take in FILE (or - for standard input): NDJSON or NDJSON.gz, one event or link a line.

    Running it twice changes nothing. Exits with 1 when a line was refused.
    """
    database = current_app.extensions["database"]
    settings = current_app.extensions["settings"]
    tenant = _known(tenant)
    with _readable(file) as path:
        shift = _shift(path) if shift_to_now else timedelta()
        with tqdm(unit=" lines", disable=None, leave=False) as bar:
            lines = ((tenant, line) for line in _lines(path))
            totals = Importer(database, settings, shift).run(lines, bar.update)
    settle_all(database)
    _report(totals, refused)


def _known(tenant: str | None) -> str:
    """The tenant named, or the default one."""
    tenant = tenant or str(current_app.extensions["settings"].default_tenant)
    with current_app.extensions["database"].read(None) as session:
        if tenant not in {row.id for row in list_tenants(session)}:
            raise click.ClickException(f"There is no tenant {tenant}. See `flask tenants list`.")
    return tenant


@contextmanager
def _readable(file: Path) -> Iterator[Path]:
    """The file, or what a pipe brings in a file of its own, so that it can be read twice."""
    named = str(file) != "-"
    if named and (not file.exists() or file.is_dir()):
        raise click.ClickException(f"There is no file {file}.")
    if named and file.is_file():
        yield file
        return
    with click.open_file(str(file), "rb") as pipe, tempfile.NamedTemporaryFile() as copy:
        shutil.copyfileobj(pipe, copy)
        copy.flush()
        yield Path(copy.name)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as start:
        packed = start.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as lines:
            yield from cast(Iterable[bytes], lines)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise click.ClickException(
            f"{path} is not whole: what could be read of it may have been taken in."
        ) from None


def _shift(path: Path) -> timedelta:
    newest = newest_moment(_lines(path))
    return datetime.now(UTC) - newest if newest else timedelta()


def _report(totals: Totals, refused: IO[str] | None) -> None:
    faults = sorted(totals.faults, key=lambda fault: fault[0])  # links are judged after events
    for number, code, reason in faults:
        line = f"line {number}: {code}: {reason}"
        if refused:
            refused.write(line + "\n")
        elif number <= faults[:10][-1][0]:
            click.echo(line, err=True)
    if faults[10:] and not refused:
        click.echo("more lines were refused; --refused FILE lists all of them", err=True)
    click.echo(
        f"accepted {totals.accepted} duplicates {totals.duplicates}"
        f" linked {totals.linked} rejected {totals.rejected}"
    )
    if totals.rejected:
        raise SystemExit(1)


@events.command("export")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day.")
@click.option("--tenant", help="Whose events; the default tenant if not given.")
@click.option("--type", "types", multiple=True, help="Only this event type. Repeatable.")
def export_events(
    first: datetime | None, last: datetime | None, tenant: str | None, types: tuple[str, ...]
) -> None:
    """Write events to standard output, in the format that `import` takes."""
    tenant, database = _known(tenant), current_app.extensions["database"]
    with click.open_file("-", "wb") as out, database.read(None) as session:
        for line in export_lines(session, tenant, _day(first), _day(last), types):
            out.write(orjson.dumps(line) + b"\n")


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
