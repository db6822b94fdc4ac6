"""Migrations: the indexes are the models', and what was stored before is brought along."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import make_url, select, text

from tests import postgres
from tests.conftest import dispose, make_app, record
from tests.metrics.asking import ANNA, BEN, CARA, search
from tracker.config import ROOT
from tracker.model import Base, SessionDay
from tracker.store.uniques import bound

INDEXES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'",
}


def test_the_migrated_indexes_are_those_of_the_models(app: Flask) -> None:
    declared = {index.name for table in Base.metadata.tables.values() for index in table.indexes}
    with app.extensions["database"].reader.connect() as connection:
        made = set(connection.scalars(text(INDEXES[connection.dialect.name])))
    assert declared <= made
    assert {name for name in made if name.startswith("ix_")} <= declared


def test_nothing_is_left_to_migrate(postgres_database: str) -> None:
    app = make_app(postgres_database, {})
    with app.extensions["database"].reader.connect() as connection:
        compared = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(compared, Base.metadata) == []
    dispose(app)


@pytest.mark.parametrize(
    ("events", "at_most"),
    [
        (1, 4),
        (4, 4),
        (5, 8),
        (17, 32),
        (32, 32),
        (33, 36),
        (36, 36),
        (61, 64),
        (64, 64),
        (65, 72),
        (128, 128),
        (129, 144),
        (1000, 1024),
    ],
)
def test_bounds_are_powers_of_two_up_to_32_and_eighths_from_there_on(
    events: int, at_most: int
) -> None:
    assert bound(events) == at_most


def test_no_bound_is_below_what_it_bounds() -> None:
    bounds = [bound(events) for events in range(5_000)]
    assert all(events <= at_most for events, at_most in enumerate(bounds))
    assert bounds == sorted(bounds)


def test_bounds_of_before_are_made_finer(app: Flask) -> None:
    for session, days in ((ANNA, {"02": 30, "03": 9}), (BEN, {"02": 70}), (CARA, {"02": 30})):
        record(
            app,
            *(
                search(f"{day} 09:{n % 60:02}", session)
                for day, many in days.items()
                for n in range(many)
            ),
        )
    database = app.extensions["database"]
    with app.app_context():
        downgrade(revision="20261120_initial")
        with database.write() as connection:
            for session, coarse in ((ANNA, 64), (BEN, 128), (CARA, 32)):
                connection.execute(
                    text("UPDATE session_days SET at_most = :n WHERE session_id = :id"),
                    {"n": coarse, "id": session},
                )
        upgrade()
    with database.read(None) as session:
        rows = select(SessionDay.session_id, SessionDay.at_most).distinct()
        assert dict(session.execute(rows).all()) == {ANNA: 40, BEN: 72, CARA: 32}


def test_a_database_user_who_may_make_no_roles_is_enough_once_an_administrator_made_it(
    postgres_url: str,
) -> None:
    url = postgres.new_database(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as administrator:
        for statement in (
            "DO $$ BEGIN CREATE ROLE tracker_reader NOLOGIN;"
            " EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            "CREATE ROLE plain LOGIN",
            "GRANT tracker_reader TO plain",
            f"ALTER DATABASE {make_url(url).database} OWNER TO plain",
        ):
            administrator.execute(statement.encode())
    app = make_app(url.replace("//postgres:", "//plain:"), {})
    with app.app_context():
        upgrade()
    with app.extensions["database"].read(("default",)) as session:
        who = session.execute(text("SELECT session_user, current_user, id FROM tenants")).one()
    assert tuple(who) == ("plain", "tracker_reader", "default")
    dispose(app)


def test_services_that_are_released_at_once_migrate_one_after_the_other(
    postgres_url: str,
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": postgres.new_database(postgres_url),
        "SECRET_KEY": "a secret of the tests",
    }
    command = [str(Path(sys.executable).with_name("flask")), "--app", "wsgi", "db", "upgrade"]
    started = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(3)]
    assert [process.wait(120) for process in started] == [0, 0, 0]
