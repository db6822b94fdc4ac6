"""Errors are sentences, also when there is no database to ask."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.dashboard.conftest import ADMIN, csrf_token
from tracker.store.operators import set_password


def test_an_address_without_a_page_says_so(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert "Nothing here" in answer.text
    assert "There is nothing at this address." in answer.text
    assert "Traceback" not in answer.text


def test_no_address_has_a_nul(app: Flask, operator: FlaskClient) -> None:
    form = {"csrf_token": csrf_token(operator, "/settings")}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("dashboard.") and "<" in rule.rule:
            address = re.sub("<uuid:[^>]+>", str(uuid4()), rule.rule)
            address = re.sub("<[^>]+>", "a%00b", address)
            ask = operator.post if "POST" in (rule.methods or ()) else operator.get
            assert ask(address, data=form).status_code == 404, address


@pytest.fixture
def without_operators(app: Flask, operator: FlaskClient) -> Iterator[FlaskClient]:
    """A logged-in operator, while the table that operators are in is called otherwise."""
    rename(app, "operators", "gone")
    yield operator
    rename(app, "gone", "operators")


def rename(app: Flask, table: str, new: str) -> None:
    with app.extensions["database"].write() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO {new}"))


def test_a_fault_is_told_without_its_details(without_operators: FlaskClient) -> None:
    page = without_operators.get("/overview")
    assert page.status_code == 500
    assert "Something went wrong" in page.text
    assert "gone" not in page.text
    data = without_operators.get("/overview/totals.json")
    assert data.status_code == 500
    assert data.json["error"]["code"] == "internal_error"


def test_days_the_wrong_way_round_lead_back_to_the_page(operator: FlaskClient) -> None:
    faulty = "/trips?from=2026-11-14&to=2026-11-01"
    page = "http://localhost/trips?from=2026-11-01&to=2026-11-14"
    answer = operator.get(faulty, headers={"Referer": page})
    assert answer.status_code == 400
    assert 'href="/trips?from=2026-11-01&amp;to=2026-11-14"' in answer.text
    assert 'href="/trips"' in operator.get(faulty).text


def test_a_form_that_was_open_too_long_says_so(client: FlaskClient) -> None:
    csrf_token(client)
    answer = client.post("/login", data={"csrf_token": "stale"})
    assert answer.status_code == 400
    assert "<h1>" in answer.text


def test_a_form_of_an_ended_session_leads_to_the_login_form_and_back(client: FlaskClient) -> None:
    page = "http://localhost/annotations?tenant=default"
    answer = client.post("/annotations", data={"text": "x"}, headers={"Referer": page})
    assert answer.status_code == 400
    assert "session it was opened in has ended" in answer.text
    assert 'href="/login?next=/annotations?tenant%3Ddefault"' in answer.text


def test_a_form_from_before_a_new_session_leads_back_to_its_page(operator: FlaskClient) -> None:
    page = "http://localhost/settings/operators"
    answer = operator.post("/settings/operators/add", headers={"Referer": page})
    assert answer.status_code == 400
    assert 'href="/settings/operators"' in answer.text


def test_a_stale_login_form_leads_to_itself(client: FlaskClient) -> None:
    csrf_token(client)
    page = "http://localhost/login?next=/demand"
    answer = client.post("/login", data={"csrf_token": "stale"}, headers={"Referer": page})
    assert 'href="/login?next=/demand"' in answer.text


@pytest.mark.parametrize("elsewhere", ["https://evil.example/x", "http://localhost//evil.example/"])
def test_a_form_from_elsewhere_leads_nowhere_else(client: FlaskClient, elsewhere: str) -> None:
    answer = client.post("/annotations", headers={"Referer": elsewhere})
    assert 'href="/login"' in answer.text
    assert "evil" not in answer.text


def test_a_form_of_somebody_logged_out_elsewhere_leads_back_after_the_login(
    app: Flask, operator: FlaskClient
) -> None:
    token = csrf_token(operator, "/alerts")
    with app.extensions["database"].write() as connection:
        set_password(connection, ADMIN, "test")
    form, page = {"csrf_token": token, "name": "x"}, "http://localhost/alerts"
    answer = operator.post("/alerts/add-rule", data=form, headers={"Referer": page})
    assert answer.location == "/login?next=/alerts"
