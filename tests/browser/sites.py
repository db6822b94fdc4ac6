"""Whole dashboards to look at: one with sample data and one with nothing, and all their pages."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

from flask import Flask
from playwright.sync_api import Browser, BrowserContext
from sqlalchemy import select
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.serving import make_server

from tests.browser.conftest import USER_AGENT
from tests.browser.network import PATIENCE
from tests.browser.test_marketplace import Quietly
from tests.conftest import dispose, make_app, make_tenant, today
from tests.dashboard.conftest import ADMIN, browser_of, make_operator
from tracker.demo.simulation import SAMPLE_TENANTS, simulate
from tracker.demo.simulation.marketplace import TENANT
from tracker.model import Operator
from tracker.store.annotations import annotate
from tracker.store.importing import Importer
from tracker.store.settling import settle_all
from tracker.store.views import Owner, Place, save_view

_NO_PAGES = ("dashboard.asset", "dashboard.log_in", "dashboard.home")
_DAYS, _EVENTS = 14, 1500


@dataclass(frozen=True)
class Site:
    """A served app, and one address of each of its pages."""

    app: Flask
    address: str
    paths: list[str]

    def open(self, browser: Browser, **more: Any) -> BrowserContext:
        """A context where the admin is logged in."""
        cookie = browser_of(self.app, ADMIN).get_cookie("session")
        assert cookie is not None
        context = browser.new_context(
            user_agent=USER_AGENT, base_url=self.address, reduced_motion="reduce", **more
        )
        context.set_default_timeout(PATIENCE * 1000)
        context.add_cookies([{"name": "session", "value": cookie.value, "url": self.address}])
        return context

    def note(self, text: str) -> None:
        """Keeps a note on the day it is."""
        with self.app.extensions["database"].write() as connection:
            annotate(connection, TENANT, today(), text, ADMIN)


@contextmanager
def served(database_url: str, *, filled: bool) -> Iterator[Site]:
    """A dashboard on a migrated database, with sample data and what operators keep, or empty."""
    app = make_app(database_url, {})
    make_operator(app)
    if filled:
        _fill(app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quietly)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield Site(app, f"http://127.0.0.1:{server.server_port}", addresses(app))
    server.shutdown()
    server.server_close()
    thread.join()
    dispose(app)


def _fill(app: Flask) -> None:
    """Sample data of two weeks, a note and a saved view."""
    database, settings = app.extensions["database"], app.extensions["settings"]
    for tenant in SAMPLE_TENANTS:
        make_tenant(app, tenant, kind="sample")
    now = datetime.now(UTC)
    Importer(database, settings).run(simulate(1, _DAYS, _EVENTS, now))
    settle_all(database)
    with database.read(None) as session:
        ada = session.scalars(select(Operator.id).where(Operator.email == ADMIN)).one()
    with database.write() as connection:
        annotate(connection, TENANT, now.date(), "Added 3 experts", ADMIN)
        place = Place("/demand", "period=7d", None)
        save_view(connection, Owner(ada, ADMIN), "Every morning", place, shared=True)


def addresses(app: Flask) -> list[str]:
    """One address of each page that an admin can reach, found by following links."""
    client = browser_of(app, ADMIN)
    waiting = [rule.rule for rule in app.url_map.iter_rules() if not rule.arguments]
    found: dict[str, str] = {}
    while waiting:
        path = waiting.pop(0)
        endpoint = _page_at(app, path.split("?")[0])
        if endpoint is None or endpoint in found:
            continue
        answer = client.get(path)
        assert answer.status_code == 200, path
        if answer.mimetype != "text/html":
            continue
        found[endpoint] = path
        waiting += map(unescape, re.findall(r'href="(/[^"#]*)', answer.text))
    return sorted(found.values())


def _page_at(app: Flask, path: str) -> str | None:
    """The endpoint of the dashboard's page at this path; None for anything else."""
    try:
        endpoint, _ = app.url_map.bind("").match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return None
    is_page = endpoint.startswith("dashboard.") and endpoint not in _NO_PAGES
    return endpoint if is_page and not endpoint.endswith(("_json", "_csv")) else None
