"""`GET /api/events`: a tenant's events for another program."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from docs.generate import DOCS
from tests.conftest import SESSION, bearer, make_key, make_tenant, record
from tests.ingest.sending import CLICK, FILTER, QUERY, event_of
from tracker.model import Event

FIELDS = {
    "id",
    "event_type",
    "tenant_id",
    "session_id",
    "email",
    "user_id",
    "request_id",
    "occurred_at",
    "received_at",
    "source",
    "payload",
}


def walk(client: FlaskClient, key: str, limit: int = 2, between: Any = None) -> list[str]:
    """The ids of all events, slice by slice; `between` runs after each slice."""
    ids: list[str] = []
    query = f"limit={limit}"
    while True:
        body = client.get(f"/api/events?{query}", headers=bearer(key)).json
        ids += [event["id"] for event in body["data"]]
        if not body["has_more"]:
            return ids
        if between:
            between()
        query = f"limit={limit}&starting_after={ids[-1]}"


def test_an_event_has_exactly_the_fields_of_the_contract(
    app: Flask, client: FlaskClient, read_key: str
) -> None:
    event_id = str(uuid4())
    record(app, CLICK | {"event_id": event_id, "email": "Ann@Example.com"})
    body = client.get("/api/events", headers=bearer(read_key)).json
    (event,) = body["data"]
    assert event.keys() == FIELDS
    assert (event["id"], event["email"], event["session_id"]) == (
        event_id,
        "ann@example.com",
        SESSION,
    )
    assert event["payload"] == CLICK["payload"]
    assert event["occurred_at"].endswith("Z")
    assert body["has_more"] is False


def test_a_walk_meets_every_event_once_while_new_ones_arrive(
    app: Flask, client: FlaskClient, read_key: str
) -> None:
    # All of one import are received in the same moment: their ids alone tell them apart.
    wanted = [str(uuid4()) for _ in range(7)]
    record(app, *(CLICK | {"event_id": one} for one in wanted))
    ids = walk(client, read_key, between=lambda: record(app, CLICK | {"event_id": str(uuid4())}))
    assert sorted(ids) == sorted(wanted)


def test_the_newest_received_comes_first(app: Flask, client: FlaskClient, read_key: str) -> None:
    first, second = str(uuid4()), str(uuid4())
    record(app, CLICK | {"event_id": first})
    record(app, CLICK | {"event_id": second})
    assert walk(client, read_key) == [second, first]


def test_who_follows_as_documented_misses_nothing_that_is_stored_late(
    app: Flask, client: FlaskClient, read_key: str
) -> None:
    first, late = str(uuid4()), str(uuid4())
    example = follower(client, read_key)
    record(app, CLICK | {"event_id": first})
    (event,) = example["news"]({})
    known = {event["id"]: example["received"](event)}
    assert example["news"](known) == []
    # received before the first, and stored after that was read
    record(app, CLICK | {"event_id": late})
    with app.extensions["database"].write() as connection:
        earlier = {"received_at": known[first] - timedelta(seconds=30)}
        connection.execute(update(Event).where(Event.id == late).values(earlier))
    assert [event["id"] for event in example["news"](known)] == [late]


def follower(client: FlaskClient, key: str) -> dict[str, Any]:
    """What the example of the docs defines; it asks this service."""
    page = (DOCS / "webhooks.md").read_text()
    examples = re.findall(r"^```python\n(.+?)^```", page, re.S | re.M)
    (code,) = (code for code in examples if "def news" in code)
    defined: dict[str, Any] = {}
    exec(code, defined)
    defined["page"] = lambda query: client.get(f"/api/events?{query}", headers=bearer(key)).json
    return defined


def test_types_may_be_several_and_end_in_a_star(
    app: Flask, client: FlaskClient, read_key: str
) -> None:
    record(app, CLICK, QUERY, FILTER, event_of("ingest_started"), event_of("ingest_failed"))

    def types(query: str) -> list[str]:
        body = client.get(f"/api/events?{query}", headers=bearer(read_key)).json
        return sorted(event["event_type"] for event in body["data"])

    assert types("type=ingest_*") == ["ingest_failed", "ingest_started"]
    assert types("type=card_click&type=sage_query") == ["card_click", "sage_query"]
    assert types("type=i%25") == []  # no wildcard but the star
    assert len(types("type=*")) == 5


def test_a_range_holds_the_events_that_occurred_in_it_both_ends_included(
    app: Flask, client: FlaskClient, read_key: str
) -> None:
    record(
        app,
        *(CLICK | {"occurred_at": f"2026-11-{day:02}T23:59:59Z"} for day in (10, 11, 12)),
    )

    def days(query: str) -> list[str]:
        body = client.get(f"/api/events?{query}", headers=bearer(read_key)).json
        return sorted(event["occurred_at"][8:10] for event in body["data"])

    assert days("from=2026-11-11") == ["11", "12"]
    assert days("to=2026-11-11") == ["10", "11"]
    assert days("from=2026-11-11&to=2026-11-11") == ["11"]
    assert days("from=2026-11-11T23:59:59Z&to=2026-11-11T23:59:59%2B00:00") == ["11"]


@pytest.mark.parametrize("environment", [{"TRACKER_REPORTING_TIMEZONE": "Pacific/Auckland"}])
@pytest.mark.parametrize("first", ["0001-01-01", "0001-01-01T00:00:00%2B14:00"])
@pytest.mark.parametrize("last", ["9999-12-31", "9999-12-31T23:59:59-14:00"])
def test_a_range_may_go_to_the_ends_of_the_calendar(
    app: Flask, client: FlaskClient, read_key: str, first: str, last: str
) -> None:
    record(app, CLICK)
    for query in (f"from={first}", f"to={last}", f"from={first}&to={last}"):
        answer = client.get(f"/api/events?{query}", headers=bearer(read_key))
        assert (answer.status_code, len(answer.json["data"])) == (200, 1)
    for query in (f"from={last}", f"to={first}"):
        assert client.get(f"/api/events?{query}", headers=bearer(read_key)).json["data"] == []


def test_a_key_reads_its_own_tenant_alone(app: Flask, client: FlaskClient) -> None:
    make_tenant(app, "acme")
    foreign = str(uuid4())
    record(app, CLICK | {"event_id": foreign})
    key = make_key(app, "acme", ("read",))
    assert client.get("/api/events", headers=bearer(key)).json["data"] == []
    cursor = client.get(f"/api/events?starting_after={foreign}", headers=bearer(key))
    assert cursor.status_code == 400
    assert client.get("/api/events?tenant=default", headers=bearer(key)).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "starting_after=nothing",
        "starting_after=0199f3a2-6d1c-7c3e-9a51-0f2d4c8b7e10",
        "from=yesterday",
        "to=2026-13-01",
        "from=2026-11-11T10:00:00",
        "to=2026-11-11&from=2026-11-12",
        "type=%00",
        "unknown=1",
    ],
)
def test_a_faulty_query_names_its_fault(client: FlaskClient, read_key: str, query: str) -> None:
    answer = client.get(f"/api/events?{query}", headers=bearer(read_key))
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "invalid_parameter"
    assert answer.json["error"]["fields"][0]["path"] == query.split("=")[0]


def test_reading_takes_a_key_with_the_scope_read(client: FlaskClient, write_key: str) -> None:
    assert client.get("/api/events").status_code == 401
    assert client.get("/api/events", headers=bearer("trk_wrong")).status_code == 401
    assert client.get("/api/events", headers=bearer(write_key)).status_code == 401


def test_a_key_reads_30000_rows_a_minute_and_no_more(
    app: Flask, client: FlaskClient, read_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.ingest.feed.ROWS_A_MINUTE", 5)
    monkeypatch.setattr("tracker.ingest.ratelimit.time.time", lambda: 1_800_000_030.0)
    record(app, *(CLICK for _ in range(7)))

    def read() -> Any:
        return client.get("/api/events?limit=3", headers=bearer(read_key))

    # 3 rows, then the 2 that are left, then none
    assert [len(read().json["data"]), len(read().json["data"])] == [3, 2]
    refused = read()
    assert (refused.status_code, refused.json["error"]["code"]) == (429, "rate_limited")
    assert refused.headers["Retry-After"] == "30"


def test_rows_that_were_not_there_are_not_counted(
    app: Flask, client: FlaskClient, read_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.ingest.feed.ROWS_A_MINUTE", 5)
    monkeypatch.setattr("tracker.ingest.ratelimit.time.time", lambda: 1_800_000_030.0)
    record(app, CLICK)
    for _ in range(5):
        answer = client.get("/api/events", headers=bearer(read_key))
        assert len(answer.json["data"]) == 1


def test_the_description_of_the_api_tells_of_the_feed(
    app: Flask, client: FlaskClient, read_key: str
) -> None:
    described = client.get("/api/openapi.json").json
    operation = described["paths"]["/api/events"]["get"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert names == {"limit", "starting_after", "type", "from", "to"}
    assert set(described["components"]["schemas"]["Outgoing"]["properties"]) == FIELDS
    record(app, CLICK)
    (event,) = client.get("/api/events", headers=bearer(read_key)).json["data"]
    assert event.keys() == FIELDS
