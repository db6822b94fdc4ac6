"""The clock: each job by one process, and by another one when that dies."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from flask import Flask
from sqlalchemy import select

from tests.conftest import SESSION, record
from tracker.config import ROOT
from tracker.jobs.clock import LEASE, start_clock
from tracker.model import Lease, Unsettled
from tracker.store.leases import hold, release

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SEARCH = {
    "event_type": "sage_query",
    "session_id": SESSION,
    "payload": {
        "query_text": "fado",
        "function_called": "search_experts",
        "result_count": 1,
        "expert_ids": ["e1"],
    },
}


def held(app: Flask, name: str, holder: str, seconds: float) -> bool:
    with app.extensions["database"].write() as connection:
        return hold(connection, name, holder, NOW + timedelta(seconds=seconds), LEASE)


def test_a_lease_is_held_by_one_process_until_it_runs_out(app: Flask) -> None:
    assert held(app, "settle", "a", 0)
    assert not held(app, "settle", "b", 1)
    assert held(app, "alerts", "b", 1)
    assert held(app, "settle", "a", 15)  # renewed
    assert not held(app, "settle", "b", 30)
    assert held(app, "settle", "b", 36)
    assert not held(app, "settle", "a", 37)


def test_a_released_lease_is_free_at_once(app: Flask) -> None:
    assert held(app, "settle", "a", 0)
    with app.extensions["database"].write() as connection:
        release(connection, "a")
    assert held(app, "settle", "b", 1)


def test_the_clock_settles_what_comes_in(app: Flask) -> None:
    stop = start_clock(app)
    try:
        record(app, SEARCH | {"event_id": str(uuid4())}, settle=False)
        assert eventually(lambda: unsettled(app) == 0)
    finally:
        stop()
    with app.extensions["database"].read(None) as session:
        assert session.execute(select(Lease.holder)).all() == []


def unsettled(app: Flask) -> int:
    with app.extensions["database"].read(None) as session:
        return len(session.execute(select(Unsettled.key)).all())


def test_flask_worker_runs_the_clock_and_ends_when_told(database_url: str) -> None:
    environment = os.environ | {"DATABASE_URL": database_url, "TRACKER_ENV": "development"}
    command = [sys.executable, "-m", "flask", "worker"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "the clock runs" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def eventually(holds: object, seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False
