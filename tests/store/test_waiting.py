"""A connection that waits for PostgreSQL, but not for ever."""

import time

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tracker.store import waiting
from tracker.store.waiting import PatientConnection


def test_a_database_that_does_not_answer_counts_as_away(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "GIVING_WAY_SECONDS", 0.3)
    url = make_url(postgres_database).set(drivername="postgresql")
    connection = PatientConnection.connect(url.render_as_string(hide_password=False))
    assert connection.execute("SELECT 1").fetchone() == (1,)
    began = time.monotonic()
    with pytest.raises(psycopg.OperationalError, match="does not answer"):
        connection.execute("SELECT pg_sleep(60)")
    assert time.monotonic() - began < 30
    assert connection.closed
