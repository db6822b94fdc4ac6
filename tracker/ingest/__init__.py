"""Blueprint 1, JSON in: events, the e-mail-link call, and the health checks.

Never reads or sets a cookie. Pages are the other blueprint's.
"""

from collections.abc import Callable

from flask import Blueprint, Request

from tracker.ingest import clients, describe, events, feed, health, links, stripe_webhooks
from tracker.ingest.intake import Answer, Intake, this_intake
from tracker.web import TrackerFlask

blueprint = Blueprint("ingest", __name__)

View = Callable[[Intake, Request], Answer]

TAKEN: dict[str, View] = {
    "/api/events": events.take_events,
    "/api/sessions/link": links.link_session,
}
"""The calls that visitors make, by path; they are answered on Flask's short way (see web)."""


def _routed(view: View) -> Callable[[], Answer]:
    return lambda: view(this_intake(), clients.this_request())


def _short(app: TrackerFlask, view: View) -> Callable[[Request], Answer]:
    return lambda sent: view(app.extensions["intake"], sent)


for path, view in TAKEN.items():
    # Flask's own answer to OPTIONS would not say what a page may send
    blueprint.post(path, endpoint=view.__name__, provide_automatic_options=False)(_routed(view))
    blueprint.route(path, methods=["OPTIONS"], endpoint="preflight" + path.replace("/", "_"))(
        clients.preflight
    )
blueprint.get("/api/events", provide_automatic_options=False)(feed.read_events)
blueprint.post("/api/webhooks/stripe/<tenant_id>")(stripe_webhooks.take_webhook)
blueprint.get("/api/openapi.json")(describe.openapi)
blueprint.get("/healthz")(health.alive)
blueprint.get("/readyz")(health.ready)


def register(app: TrackerFlask) -> None:
    app.register_blueprint(blueprint)
    app.after_request(clients.allow_origin)
    app.shortcuts |= {path: _short(app, view) for path, view in TAKEN.items()}
