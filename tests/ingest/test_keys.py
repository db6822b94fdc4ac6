"""Keys: whose events, and what may be done with them."""

import base64

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import bearer, make_key, make_tenant
from tests.ingest.sending import CLICK, event_of, rows, stored, value
from tracker.model import Tenant
from tracker.store.access import revoke_key

SALE = event_of("quota_exceeded")


def basic(user: str, password: str = "") -> dict[str, str]:
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def test_a_write_key_s_events_are_its_tenant_s(app: Flask, client: FlaskClient) -> None:
    make_tenant(app, "acme")
    key = make_key(app, "acme", ("write",))
    sent = SALE | {"user_id": "u1"}
    assert client.post("/api/events", json=sent, headers=bearer(key)).status_code == 202
    columns = "tenant_id, source, user_id"
    assert rows(app, f"SELECT {columns} FROM events") == [("acme", "server", "u1")]


def test_a_write_key_works_as_the_user_name_of_http_basic(
    app: Flask, client: FlaskClient, write_key: str
) -> None:
    assert client.post("/api/events", json=SALE, headers=basic(write_key)).status_code == 202
    answer = client.post("/api/events", json=SALE, headers=basic(write_key, "ignored"))
    assert answer.status_code == 202
    assert stored(app) == 2


def test_a_read_key_may_not_write(app: Flask, client: FlaskClient, read_key: str) -> None:
    answer = client.post("/api/events", json=SALE, headers=bearer(read_key))
    assert answer.status_code == 401
    assert answer.json["error"]["code"] == "invalid_key"
    assert stored(app) == 0


def test_a_revoked_key_is_refused(app: Flask, client: FlaskClient, write_key: str) -> None:
    assert client.post("/api/events", json=SALE, headers=bearer(write_key)).status_code == 202
    (key_id,) = rows(app, "SELECT id FROM api_keys")[0]
    with app.extensions["database"].write() as connection:
        revoke_key(connection, str(key_id), actor="test")
    assert client.post("/api/events", json=SALE, headers=bearer(write_key)).status_code == 401


class TestWithOneDatabase:
    """Which headers hold no key is no matter of databases."""

    @pytest.fixture
    def database_url(self, sqlite_database: str) -> str:
        return sqlite_database

    @pytest.mark.parametrize(
        "header",
        [
            "Bearer trk_nothing",
            "Bearer",
            "Bearer ",
            "Basic",
            "Basic !!!",
            "Basic Og==",
            "Basic /////w==",
            "trk_alone",
            "Digest username=x",
            "Bearer " + "x" * 5000,
            "Bearer \xff\xfe",
            "",
        ],
    )
    def test_a_key_that_is_none_is_401_even_for_events_that_need_none(
        self, client: FlaskClient, header: str
    ) -> None:
        answer = client.post("/api/events", json=CLICK, headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.json["error"]["code"] == "invalid_key"


class TestSampling:
    """Types that a tenant keeps one in n of."""

    @pytest.fixture(autouse=True)
    def sampled(self, app: Flask) -> None:
        with app.extensions["database"].write() as connection:
            chosen = {"settings": {"sampling": {"message_sent": 4}}}
            connection.execute(Tenant.__table__.update().values(chosen))

    def test_a_conversation_is_kept_or_left_out_whole_and_counted_by_weight(
        self, app: Flask, client: FlaskClient, write_key: str
    ) -> None:
        events = [
            event_of("message_sent", payload={"conversationId": f"c{n}", "role": role})
            for n in range(200)
            for role in ("user", "assistant")
        ]
        answer = client.post("/api/events", json={"events": events}, headers=bearer(write_key))
        kept = answer.json["accepted"]
        assert answer.json["sampled"] == 400 - kept
        assert 40 <= kept <= 160  # 100 expected of 400
        by_conversation = "SELECT count(*) FROM events GROUP BY subject"
        assert set(rows(app, by_conversation)) == {(2,)}
        assert value(app, "SELECT sum(events) FROM daily_events") == 4 * kept
        assert value(app, "SELECT sum(kept) FROM daily_events") == kept
        assert value(app, "SELECT sum(sampled) FROM daily_ingest") == 400 - kept

    def test_all_sampled_out_is_a_202(self, client: FlaskClient, write_key: str) -> None:
        events = [
            event_of("message_sent", payload={"conversationId": f"c{n}", "role": "user"})
            for n in range(60)
        ]
        answers = [
            client.post("/api/events", json=event, headers=bearer(write_key)) for event in events
        ]
        assert {answer.status_code for answer in answers} == {202}
        left_out = {"accepted": 0, "duplicates": 0, "sampled": 1, "rejected": []}
        assert left_out in [answer.json for answer in answers]
