"""How often a client without a key may ask."""

from multiprocessing import get_context

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import SESSION, bearer
from tests.ingest.sending import CLICK, rows, stored
from tracker.ingest.ratelimit import RateCounters, fingerprint, seconds_to_next_window

NOON = 1_760_000_000.0 // 60 * 60


class TestTheLimit:
    @pytest.fixture
    def environment(self) -> dict[str, str]:
        return {"TRACKER_RATE_LIMIT": "5/minute"}

    @pytest.fixture(autouse=True)
    def one_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("time.time", lambda: NOON + 10)

    def test_the_next_request_beyond_the_limit_is_429(
        self, app: Flask, client: FlaskClient
    ) -> None:
        answers = [client.post("/api/events", json=CLICK) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [202] * 5 + [429] * 2
        refused = answers[-1]
        assert refused.json["error"]["code"] == "rate_limited"
        assert refused.headers["Retry-After"] == "50"
        assert stored(app) == 5

    def test_links_count_too(self, client: FlaskClient) -> None:
        link = {"session_id": SESSION, "email": "ada@example.com"}
        answers = [client.post("/api/sessions/link", json=link) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]

    def test_another_client_is_not_held_up(self, client: FlaskClient) -> None:
        for _ in range(6):
            client.post("/api/events", json=CLICK, environ_overrides={"REMOTE_ADDR": "10.0.0.1"})
        answer = client.post(
            "/api/events", json=CLICK, environ_overrides={"REMOTE_ADDR": "10.0.0.2"}
        )
        assert answer.status_code == 202

    def test_an_ipv6_client_does_not_choose_another_address(self, client: FlaskClient) -> None:
        def status(address: str) -> int:
            here = {"REMOTE_ADDR": address}
            return client.post("/api/events", json=CLICK, environ_overrides=here).status_code

        assert [status(f"2001:db8:1:2:{n}::{n}") for n in range(6)] == [202] * 5 + [429]
        assert status("2001:db8:1:3::1") == 202
        assert [status(f"::ffff:192.0.2.{n}") for n in range(6)] == [202] * 6
        assert status("fe80::1%eth0") == status("no address: at all") == 202

    def test_keys_have_no_limit(self, app: Flask, client: FlaskClient, write_key: str) -> None:
        for _ in range(8):
            answer = client.post("/api/events", json=CLICK, headers=bearer(write_key))
            assert answer.status_code == 202

    def test_a_batch_is_one_request(self, client: FlaskClient) -> None:
        answer = client.post("/api/events", json={"events": [CLICK] * 50})
        assert answer.status_code == 202

    def test_no_address_is_stored(self, app: Flask, client: FlaskClient) -> None:
        client.post("/api/events", json=CLICK, environ_overrides={"REMOTE_ADDR": "203.0.113.77"})
        for (table,) in _tables(app):
            assert "203.0.113.77" not in repr(rows(app, f"SELECT * FROM {table}")), table


def _tables(app: Flask) -> list[tuple[str]]:
    return [(name,) for name in app.extensions["migrate"].db.metadata.tables]


def test_a_client_starts_anew_each_minute() -> None:
    counters, client = RateCounters(), fingerprint("10.0.0.1", "salt")
    assert [counters.count(client, NOON + second) for second in (0, 30, 59.9)] == [1, 2, 3]
    assert counters.count(client, NOON + 60) == 1


def test_a_client_is_another_one_under_another_salt() -> None:
    assert fingerprint("10.0.0.1", "monday") != fingerprint("10.0.0.1", "tuesday")
    assert fingerprint("10.0.0.1", "monday") == fingerprint("10.0.0.1", "monday")


def test_the_wait_ends_with_the_minute() -> None:
    assert seconds_to_next_window(NOON) == 60
    assert seconds_to_next_window(NOON + 59.5) == 1


def _count_often(counters: RateCounters, client: bytes) -> None:
    for _ in range(20_000):
        counters.count(client, NOON)


def test_processes_count_together_and_exactly() -> None:
    counters, client = RateCounters(), fingerprint("10.0.0.1", "salt")
    fork = get_context("fork")
    processes = [fork.Process(target=_count_often, args=(counters, client)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert counters.count(client, NOON) == 40_001
