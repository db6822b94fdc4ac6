"""Errors are sentences, also when there is no database to ask."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.dashboard.conftest import csrf_token


def test_an_address_without_a_page_says_so(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert "Nothing here" in answer.text
    assert "Traceback" not in answer.text


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


def test_a_form_that_was_open_too_long_says_so(client: FlaskClient) -> None:
    csrf_token(client)
    answer = client.post("/login", data={"csrf_token": "stale"})
    assert answer.status_code == 400
    assert "<h1>" in answer.text
