"""/catalog/<event type>: what its payload holds."""

from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import make_tenant, record
from tests.dashboard.reading import in_words, panel_of
from tests.dashboard.test_panels import click, search
from tracker.catalog import CATALOG
from tracker.store.settings import change_settings


def test_the_page_of_every_event_type_tells_the_fields_of_its_payload(
    operator: FlaskClient,
) -> None:
    for name, event in CATALOG.items():
        told = in_words(panel_of(operator.get(f"/catalog/{name}").text, "payload"))
        assert "could not be worked out" not in told, name
        assert all(field in told for field in event.payload_schema().get("properties", {})), name


def test_the_page_of_a_type_says_how_many_of_it_came_in(app: Flask, operator: FlaskClient) -> None:
    record(app, click(), click(1), search(2))
    received = "Received in this period: {} accepted"
    assert received.format(2) in in_words(operator.get("/catalog/card_click").text)
    assert received.format(1) in in_words(operator.get("/catalog/sage_query").text)


def test_a_field_of_several_types_names_them_all(operator: FlaskClient) -> None:
    told = in_words(panel_of(operator.get("/catalog/filter_change").text, "payload"))
    assert "boolean or number or string or array" in told


def test_raw_events_are_kept_as_long_as_by_the_chosen_tenant_that_keeps_them_least(
    app: Flask, operator: FlaskClient
) -> None:
    for tenant in ("acme", "blue"):
        make_tenant(app, tenant)
    with app.extensions["database"].write() as connection:
        change_settings(connection, "acme", "test", {"retention_days": 60})
    kept = app.extensions["settings"].retention_days
    for query, days in (("", 60), ("?tenant=acme", 60), ("?tenant=blue", kept)):
        rows = operator.get(f"/catalog/event-types.json{query}").json["rows"]
        assert {row["retention_days"] for row in rows} == {days}


def test_commands_for_another_tenant_than_the_default_one_have_a_key(
    app: Flask, operator: FlaskClient
) -> None:
    make_tenant(app, "acme")
    key = "-H &#39;Authorization: Bearer trk_...&#39;"
    for path in ("/demand", "/catalog/card_click"):
        assert key in operator.get(f"{path}?tenant=acme").text
        for tenant in ("", "default"):
            assert key not in operator.get(f"{path}?tenant={tenant}").text


def test_what_a_type_tells_is_as_in_its_class_but_for_the_apostrophes_of_the_page(
    operator: FlaskClient,
) -> None:
    told = {name: event.purpose() for name, event in CATALOG.items()}
    rows = operator.get("/catalog/event-types.json").json["rows"]
    assert {row["event_type"]: row["purpose"] for row in rows} == told
    assert any("'" in purpose for purpose in told.values())
    assert not any(
        purpose in operator.get("/catalog").text for purpose in told.values() if "'" in purpose
    )
