"""`/healthz` and `/readyz`: what a platform asks before it sends traffic."""

import os
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import text

from tests.conftest import dispose, make_app
from tests.ingest.sending import CLICK
from tracker.store.revision import newest_revision


def test_a_migrated_service_is_ready(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["status"] == "ok"


def test_a_database_that_is_not_migrated_is_not_ready(tmp_path: Path) -> None:
    app = make_app(f"sqlite:///{tmp_path}/empty.db", {})
    client = app.test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "migrated" in answer.json["reason"]
    assert client.get("/healthz").status_code == 200
    assert client.post("/api/events", json=CLICK).status_code == 503
    dispose(app)


def test_a_database_at_another_revision_is_not_ready(app: Flask, client: FlaskClient) -> None:
    with app.extensions["database"].write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    answer = client.get("/readyz")
    with app.extensions["database"].write() as connection:
        head = text("UPDATE alembic_version SET version_num = :head")
        connection.execute(head, {"head": newest_revision()})
    assert answer.status_code == 503
    assert "flask db upgrade" in answer.json["reason"]
    assert client.get("/readyz").status_code == 200


def test_a_postgresql_that_does_not_answer_is_503_everywhere_but_healthz(tmp_path: Path) -> None:
    app = make_app(f"postgresql://nobody@/nothing?host={tmp_path}", {})
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    for headers in ({}, {"Authorization": "Bearer trk_x"}):
        answer = client.post("/api/events", json=CLICK, headers=headers)
        assert answer.status_code == 503
        assert answer.json["error"]["code"] == "overloaded"
        assert int(answer.headers["Retry-After"]) >= 1
    dispose(app)
    assert os.listdir(tmp_path) == []


def test_a_default_tenant_that_is_not_there_is_not_ready(app: Flask) -> None:
    # what browsers send would be stored where nobody sees it
    another = make_app(
        app.extensions["database"].reader.url.render_as_string(hide_password=False),
        {"TRACKER_DEFAULT_TENANT": "shop"},
    )
    client = another.test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "TRACKER_DEFAULT_TENANT" in answer.json["reason"]
    with another.app_context():
        upgrade()
    assert client.get("/readyz").status_code == 200
    dispose(another)
