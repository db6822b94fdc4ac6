"""Webhooks of tenants: who gets what, signed, once, and again where it was missed."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, event, select, update
from standardwebhooks import Webhook

from tests.conftest import bearer, make_key, make_tenant, record
from tests.ingest.sending import event_of
from tests.jobs.receiver import Receiver
from tracker.jobs.deliveries import deliver_due
from tracker.model import Delivery, Destination
from tracker.store import deliveries, destinations, notifying, recording, subscriptions
from tracker.store.access import AccessError
from tracker.store.notifying import send_missed, wants

PLACE = "https://receiver.example/hook"


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_ALLOW_PRIVATE_WEBHOOKS": "1"}


@pytest.fixture(autouse=True)
def acme(app: Flask) -> None:
    make_tenant(app, "acme")


def subscribe(app: Flask, *types: str, tenant: str = "acme", url: str = PLACE) -> tuple[str, str]:
    key = app.extensions["settings"].secret_key
    with app.extensions["database"].write() as connection:
        return subscriptions.create_subscription(
            connection, tenant, "theirs", url, types or ("*",), "test", key
        )


def send(app: Flask, client: FlaskClient, *names: str, tenant: str = "acme") -> list[str]:
    """Sends events with a key of the tenant; returns their ids."""
    key = make_key(app, tenant, ("write",))
    events = [event_of(name, event_id=str(uuid4())) for name in names]
    answer = client.post("/api/events", json={"events": events}, headers=bearer(key))
    assert answer.json["accepted"] == len(names)
    return [event["event_id"] for event in events]


def outbox(app: Flask) -> list[Any]:
    with app.extensions["database"].read(None) as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.event_type)))


def test_a_subscriber_gets_the_types_it_wants_of_its_own_tenant(
    app: Flask, client: FlaskClient
) -> None:
    subscribe(app, "ingest_*", "quota_exceeded")
    make_tenant(app, "blue")
    send(app, client, "ingest_started", "quota_exceeded", "integration_failed")
    send(app, client, "quota_exceeded", tenant="blue")
    assert [one.event_type for one in outbox(app)] == ["ingest_started", "quota_exceeded"]
    assert {one.tenant_id for one in outbox(app)} == {"acme"}


def test_an_event_is_enqueued_once_however_often_it_is_sent(
    app: Flask, client: FlaskClient
) -> None:
    subscribe(app)
    key = make_key(app, "acme", ("write",))
    event = event_of("quota_exceeded", event_id=str(uuid4()))
    for _ in range(2):
        client.post("/api/events", json={"events": [event, event]}, headers=bearer(key))
    (only,) = outbox(app)
    assert only.message_id == event["event_id"]


def test_history_that_is_imported_is_not_sent(app: Flask) -> None:
    subscribe(app)
    record(app, event_of("quota_exceeded"), tenant="acme")
    assert outbox(app) == []


def test_a_delivery_verifies_by_the_standard_webhooks_library(
    app: Flask, client: FlaskClient
) -> None:
    with Receiver() as receiver:
        _, secret = subscribe(app, url=receiver.url)
        (event_id,) = send(app, client, "quota_exceeded")
        deliver_due(app.extensions["database"], app.extensions["settings"])
    (got,) = receiver.got
    body = Webhook(secret).verify(got.body, got.headers)
    assert got.headers["webhook-id"] == event_id
    assert body["type"] == "quota_exceeded"
    feed = client.get("/api/events", headers=bearer(make_key(app, "acme", ("read",)))).json
    assert body["data"] == feed["data"][0]
    assert body["timestamp"] == feed["data"][0]["occurred_at"]


def test_what_a_receiver_missed_is_sent_again_on_demand(app: Flask, client: FlaskClient) -> None:
    with Receiver(answers=[500]) as receiver:
        subscription_id, _ = subscribe(app, url=receiver.url)
        send(app, client, "quota_exceeded")
        deliver_due(app.extensions["database"], app.extensions["settings"])
        with app.extensions["database"].write() as connection:
            destinations.disable(connection, subscription_id, "away", "test", datetime.now(UTC))
        send(app, client, "ingest_started")  # never enqueued: the subscription is disabled
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        assert send_missed(app.extensions["database"], "acme", subscription_id, hour_ago, "me") == 2
        deliver_due(app.extensions["database"], app.extensions["settings"])
    assert [one.state for one in outbox(app)] == ["delivered", "delivered"]
    assert send_missed(app.extensions["database"], "acme", subscription_id, hour_ago, "me") == 0


@pytest.fixture
def by_twos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying, "AT_ONCE", 2)


@pytest.mark.usefixtures("by_twos")
def test_what_was_missed_is_enqueued_some_at_a_time_and_once(
    app: Flask, client: FlaskClient
) -> None:
    subscription_id = missed_by_one(app, client, *["quota_exceeded", "ingest_started"] * 4)
    database, hour_ago = app.extensions["database"], datetime.now(UTC) - timedelta(hours=1)
    with commits(app) as ended:
        assert send_missed(database, "acme", subscription_id, hour_ago, "me") == 4
    # enabled, what waited already, 8 events by twos, and a look that finds no more
    assert len(ended) == 1 + 1 + 4 + 1
    assert [one.event_type for one in outbox(app)] == ["quota_exceeded"] * 4
    assert len({one.message_id for one in outbox(app)}) == 4


@pytest.mark.usefixtures("by_twos")
def test_interrupted_it_keeps_what_it_did_and_does_the_rest_when_asked_again(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription_id = missed_by_one(app, client, *["quota_exceeded"] * 6)
    database, hour_ago = app.extensions["database"], datetime.now(UTC) - timedelta(hours=1)
    enqueue, turns = deliveries.enqueue, count(1)

    def enqueue_twice(*sent: Any) -> int:
        if next(turns) > 2:
            raise ConnectionError
        return enqueue(*sent)

    with monkeypatch.context() as broken:
        broken.setattr(deliveries, "enqueue", enqueue_twice)
        with pytest.raises(ConnectionError):
            send_missed(database, "acme", subscription_id, hour_ago, "me")
    assert len(outbox(app)) == 4
    send_missed(database, "acme", subscription_id, hour_ago, "me")
    assert len(outbox(app)) == len({one.message_id for one in outbox(app)}) == 6


def test_what_is_being_stored_while_a_subscription_is_enabled_is_not_missed(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription_id = missed_by_one(app, client, "ingest_started")
    database, hour_ago = app.extensions["database"], datetime.now(UTC) - timedelta(hours=1)
    looked, go_on = threading.Event(), threading.Event()

    def notify(*given: Any) -> int:
        enqueued = notifying.notify(*given)
        looked.set()
        assert go_on.wait(10)
        return enqueued

    monkeypatch.setattr(recording, "notify", notify)
    with ThreadPoolExecutor() as both:
        sending = both.submit(send, app, app.test_client(), "quota_exceeded")
        assert looked.wait(10)
        missed = both.submit(send_missed, database, "acme", subscription_id, hour_ago, "me")
        with pytest.raises(TimeoutError):
            missed.result(2)  # waits for the event, which took the subscription for disabled
        go_on.set()
        (event_id,) = sending.result(10)
        assert missed.result(10) == 1
    assert [one.message_id for one in outbox(app)] == [event_id]


def missed_by_one(app: Flask, client: FlaskClient, *names: str) -> str:
    """A subscription to quotas that was stopped while these events came, all at one moment."""
    subscription_id, _ = subscribe(app, "quota_*")
    with app.extensions["database"].write() as connection:
        destinations.disable(connection, subscription_id, "away", "test", datetime.now(UTC))
    send(app, client, *names)
    return subscription_id


@contextmanager
def commits(app: Flask) -> Iterator[list[Connection]]:
    """The transactions of writers that end meanwhile."""
    ended: list[Connection] = []
    writer, note = app.extensions["database"].writer, ended.append
    event.listen(writer, "commit", note)
    yield ended
    event.remove(writer, "commit", note)


def test_a_disabled_subscription_shows_as_a_notice(app: Flask) -> None:
    subscription_id, _ = subscribe(app)
    with app.extensions["database"].write() as connection:
        connection.execute(update(Destination).values(disabled_at=datetime.now(UTC)))
    with app.extensions["database"].read(None) as session:
        (notice,) = subscriptions.given_up(session, ["acme", "blue"])
    assert (str(notice.id), notice.name) == (subscription_id, "theirs")


def test_another_tenant_s_subscription_can_t_be_touched(app: Flask) -> None:
    subscription_id, _ = subscribe(app)
    make_tenant(app, "blue")
    now = datetime.now(UTC)
    key = app.extensions["settings"].secret_key
    for touch in (
        lambda c: subscriptions.change_types(c, "blue", subscription_id, ["*"], "test"),
        lambda c: subscriptions.rotate_secret(c, "blue", subscription_id, "test", key),
        lambda c: subscriptions.delete_subscription(c, "blue", subscription_id, "test"),
    ):
        with app.extensions["database"].write() as connection, pytest.raises(AccessError):
            touch(connection)
    with pytest.raises(AccessError):
        send_missed(app.extensions["database"], "blue", subscription_id, now, "test")


def test_deleting_a_subscription_takes_what_waits_for_it(app: Flask, client: FlaskClient) -> None:
    subscription_id, _ = subscribe(app)
    send(app, client, "quota_exceeded")
    with app.extensions["database"].write() as connection:
        subscriptions.delete_subscription(connection, "acme", subscription_id, "test")
    assert outbox(app) == []
    send(app, client, "quota_exceeded")
    assert outbox(app) == []


def test_the_signing_secret_is_sealed(app: Flask) -> None:
    _, secret = subscribe(app)
    with app.extensions["database"].read(None) as session:
        (sealed,) = session.scalars(select(Destination.sealed_secret))
        assert (
            subscriptions.list_subscriptions(session, "acme")[0]._mapping.get("sealed_secret")
            is None
        )
    assert secret.startswith("whsec_")
    assert secret not in sealed


@pytest.mark.parametrize("kind", ["plan_updated", "quota_*", "custom:greeted", "custom:*", "cus*"])
def test_types_that_can_be_are_taken(app: Flask, kind: str) -> None:
    assert subscribe(app, kind)


NONE_SUCH = (["plan_update"], ["quota-*"], ["*", "escalation"], ["customs:*"])
TOO_MANY = [f"custom:t{n}" for n in range(51)]


@pytest.mark.parametrize("types", [[], [" "], ["a*b"], ["x" * 81], TOO_MANY, *NONE_SUCH])
def test_types_that_can_t_be_are_refused(app: Flask, types: list[str]) -> None:
    with pytest.raises(AccessError):
        subscribe(app, *types or [""])


def test_a_star_at_the_end_stands_for_any_end() -> None:
    assert wants(["ingest_*"], "ingest_failed")
    assert wants(["*"], "anything")
    assert not wants(["ingest_*"], "integration_failed")
    assert not wants(["ingest"], "ingest_failed")


def test_a_body_is_plain_json_with_times_in_utc(app: Flask, client: FlaskClient) -> None:
    subscribe(app)
    send(app, client, "quota_exceeded")
    body = orjson.loads(outbox(app)[0].body)
    assert body["timestamp"].endswith("Z")
    assert body["data"].keys() >= {"id", "payload", "tenant_id"}
