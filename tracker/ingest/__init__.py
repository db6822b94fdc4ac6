"""Blueprint 1, JSON in: events, the e-mail-link call, and the health checks.

Never reads or sets a cookie. Pages are the other blueprint's.
"""

from flask import Blueprint, Flask

from tracker.ingest import clients, describe, events, feed, health, links, stripe_webhooks

blueprint = Blueprint("ingest", __name__)

# Flask's own answer to OPTIONS would not say what a page may send
blueprint.post("/api/events", provide_automatic_options=False)(events.take_events)
blueprint.get("/api/events", provide_automatic_options=False)(feed.read_events)
blueprint.post("/api/webhooks/stripe/<tenant_id>")(stripe_webhooks.take_webhook)
blueprint.post("/api/sessions/link", provide_automatic_options=False)(links.link_session)
blueprint.get("/api/openapi.json")(describe.openapi)
blueprint.get("/healthz")(health.alive)
blueprint.get("/readyz")(health.ready)
for path in ("/api/events", "/api/sessions/link"):
    blueprint.route(path, methods=["OPTIONS"], endpoint="preflight" + path.replace("/", "_"))(
        clients.preflight
    )


def register(app: Flask) -> None:
    app.register_blueprint(blueprint)
    app.after_request(clients.allow_origin)
