"""When a key was last used."""

from datetime import UTC, datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.conftest import bearer
from tests.ingest.sending import event_of
from tracker.model import ApiKey
from tracker.store.key_uses import KeyUses

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def last_used(app: Flask) -> datetime | None:
    with app.extensions["database"].read(None) as session:
        return session.scalars(select(ApiKey.last_used_at)).one()


def test_sending_and_reading_are_uses(app: Flask, client: FlaskClient, write_key: str) -> None:
    assert last_used(app) is None
    client.post("/api/events", json=event_of("quota_exceeded"), headers=bearer(write_key))
    used = last_used(app)
    assert used is not None
    assert datetime.now(UTC) - used < timedelta(minutes=1)


def test_a_panel_read_by_a_program_is_a_use(app: Flask, client: FlaskClient, read_key: str) -> None:
    client.get("/business/tenants.json", headers=bearer(read_key))
    assert last_used(app) is not None


def test_a_key_that_lacks_the_scope_was_not_used(
    app: Flask, client: FlaskClient, read_key: str
) -> None:
    client.post("/api/events", json=event_of("quota_exceeded"), headers=bearer(read_key))
    assert last_used(app) is None


def test_it_is_written_once_a_minute(app: Flask, write_key: str) -> None:
    moments = iter([0.0, 59.0, 61.0])
    uses = KeyUses(app.extensions["database"], clock=lambda: next(moments))
    with app.extensions["database"].read(None) as session:
        key_id = session.scalars(select(ApiKey.id)).one()
    uses.note(key_id)
    with app.extensions["database"].write() as connection:
        connection.execute(update(ApiKey).values(last_used_at=LONG_AGO))
    uses.note(key_id)
    assert last_used(app) == LONG_AGO
    uses.note(key_id)
    assert last_used(app) != LONG_AGO
