"""The worker killed amid deliveries: all arrive, and twice only what was in the air."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.conftest import bearer, make_key
from tests.jobs.receiver import Receiver
from tracker.config import ROOT
from tracker.jobs.deliveries import SENDERS
from tracker.model import Delivery, Lease
from tracker.store.subscriptions import create_subscription

EVENTS = 600
QUOTA = {
    "event_type": "quota_exceeded",
    "payload": {"quotaType": "messages", "limit": 10, "attempted": 11},
}


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_ALLOW_PRIVATE_WEBHOOKS": "1"}


def test_kill_9_of_the_worker_loses_no_delivery_and_doubles_only_those_in_the_air(
    app: Flask, database_url: str
) -> None:
    with Receiver() as receiver:
        subscribe(app, receiver.url)
        sent = send_events(app)
        with worker(database_url) as process:
            wait_until(lambda: len(receiver.got) >= 150)
            process.kill()
        wait_until(lambda: is_quiet(receiver))
        before = Counter(ids(receiver))
        assert max(before.values()) == 1
        assert 150 <= len(before) < EVENTS
        let_claims_run_out(app)
        with worker(database_url):
            wait_until(lambda: states(app) == {"delivered"})
    arrived = Counter(ids(receiver))
    assert arrived.keys() == sent
    twice = {one for one, times in arrived.items() if times > 1}
    assert max(arrived.values()) <= 2
    assert twice <= before.keys()
    assert len(twice) <= SENDERS


def subscribe(app: Flask, url: str) -> None:
    key = app.extensions["settings"].secret_key
    with app.extensions["database"].write() as connection:
        create_subscription(connection, "default", "shop", url, ["quota_*"], "test", key)


def send_events(app: Flask) -> set[str]:
    """Sends events as a server does; returns the ids of the messages about them."""
    key = bearer(make_key(app, "default", ("write",)))
    for _ in range(EVENTS // 300):
        answer = app.test_client().post("/api/events", json={"events": [QUOTA] * 300}, headers=key)
        assert answer.get_json()["accepted"] == 300
    with app.extensions["database"].read(None) as session:
        return set(session.scalars(select(Delivery.message_id)))


@contextmanager
def worker(database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "SECRET_KEY": "a secret of the tests",
        "TRACKER_ENV": "development",
        "TRACKER_ALLOW_PRIVATE_WEBHOOKS": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "worker"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def let_claims_run_out(app: Flask) -> None:
    """As if the time had passed that leases and claims hold."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with app.extensions["database"].write() as connection:
        connection.execute(update(Lease).values(expires_at=past))
        connection.execute(
            update(Delivery).where(Delivery.claimed_by.is_not(None)).values(due_at=past)
        )


def ids(receiver: Receiver) -> list[str]:
    return [got.headers["webhook-id"] for got in receiver.got]


def is_quiet(receiver: Receiver) -> bool:
    before = len(receiver.got)
    time.sleep(1)
    return len(receiver.got) == before


def states(app: Flask) -> set[Any]:
    with app.extensions["database"].read(None) as session:
        return set(session.scalars(select(Delivery.state)))


def wait_until(holds: Callable[[], bool], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
