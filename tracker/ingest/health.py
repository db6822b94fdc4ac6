"""`/healthz`: the process is up. `/readyz`: it can store and show events."""

from functools import cache

from alembic.script import ScriptDirectory
from flask import Response, current_app, jsonify
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from tracker.config import ROOT


def alive() -> Response:
    return jsonify(status="ok")


def ready() -> tuple[Response, int]:
    reason = _reason_not_to_be_ready()
    if reason:
        return jsonify(status="unavailable", reason=reason), 503
    return jsonify(status="ok", revision=newest_revision()), 200


def _reason_not_to_be_ready() -> str | None:
    try:
        with current_app.extensions["database"].reader.connect() as connection:
            if revision_of(connection) != newest_revision():
                return "the database is not migrated: run flask db upgrade"
    except (SQLAlchemyError, OSError):
        return "the database does not answer or is not migrated"
    if not current_app.extensions["writer"].is_running:
        return "the writer's queue is full"
    return None


def revision_of(connection: Connection) -> str:
    """The migration the database is at."""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


@cache
def newest_revision() -> str:
    """The migration this code needs."""
    return str(ScriptDirectory(str(ROOT / "migrations")).get_current_head())
