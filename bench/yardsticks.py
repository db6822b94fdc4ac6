"""What is measured against: the least a Flask view can do, and what anyone writes first."""

from datetime import UTC, datetime

from flask import Flask, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from uuid_utils import uuid7

from tracker.config import load_settings
from tracker.model import Base, Event

settings = load_settings()

empty = Flask("empty")


@empty.post("/api/events")
def take_nothing():
    """Parses the JSON and stores nothing."""
    request.get_json(force=True)
    return jsonify(accepted=1), 202


naive = Flask("naive")
naive.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
db = SQLAlchemy(naive, model_class=Base)


@naive.post("/api/events")
def add_and_commit():
    """One `add` and one `commit` for each request."""
    sent = request.get_json(force=True)
    now = datetime.now(UTC)
    db.session.add(
        Event(
            tenant_id="default",
            id=str(uuid7()),
            event_type=sent["event_type"],
            session_id=sent["session_id"],
            occurred_at=now,
            received_at=now,
            day=now.date(),
            source="browser",
            is_bot=False,
            sample_weight=1,
            payload=sent["payload"],
        )
    )
    db.session.commit()
    return jsonify(accepted=1), 202


for app in (empty, naive):
    app.get("/healthz", endpoint="healthz")(lambda: "ok")

with naive.app_context():
    if db.engine.dialect.name == "sqlite":

        @event.listens_for(db.engine, "connect")
        def durable(connection, _record):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA busy_timeout = 30000")
