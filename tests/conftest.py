"""Real databases for every test: SQLite files, and a real PostgreSQL that pip brings."""

import gc
import os
import shutil
import time
from collections.abc import Generator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from tests import postgres
from tests.postgres import Reused
from tests.sharing import Sharing, turn
from tracker import create_app
from tracker.config import load_settings
from tracker.memory import remember_nothing
from tracker.store import operators

SESSION = "5516cb1f-6c99-46ba-bbf2-ae6444a9a4cf"
PASSWORD = "correct horse battery"
_MOST_KEPT = 12
"""How many apps the tests of a process keep; each holds memory, and may hold connections."""
_LATE = timedelta(seconds=30)
"""What is left of a day in which no test begins: many ask for what happened today."""

# No example is too slow on a busy machine. CI tries the same ones each time: it judges a change.
hypothesis.settings.register_profile(
    "tests", deadline=None, derandomize="TRACKER_NO_SKIPS" in os.environ
)
hypothesis.settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: turn(item.nodeid))


def pytest_collection_finish() -> None:
    """What is there by now stays; to look through it for garbage again and again takes a tenth."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    now = datetime.now(UTC)
    left = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC) - now
    if left < _LATE:
        time.sleep(left.total_seconds())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    config.option.loadscopereorder = False
    return Sharing(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where skipping is forbidden (CI), a skip is a failure; only the real data may be absent."""
    report = yield
    forbidden = report.skipped and os.environ.get("TRACKER_NO_SKIPS")
    if forbidden and "no real data" not in str(report.longrepr):
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session", autouse=True)
def product_hasher() -> Iterator[PasswordHasher]:
    """The product's way to hash passwords, which is slow on purpose; tests hash quickly."""
    hasher = operators.HASHER
    operators.HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield hasher
    operators.HASHER = hasher


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL server of this test run's own."""
    with postgres.server() as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                # a test's data may die with its machine
                connection.execute(f"ALTER SYSTEM SET {name} = off".encode())
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, copied for each test."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_migrated(postgres_url: str) -> Iterator[Reused]:
    """A migrated PostgreSQL database, emptied before each test."""
    url = postgres.new_database(postgres_url)
    _migrate(url)
    database = Reused(url)
    yield database
    database.close()


@pytest.fixture
def sqlite_database(sqlite_template: Path) -> str:
    path = sqlite_template.with_name("tracker.db")
    for suffix in ("", "-wal", "-shm", ".lock"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_database(postgres_migrated: Reused) -> str:
    postgres_migrated.begin_anew()
    return postgres_migrated.url


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


class Apps:
    """One app for each database and environment of the tests of this process.

    Making an app costs more than most tests ask of it. What could pass from one test to the next
    is its memory, which it loses, and its database, which is fresh.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], Flask] = {}

    def get(self, url: str, environment: dict[str, str]) -> Flask:
        """The app, remembering nothing."""
        key = (url, *sorted(environment.items()))
        if key not in self._made:
            self._made[key] = make_app(url, environment)
        if len(self._made) > _MOST_KEPT:
            dispose(self._made.pop(next(iter(self._made))))
        remember_nothing(self._made[key])
        return self._made[key]

    def close(self) -> None:
        for app in self._made.values():
            dispose(app)


@pytest.fixture(scope="session")
def apps() -> Iterator[Apps]:
    apps = Apps()
    yield apps
    apps.close()


@pytest.fixture
def app(
    request: pytest.FixtureRequest, database_url: str, environment: dict[str, str], apps: Apps
) -> Iterator[Flask]:
    """An app as it is in a process that has just begun, on a fresh database."""
    app = apps.get(database_url, environment)
    if app.extensions["database"].is_sqlite:
        yield app
        dispose(app)  # its file is about to go
    else:
        request.getfixturevalue("postgres_migrated").keep_connections_of(app)
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def make_app(database_url: str, environment: dict[str, str]) -> Flask:
    """An app on a database, with the environment of no machine."""
    defaults = {
        "SECRET_KEY": "a secret of the tests",
        "TRACKER_ENV": "development",
        "TRACKER_RETENTION_DAYS": "3650",  # as what many tests send is of November 2026
    }
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


def today() -> date:
    """The day it is; each test asks anew, since a run may go on past midnight."""
    return datetime.now(UTC).date()


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
