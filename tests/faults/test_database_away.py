"""A database that goes away under load, and comes back."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask_migrate import upgrade

from tests import postgres
from tests.conftest import dispose, make_app
from tests.faults.conftest import StoredOnce
from tests.faults.service import Load, served

AWAY_SECONDS = 10


@pytest.fixture
def own_postgres() -> Iterator[Any]:
    """A PostgreSQL server for one test alone, which may stop it."""
    with postgres.server() as server:
        yield server


def migrated(server: Any) -> str:
    """The URL of a new database with all its tables."""
    url = postgres.new_database(server.get_uri())
    app = make_app(url, {})
    with app.app_context():
        upgrade()
    dispose(app)
    return url


@contextmanager
def frozen(server: Any) -> Iterator[None]:
    """The server's processes all hold still, as on a machine that hangs; no connection breaks."""
    postmaster = int((server.pgdata / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGSTOP)  # first, so that it starts no more
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    processes = [postmaster, *map(int, children)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def pg_ctl(server: Any, *arguments: str) -> None:
    command = [str(server.bin_path / "pg_ctl"), "-w", "-D", str(server.pgdata), *arguments]
    subprocess.run(command, check=True, user=server.system_user, stdout=subprocess.DEVNULL)


def test_a_postgresql_that_stops_is_503_until_it_is_back_and_nothing_is_lost(
    own_postgres: Any, assert_stored_once: StoredOnce
) -> None:
    url = migrated(own_postgres)
    with served(url) as service:
        load = Load(service)
        with load.running():
            load.wait_for(100)
            pg_ctl(own_postgres, "stop", "-m", "immediate")
            time.sleep(AWAY_SECONDS)
            assert service.ask("GET", "/healthz")[0] == 200
            assert service.ask("GET", "/readyz")[0] == 503
            log = str(own_postgres.pgdata / "log")
            pg_ctl(own_postgres, "-o", f'-h "" -k {own_postgres.pgdata}', "-l", log, "start")
            load.wait_for(100)
        assert load.statuses == {503}
        assert None not in load.retry_after
        load.send_unknown_again()
    assert_stored_once(url, load.acknowledged)


def test_a_postgresql_that_hangs_is_waited_for_or_503_and_nothing_is_lost(
    own_postgres: Any, assert_stored_once: StoredOnce
) -> None:
    url = migrated(own_postgres)
    with served(url) as service:
        load = Load(service)
        with load.running():
            load.wait_for(100)
            with frozen(own_postgres):
                time.sleep(AWAY_SECONDS)
                assert service.ask("GET", "/healthz")[0] == 200
            load.wait_for(100)
        assert load.statuses <= {503}
        assert None not in load.retry_after
        load.send_unknown_again()
    assert_stored_once(url, load.acknowledged)


def test_a_sqlite_file_that_another_process_holds_costs_time_and_no_events(
    sqlite_database: str, assert_stored_once: StoredOnce
) -> None:
    with served(sqlite_database) as service:
        load = Load(service)
        with load.running():
            load.wait_for(100)
            with open(sqlite_database.removeprefix("sqlite:///") + ".lock", "ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                time.sleep(AWAY_SECONDS)
                assert service.ask("GET", "/healthz")[0] == 200
            load.wait_for(100)
        assert load.statuses <= {503}
        load.send_unknown_again()
    assert_stored_once(sqlite_database, load.acknowledged)
