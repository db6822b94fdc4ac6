"""Blueprint 2, HTML out: pages and panels, login, forms. Events come in by the other blueprint.

`tracker.dashboard.page` tells how a page is declared. A module of VIEWS adds routes of its
own: it has ``register(blueprint)``.
"""

from datetime import timedelta

from flask import Blueprint, Flask

from tracker.dashboard import (
    account,
    alerts,
    annotations,
    assets,
    chrome,
    digest,
    feed_export,
    ledger,
    page_views,
    patterns,
    privacy,
    security,
    settings,
    viewers,
    views,
    ways_back,
)
from tracker.dashboard import login as login_views

VIEWS = (
    login_views,
    account,
    ledger,
    page_views,
    annotations,
    views,
    settings,
    privacy,
    alerts,
    feed_export,
    assets,
)


def register(app: Flask) -> None:
    """Add the dashboard to the app."""
    blueprint = Blueprint("dashboard", __name__)
    for module in VIEWS:
        module.register(blueprint)
    if app.extensions["settings"].development:
        patterns.register(blueprint)
    app.register_blueprint(blueprint)
    app.permanent_session_lifetime = timedelta(days=7)
    viewers.register()
    chrome.register(app)
    digest.register(app)
    security.register(app)
    ways_back.register(app)
