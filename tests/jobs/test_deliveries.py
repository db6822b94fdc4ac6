"""The outbox: at least once, in time, and never twice by two workers."""

import base64
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import insert, select, update
from standardwebhooks import Webhook

from tests.jobs.receiver import Receiver
from tracker.jobs.deliveries import deliver_due
from tracker.model import AuditEntry, Delivery, Destination
from tracker.store import deliveries, destinations
from tracker.store.sealing import seal

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
DESTINATION = "018f0000-0000-7000-8000-000000000001"


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_ALLOW_PRIVATE_WEBHOOKS": "1"}


def add_destination(app: Flask, url: str, purpose: str = "alerts", kind: str = "webhook") -> None:
    key = app.extensions["settings"].secret_key
    with app.extensions["database"].write() as connection:
        connection.execute(
            insert(Destination).values(
                id=DESTINATION,
                tenant_id=None,
                purpose=purpose,
                kind=kind,
                name="on call",
                address=seal(url, key) if kind == "slack" else url,
                sealed_secret=seal(SECRET, key),
                event_types=[],
                created_at=datetime.now(UTC),
            )
        )


def enqueue(app: Flask, *names: str) -> int:
    with app.extensions["database"].write() as connection:
        return deliveries.enqueue(
            connection,
            [
                deliveries.Message(DESTINATION, None, name, "alert.fired", '{"text": "It broke."}')
                for name in names
            ],
        )


def deliver(app: Flask, **options: Any) -> int:
    return deliver_due(app.extensions["database"], app.extensions["settings"], **options)


def stored(app: Flask, name: str) -> Any:
    with app.extensions["database"].read(None) as session:
        return session.execute(select(Delivery.__table__).where(Delivery.message_id == name)).one()


def destination(app: Flask) -> Any:
    with app.extensions["database"].read(None) as session:
        return session.execute(select(Destination.__table__)).one()


def make_due(app: Flask) -> None:
    """Lets the time pass until the next attempt."""
    with app.extensions["database"].write() as connection:
        connection.execute(
            update(Delivery)
            .where(Delivery.due_at.is_not(None))
            .values(due_at=datetime.now(UTC) - timedelta(seconds=1))
        )


def test_a_delivery_arrives_signed_by_standard_webhooks(app: Flask) -> None:
    with Receiver() as receiver:
        add_destination(app, receiver.url + "?a=1")
        enqueue(app, "msg-1")
        assert deliver(app) == 1
    got = receiver.got[0]
    assert got.path == "/hook?a=1"
    assert got.headers["webhook-id"] == "msg-1"
    assert Webhook(SECRET).verify(got.body, got.headers) == {"text": "It broke."}
    row = stored(app, "msg-1")
    assert (row.state, row.attempts, row.due_at, row.last_answer) == (
        "delivered",
        1,
        None,
        "HTTP 204",
    )


def test_the_same_message_is_enqueued_once(app: Flask) -> None:
    add_destination(app, "http://127.0.0.1:9/")
    assert enqueue(app, "msg-1", "msg-2") == 2
    assert enqueue(app, "msg-2", "msg-3") == 1


def test_a_rolled_back_cause_sends_nothing(app: Flask) -> None:
    with Receiver() as receiver:
        add_destination(app, receiver.url)
        with pytest.raises(ZeroDivisionError):
            _enqueue_and_fail(app)
        assert deliver(app) == 0
    assert receiver.got == []


def _enqueue_and_fail(app: Flask) -> None:
    message = deliveries.Message(DESTINATION, None, "msg-1", "alert.fired", "{}")
    with app.extensions["database"].write() as connection:
        deliveries.enqueue(connection, [message])
        raise ZeroDivisionError


