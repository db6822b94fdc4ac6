"""`event_id` is the idempotency key: whatever is sent twice is stored once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import bearer, dispose, make_app, make_key, make_tenant
from tests.ingest.sending import CLICK, stored, value, with_id

ID = "0199f3a2-6d1c-7c3e-9a51-0f2d4c8b7e10"


@pytest.fixture
def other_app(app: Flask, database_url: str, environment: dict[str, str]) -> Iterator[Flask]:
    """A second application on the same database, as another process would be."""
    other = make_app(database_url, environment)
    yield other
    dispose(other)


def test_a_second_event_with_the_same_id_is_a_duplicate(app: Flask, client: FlaskClient) -> None:
    assert client.post("/api/events", json=with_id(CLICK, ID)).json["accepted"] == 1
    answer = client.post("/api/events", json=with_id(CLICK, ID))
    assert answer.status_code == 202
    assert answer.json == {"accepted": 0, "duplicates": 1, "sampled": 0, "rejected": []}
    assert stored(app) == 1
    assert value(app, "SELECT sum(events) FROM daily_events") == 1


def test_the_spelling_of_an_id_does_not_matter(app: Flask, client: FlaskClient) -> None:
    spellings = (ID, ID.upper(), ID.replace("-", ""), "{" + ID + "}", "urn:uuid:" + ID)
    answer = client.post("/api/events", json={"events": [with_id(CLICK, one) for one in spellings]})
    assert answer.json["accepted"] == 1
    assert answer.json["duplicates"] == 4


def test_the_same_id_twice_in_one_batch_is_stored_once(app: Flask, client: FlaskClient) -> None:
    answer = client.post("/api/events", json={"events": [with_id(CLICK, ID)] * 3 + [CLICK]})
    assert answer.json["accepted"] == 2
    assert answer.json["duplicates"] == 2
    assert stored(app) == 2


def test_the_same_id_in_two_tenants_is_two_events(app: Flask, client: FlaskClient) -> None:
    make_tenant(app, "acme")
    key = make_key(app, "acme", ("write",))
    assert client.post("/api/events", json=with_id(CLICK, ID)).json["accepted"] == 1
    answer = client.post("/api/events", json=with_id(CLICK, ID), headers=bearer(key))
    assert answer.json["accepted"] == 1
    assert stored(app) == 2


def test_many_requests_at_once_with_the_same_ids_store_each_once(
    app: Flask, other_app: Flask
) -> None:
    batch = {"events": [with_id(CLICK) for _ in range(25)]}

    def send(one: Flask) -> dict[str, int]:
        answer = one.test_client().post("/api/events", json=batch)
        assert answer.status_code == 202
        return dict(answer.json or {})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, [app, other_app] * 6))
    assert sum(answer["accepted"] for answer in answers) == 25
    assert sum(answer["duplicates"] for answer in answers) == 11 * 25
    assert stored(app) == 25
    assert value(app, "SELECT sum(events) FROM daily_events") == 25
    assert value(app, "SELECT sum(duplicates) FROM daily_ingest") == 11 * 25
