"""The feed as NDJSON: a line for each event, as `GET /api/events` has them. Audited."""

from collections.abc import Iterable
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, render_template, request

from tracker.dashboard.asking import frame, panel_scope
from tracker.dashboard.page import Page
from tracker.dashboard.pages.feed import ACTIVITY, FEED
from tracker.dashboard.viewers import Viewer, viewer
from tracker.errors import ApiError, Fault, wants_json
from tracker.metrics.feed import NoSuchEvent, Outgoing, outgoing, wanted_by
from tracker.metrics.scope import MAX_ROWS
from tracker.store.access import audit


def register(blueprint: Blueprint) -> None:
    blueprint.get("/feed/<path:tenant_id>/activity.ndjson")(feed_as_lines)
    blueprint.app_errorhandler(NoSuchEvent)(_no_such_event)


def feed_as_lines(tenant_id: str) -> Response:
    """The events that the feed's page would list, 100,000 at most."""
    someone = viewer()
    scope = _scope(FEED, someone, tenant_id)
    with current_app.extensions["database"].read(scope.tenants) as session:
        rows = outgoing(session, wanted_by(scope))
    with current_app.extensions["database"].write() as connection:
        detail = {"page": "feed", "panel": ACTIVITY.name, "rows": len(rows), "format": "ndjson"}
        audit(connection, someone.name, "panel.export", tenant_id, **detail)
    name = f"{tenant_id}-activity-{scope.first}-{scope.last}.ndjson"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(b"".join(_lines(rows)), mimetype="application/x-ndjson", headers=headers)


def _scope(page: Page, someone: Viewer, tenant_id: str) -> Any:
    settings, subject = current_app.extensions["settings"], {"tenant_id": tenant_id}
    with current_app.extensions["database"].read(None) as session:
        framed = frame(session, page, request.args, someone, settings, subject)
    return panel_scope(framed, ACTIVITY, request.args, MAX_ROWS)


def _lines(rows: Iterable[Outgoing]) -> Iterable[bytes]:
    option = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
    return (orjson.dumps(row._asdict(), option=option) for row in rows)


def _no_such_event(_error: NoSuchEvent) -> Any:
    rule = "must be the id of an event"
    if wants_json():
        fault = Fault("starting_after", rule)
        return ApiError(400, "invalid_parameter", "There is no such event.", [fault]).response()
    message = f"In the address, starting_after {rule}."
    return render_template("error.html", status=400, message=message), 400