def test_a_host_with_several_addresses_is_reached_at_the_one_that_answers(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        (family, socket.SOCK_STREAM, 6, "", (address, 0))
        for family, address in ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1"))
    ]
    look_up = socket.getaddrinfo

    def looked_up(host: str, *more: Any, **options: Any) -> Any:
        return found if host == "localhost" else look_up(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    with Receiver() as receiver:
        add_destination(app, receiver.url.replace("127.0.0.1", "localhost"))
        enqueue(app, "msg-1")
        deliver(app)
    assert [stored(app, "msg-1").state, len(receiver.got)] == ["delivered", 1]


def test_a_slack_channel_gets_the_text_alone_and_its_url_is_sealed(app: Flask) -> None:
    with Receiver() as receiver:
        add_destination(app, receiver.url, kind="slack")
        enqueue(app, "msg-1")
        deliver(app)
    assert receiver.got[0].body == '{"text":"It broke."}'
    assert "127.0.0.1" not in destination(app).address


def test_slack_reads_no_mentions_and_links_in_what_somebody_named(app: Flask) -> None:
    with Receiver() as receiver:
        add_destination(app, receiver.url, kind="slack")
        text = "Most: <!channel> <https://evil.example|Log in> R&D."
        with app.extensions["database"].write() as connection:
            body = orjson.dumps({"text": text}).decode()
            message = deliveries.Message(DESTINATION, None, "m1", "alert.fired", body)
            deliveries.enqueue(connection, [message])
        deliver(app)
    told = orjson.loads(receiver.got[0].body)["text"]
    assert told == "Most: &lt;!channel&gt; &lt;https://evil.example|Log in&gt; R&amp;D."


def test_a_failed_attempt_is_tried_again_on_the_schedule_and_then_disables_the_channel(
    app: Flask,
) -> None:
    # 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h: eight attempts in all
    waits = [5, 300, 1800, 7200, 18000, 36000, 36000]
    told: list[list[str]] = []
    with Receiver(answers=[500] * 8) as receiver:
        add_destination(app, receiver.url)
        enqueue(app, "msg-1")
        for attempt, seconds in enumerate(waits, start=1):
            assert deliver(app) == 1
            row = stored(app, "msg-1")
            assert (row.attempts, row.state, row.last_answer) == (attempt, "waiting", "HTTP 500")
            due_in = (row.due_at - datetime.now(UTC)).total_seconds()
            assert seconds - 5 < due_in <= seconds
            make_due(app)
        assert destination(app).disabled_at is None
        assert deliver(app, announce=told.append) == 1
        assert stored(app, "msg-1").state == "failed"
        assert told == [[DESTINATION]]
        assert "HTTP 500" in destination(app).disabled_reason
        enqueue(app, "msg-2")
        assert deliver(app) == 0
        with app.extensions["database"].read(None) as session:
            actions = session.execute(select(AuditEntry.actor, AuditEntry.action)).all()
        assert ("clock", "destination.disable") in [tuple(row) for row in actions]


def test_what_waited_for_a_disabled_destination_is_sent_when_it_is_enabled(app: Flask) -> None:
    with Receiver() as receiver:
        add_destination(app, receiver.url)
        enqueue(app, "msg-1")
        with app.extensions["database"].write() as connection:
            destinations.disable(connection, DESTINATION, "Off.", "test", datetime.now(UTC))
        assert deliver(app) == 0
        with app.extensions["database"].write() as connection:
            destinations.enable(connection, DESTINATION, "test")
        assert deliver(app) == 1
    assert [got.headers["webhook-id"] for got in receiver.got] == ["msg-1"]


def test_what_waits_for_a_disabled_destination_is_not_read_at_each_claim(app: Flask) -> None:
    with Receiver() as receiver:
        add_destination(app, receiver.url)
        enqueue(app, "msg-1")
        with app.extensions["database"].write() as connection:
            destinations.disable(connection, DESTINATION, "Off.", "test", datetime.now(UTC))
        assert deliver(app) == 0
        parked = stored(app, "msg-1")
        assert (parked.state, parked.due_at) == ("waiting", None)
        with app.extensions["database"].write() as connection:
            assert destinations.replay(connection, DESTINATION, str(parked.id))
        assert deliver(app) == 0
        with app.extensions["database"].write() as connection:
            destinations.enable(connection, DESTINATION, "test")
        assert deliver(app) == 1
    assert stored(app, "msg-1").state == "delivered"


def test_behind_a_busy_destination_is_looked_once_a_second(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind: list[float] = []
    claim = deliveries.claim

    def noted(*asked: Any) -> Any:
        if asked[-1]:
            behind.append(time.monotonic())
        return claim(*asked)

    monkeypatch.setattr(deliveries, "claim", noted)
    with Receiver() as receiver:
        add_destination(app, receiver.url)
        enqueue(app, *(f"msg-{n}" for n in range(200)))
        began = time.monotonic()
        assert deliver(app) == 200
    assert len(behind) <= 1 + (time.monotonic() - began)


def test_a_tenants_webhook_is_disabled_only_after_five_days_of_failure(app: Flask) -> None:
    with Receiver(answers=[500, 500]) as receiver:
        add_destination(app, receiver.url, purpose="events")
        for name, days, disabled in (("msg-1", 4, False), ("msg-2", 6, True)):
            enqueue(app, name)
            since = datetime.now(UTC) - timedelta(days=days)
            with app.extensions["database"].write() as connection:
                connection.execute(update(Delivery).values(attempts=7))
                connection.execute(update(Destination).values(failing_since=since))
            deliver(app)
            assert stored(app, name).state == "failed"
            assert (destination(app).disabled_at is not None) is disabled


def test_a_receiver_that_is_gone_is_disabled_at_once(app: Flask) -> None:
    with Receiver(answers=[410]) as receiver:
        add_destination(app, receiver.url, purpose="events")
        enqueue(app, "msg-1")
        deliver(app)
    assert stored(app, "msg-1").state == "failed"
    assert "410" in destination(app).disabled_reason


def test_a_delivery_can_be_replayed_and_so_can_all_that_were_missed(app: Flask) -> None:
    with Receiver(answers=[204, 500, 500]) as receiver:
        add_destination(app, receiver.url)
        enqueue(app, "arrived", "missed-1", "missed-2")
        deliver(app)
        with app.extensions["database"].write() as connection:
            hour_ago = datetime.now(UTC) - timedelta(hours=1)
            assert destinations.replay_missed(connection, DESTINATION, hour_ago) == 2
        deliver(app)
        one = stored(app, "arrived")
        with app.extensions["database"].write() as connection:
            assert destinations.replay(connection, DESTINATION, one.id)
        deliver(app)
    names = [got.headers["webhook-id"] for got in receiver.got]
    assert len(names) == 6
    assert sorted(names[3:5]) == sorted(n for n in names[1:3])
    assert {stored(app, name).state for name in names} == {"delivered"}


def test_two_workers_never_send_the_same_delivery(app: Flask) -> None:
    names = [f"msg-{n}" for n in range(120)]
    with Receiver() as receiver:
        add_destination(app, receiver.url)
        enqueue(app, *names)
        workers = [threading.Thread(target=deliver, args=(app,)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert sorted(got.headers["webhook-id"] for got in receiver.got) == sorted(names)


def test_the_claim_of_a_worker_that_died_runs_out(app: Flask) -> None:
    with Receiver() as receiver:
        add_destination(app, receiver.url)
        enqueue(app, "msg-1")
        died_at = datetime.now(UTC)
        with app.extensions["database"].write() as connection:
            [dead] = deliveries.claim(connection, "dead", 10, died_at)
        assert deliver(app) == 0
        make_due(app)
        assert deliver(app) == 1
        # what the dead one says late counts no more
        with app.extensions["database"].write() as connection:
            late = deliveries.Outcome(dead, False, "late")
            deliveries.finish(connection, [late], datetime.now(UTC))
    assert stored(app, "msg-1").state == "delivered"


def test_a_redirect_is_not_followed(app: Flask) -> None:
    with Receiver(answers=[302]) as receiver:
        add_destination(app, receiver.url)
        enqueue(app, "msg-1")
        deliver(app)
    assert len(receiver.got) == 1
    assert stored(app, "msg-1").last_answer == "HTTP 302"


DRIPPING = """
from gevent import monkey
monkey.patch_all()
import socket, sys, threading, time
from contextlib import suppress
from tracker.jobs import sending

sending.DEADLINE_SECONDS = 0.5

def drip(listening):
    link, _ = listening.accept()
    link.recv(9999)
    with suppress(OSError):
        for byte in bytes.fromhex(sys.argv[2]) + bytes(300):
            link.sendall(bytes([byte]))
            time.sleep(0.1)

listening = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=drip, args=[listening], daemon=True).start()
began = time.monotonic()
try:
    sending.post(f"{sys.argv[1]}://127.0.0.1:{listening.getsockname()[1]}/", "", {}, True)
except TimeoutError:
    print(time.monotonic() - began)
"""
"""A receiver that sends a byte every tenth of a second, in a process like those of production."""


@pytest.mark.parametrize(
    ("scheme", "begins"),
    [("http", b"HTTP/1.1 "), ("https", b"\x16\x03\x03\x3e\x80\x02\x00\x3e\x7c\x03\x03")],
    ids=["an answer", "a TLS handshake"],
)
def test_nobody_holds_a_delivery_beyond_its_deadline_by_dripping(
    scheme: str, begins: bytes
) -> None:
    command = [sys.executable, "-c", DRIPPING, scheme, begins.hex()]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert float(told.stdout) < 5
