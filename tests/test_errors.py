"""Errors: one JSON body, one page, and 503 while the database is away."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import bearer, dispose, make_app
from tests.dashboard.conftest import log_in


@pytest.fixture
def without_database(tmp_path) -> FlaskClient:
    """An app whose database file can't be opened."""
    (tmp_path / "tracker.db").mkdir()
    app = make_app(f"sqlite:///{tmp_path}/tracker.db", {})
    yield app.test_client()
    dispose(app)


@pytest.mark.parametrize("path", ["/api/events", "/api/sessions/link"])
def test_ingestion_answers_503_while_the_database_is_away(
    without_database: FlaskClient, path: str
) -> None:
    answer = without_database.post(path, json={"event_type": "x"})
    assert answer.status_code == 503
    assert answer.json["error"]["code"] == "overloaded"
    assert int(answer.headers["Retry-After"]) > 0


def test_a_page_answers_503_while_the_database_is_away(without_database: FlaskClient) -> None:
    answer = log_in(without_database)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert "does not answer" in answer.text


def test_a_panel_answers_503_while_the_database_is_away(without_database: FlaskClient) -> None:
    answer = without_database.get("/overview/totals.json", headers=bearer("trk_x"))
    assert answer.status_code == 503
    assert answer.json["error"]["code"] == "overloaded"


def test_the_process_is_alive_but_not_ready_while_the_database_is_away(
    without_database: FlaskClient,
) -> None:
    assert without_database.get("/healthz").status_code == 200
    assert without_database.get("/readyz").status_code == 503


def test_the_tracker_script_may_be_imported_from_any_origin(app: Flask) -> None:
    answer = app.test_client().get("/static/tracker.mjs")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    answer.close()
