"""The Python client against the real service: what it reports is stored."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from tests.clients.test_python_client import SESSION, Tracker
from tests.conftest import make_key
from tracker.model import Event, TripAttempt


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(url: str, write_key: str) -> Iterator[Tracker]:
    client = Tracker(url, write_key, linger=0.01)
    yield client
    client.close()


def attempts(app: Flask) -> list[TripAttempt]:
    with app.extensions["database"].read(["default"]) as session:
        return list(session.execute(select(TripAttempt).order_by(TripAttempt.created_at)).scalars())


def test_trips_fold_into_attempts_with_their_outcome(app: Flask, client: Tracker) -> None:
    with client.track_trip(session_id=SESSION, input_snapshot={"to": "Porto"}) as trip:
        trip.succeeded("trip_1")
    with pytest.raises(LookupError), client.track_trip(prompt_contract_version="v2"):
        raise LookupError
    assert client.close(30)
    assert (client.sent, client.dropped) == (4, 0)
    good, bad = attempts(app)
    assert (good.status, good.trip_id, good.input_snapshot) == (
        "success",
        "trip_1",
        {"to": "Porto"},
    )
    assert (bad.status, bad.error_code) == ("failed", "LookupError")
    assert bad.prompt_contract_version == "v2"


def test_a_link_attaches_the_user_to_earlier_attempts(app: Flask, client: Tracker) -> None:
    with client.track_trip(session_id=SESSION) as trip:
        trip.succeeded("trip_1")
    client.link(SESSION, "u-7", email="a@example.org")
    assert client.close(30)
    assert [attempt.user_id for attempt in attempts(app)] == ["u-7"]


def test_a_business_event_belongs_to_the_tenant_of_the_key(app: Flask, client: Tracker) -> None:
    client.log_event("checkout_completed", {"plan": "team", "stripeSessionId": "cs_1"})
    assert client.close(30)
    with app.extensions["database"].read(["default"]) as session:
        event = session.execute(select(Event)).scalar_one()
    assert (event.tenant_id, event.source) == ("default", "server")


def test_a_wrong_key_is_said_in_words(url: str, caplog: pytest.LogCaptureFixture) -> None:
    client = Tracker(url, "trk_wrong")
    client.log_event("checkout_completed", {"plan": "team", "stripeSessionId": "cs_1"})
    assert client.close(30)
    assert client.dropped == 1
    assert "HTTP 401 invalid_key" in caplog.text


def test_one_bad_event_does_not_spoil_its_batch(
    app: Flask, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Tracker(url, make_key(app, "default", ("write",)), linger=30)
    client.log_event("checkout_completed", {"plan": "team", "stripeSessionId": "cs_1"})
    client.log_event("checkout_completed", {"plan": "team", "unknown": 1})
    assert client.close(30)
    assert (client.sent, client.dropped) == (1, 1)
    assert "checkout_completed: invalid_event" in caplog.text
    assert "payload.stripeSessionId: is required" in caplog.text
