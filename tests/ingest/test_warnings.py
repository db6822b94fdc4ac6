"""What operators learn of events that were refused."""

from flask import Flask
from flask.testing import FlaskClient

from tests.ingest.sending import CLICK, click, event_of, rows, value


def test_refusals_are_counted_by_type_code_and_field_with_a_sample(
    app: Flask, client: FlaskClient
) -> None:
    for _ in range(2):
        client.post("/api/events", json={"events": [CLICK, click(context="x")]})
    client.post("/api/events", json=CLICK | {"event_type": "no\0thing"})
    columns = "event_type, code, path, count, message"
    assert rows(app, f"SELECT {columns} FROM ingest_warnings ORDER BY event_type") == [
        ("card_click", "invalid_event", "payload.context", 2, "must be one of grid, sage_panel"),
        ("unknown", "unknown_event_type", "event_type", 1, "must be a name in the catalog"),
    ]
    refused = "SELECT event_type, sum(refused) FROM daily_ingest GROUP BY event_type ORDER BY 1"
    assert rows(app, refused) == [("card_click", 2), ("unknown", 1)]


def test_a_sample_holds_no_personal_data(app: Flask, client: FlaskClient) -> None:
    note = "write to ada@example.com or +49 30 901820, card 4111 1111 1111 1111"
    sent = click(context="x", note=note) | {"email": "eve@example.com", "request_id": "secret"}
    client.post("/api/events", json=sent)
    sample = value(app, "SELECT sample FROM ingest_warnings")
    assert "[email]" in sample
    assert "[phone]" in sample
    assert "[card]" in sample
    for hidden in ("ada@", "eve@", "901820", "4111", "secret", CLICK["session_id"]):
        assert hidden not in sample


def test_a_field_that_is_personal_data_itself_is_not_named(app: Flask, client: FlaskClient) -> None:
    for name in ("ada@example.com", "+49 30 901820"):
        client.post("/api/events", json=CLICK | {name: 1})
    named = rows(app, "SELECT path FROM ingest_warnings ORDER BY path")
    assert named == [("[email]",), ("[phone]",)]


def test_the_numbers_of_list_items_do_not_make_rows_of_their_own(
    app: Flask, client: FlaskClient
) -> None:
    for n in range(5):
        experts = ["e1"] * n + [""]
        payload = {"view_id": "v1", "context": "grid", "expert_ids": experts}
        client.post("/api/events", json=event_of("results_shown", payload=payload))
    assert rows(app, "SELECT path, count FROM ingest_warnings") == [("payload.expert_ids.*", 5)]


def test_one_request_can_t_fill_the_table(app: Flask, client: FlaskClient) -> None:
    batch = [CLICK | {f"field_{n}": 1} for n in range(300)]
    client.post("/api/events", json={"events": batch})
    assert value(app, "SELECT count(*) FROM ingest_warnings") <= 50
    assert value(app, "SELECT sum(refused) FROM daily_ingest") == 300
