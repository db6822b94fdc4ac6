"""`/healthz`: the process is up. `/readyz`: it can store and show events."""

from flask import Response, current_app, jsonify
from sqlalchemy.exc import SQLAlchemyError

from tracker.store.access import AccessError, require_tenant
from tracker.store.revision import newest_revision, revision_of
from tracker.store.writer import Overloaded, Work


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
            require_tenant(connection, current_app.extensions["settings"].default_tenant)
    except AccessError:
        return "TRACKER_DEFAULT_TENANT is no tenant yet: run flask db upgrade"
    except (SQLAlchemyError, OSError):
        return "the database does not answer or is not migrated"
    try:
        current_app.extensions["writer"].submit(Work())  # nothing, but all the way
    except Overloaded as error:
        return f"no event can be stored: {error}"
    return None
