"""How a process starts: what it logs of what it found, and when it looks for garbage."""

import json
import sys

from flask import Flask
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from tracker import __version__
from tracker.store.revision import newest_revision, revision_of

GARBAGE = (20_000, 20, 20)
"""How many more objects than now exist before Python looks for cycles, of which we make few.

A group of events alone makes more than the 700 that Python would wait for.
"""


def log_start(app: Flask) -> None:
    """Writes one JSON line: database, migration revision and the tables found."""
    line = {"event": "start", "version": __version__, "needs_revision": newest_revision()}
    print(json.dumps(line | _database(app)), file=sys.stderr, flush=True)


def _database(app: Flask) -> dict[str, object]:
    engine = app.extensions["database"].reader
    found: dict[str, object] = {"database": engine.url.render_as_string(hide_password=True)}
    try:
        with engine.connect() as connection:
            tables = sorted(inspect(connection).get_table_names())
            revision = revision_of(connection) if "alembic_version" in tables else None
        found |= {"revision": revision, "tables": tables}
    except SQLAlchemyError as error:
        found |= {"error": type(error).__name__}
    finally:
        engine.dispose()  # a connection must not be shared with the processes to be forked
    return found
