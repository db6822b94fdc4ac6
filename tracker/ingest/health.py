"""`/healthz`: the process is up. `/readyz`: it can store and show events."""

from flask import Response, current_app, jsonify

from tracker.store.revision import misfit, newest_revision
from tracker.store.writer import Overloaded, Work


def alive() -> Response:
    return jsonify(status="ok")


def ready() -> tuple[Response, int]:
    reason = _reason_not_to_be_ready()
    if reason:
        return jsonify(status="unavailable", reason=reason), 503
    return jsonify(status="ok", revision=newest_revision()), 200


def _reason_not_to_be_ready() -> str | None:
    found = current_app.extensions
    if reason := misfit(found["database"], found["settings"].default_tenant):
        return reason
    try:
        found["writer"].submit(Work())  # nothing, but all the way
    except Overloaded as error:
        return f"no event can be stored: {error}"
    return None
