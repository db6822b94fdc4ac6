"""A tenant sees itself alone: by its keys, its operators, and in PostgreSQL itself.

The tests on PostgreSQL alone ask with a filter that lets everybody's rows through, as a metric
would that forgot its own; what is left to keep tenants apart is the database.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError
from werkzeug.datastructures import MultiDict

from tests.conftest import (
    SESSION,
    bearer,
    dispose,
    make_app,
    make_key,
    make_tenant,
    record,
)
from tests.dashboard.conftest import browser_of, make_operator
from tests.ingest.sending import event_of
from tests.postgres import new_database
from tracker.catalog import CATALOG
from tracker.dashboard.asking import frame
from tracker.dashboard.pages import PAGES
from tracker.dashboard.viewers import Viewer
from tracker.metrics.scope import Listing, Scope
from tracker.model import Base, Event, Tenant, TripAttempt
from tracker.store.database import EVERY_TENANT, READER_ROLE
from tracker.store.tenants import delete_tenant, tables_of_tenants

BUSINESS = [name for name, kind in CATALOG.items() if kind.writer == "server"]
PANELS = [(page, panel) for page in PAGES for panel in page.panels]
NAMES = [f"{page.slug}{'/one' if page.subject else ''}/{panel.name}" for page, panel in PANELS]
ANN = "ann@example.com"


@pytest.fixture(scope="module")
def shared(postgres_url: str) -> Iterator[Flask]:
    """An app on PostgreSQL where blue has one of everything, acme nothing."""
    app = make_app(new_database(postgres_url), {})
    with app.app_context():
        upgrade()
    make_tenant(app, "acme")
    make_tenant(app, "blue")
    fill(app, "blue")
    yield app
    dispose(app)


def fill(app: Flask, tenant: str) -> None:
    """One event of each type, some of them refused, and a search that found nothing."""
    now = datetime.now(UTC)
    events = [
        event_of(name, occurred_at=(now - timedelta(minutes=90 - n)).isoformat())
        for n, name in enumerate(CATALOG)
    ]
    nothing = {
        "query_text": "a tailor",
        "function_called": "search_experts",
        "result_count": 0,
        "expert_ids": [],
    }
    events.append(event_of("sage_query", payload=nothing, email=ANN))
    events.append({"event_type": "no_such_type"})
    record(app, *events, tenant=tenant)


def subjects(app: Flask) -> dict[str, str]:
    """What blue's pages about one thing are about."""
    with app.extensions["database"].read(None) as session:
        event_id = session.scalars(select(Event.id).where(Event.event_type == "card_click")).one()
        attempt_id = session.scalars(select(TripAttempt.id)).one()
        demand_id = session.execute(text("SELECT id FROM demands LIMIT 1")).scalar()
    return {
        "event_id": str(event_id),
        "attempt_id": str(attempt_id),
        "demand_id": str(demand_id or SESSION),
        "session_id": SESSION,
        "email": ANN,
        "expert_id": CATALOG["card_click"].example["expert_id"],
        "event_type": "card_click",
        "tenant_id": "blue",
    }


def asked(app: Flask, metric: Any, seen: str, tenants: tuple[str, ...]) -> Any:
    """The metric's rows, in a transaction that may see one tenant."""
    settings = app.extensions["settings"]
    now = datetime.now(UTC)
    scope = Scope(
        tenants,
        (now - timedelta(days=6)).date(),
        now.date(),
        settings.zone,
        now.replace(minute=0, second=0, microsecond=0),
        filters=subjects(app),
    )
    with app.app_context(), app.extensions["database"].read((seen,)) as session:
        try:
            found = metric(session, scope)
        except LookupError:
            return "no such thing"
        return found.rows if isinstance(found, Listing) else found


@pytest.mark.parametrize(("page", "panel"), PANELS, ids=NAMES)
def test_a_metric_without_its_filter_sees_nothing_foreign(
    shared: Flask, page: Any, panel: Any
) -> None:
    everybody = ("acme", "blue", "default")
    forgetful = asked(shared, panel.metric, "acme", everybody)
    nobody = asked(shared, panel.metric, "acme", ("acme",))
    assert forgetful == nobody
    assert "blue" not in str(forgetful)
    assert ANN not in str(forgetful)


def test_most_metrics_do_see_the_data_of_whoever_may(shared: Flask) -> None:
    """Without this, the test above could pass on an empty database."""
    differing = [
        name
        for name, (_, panel) in zip(NAMES, PANELS, strict=True)
        if asked(shared, panel.metric, "blue", ("blue",))
        != asked(shared, panel.metric, "acme", ("acme",))
    ]
    assert len(differing) > 0.7 * len(PANELS), sorted(set(NAMES) - set(differing))


@pytest.mark.parametrize("table", tables_of_tenants(), ids=lambda table: table.name)
def test_the_reader_role_sees_no_foreign_row_of_any_table(shared: Flask, table: Any) -> None:
    foreign = select(func.count()).select_from(table).where(table.c.tenant_id == "blue")
    with shared.extensions["database"].read(("acme",)) as session:
        try:
            seen = session.execute(foreign).scalar_one()
        except ProgrammingError as error:  # not for readers at all
            seen = 0 if "permission denied" in str(error) else str(error)
    assert seen == 0


@pytest.mark.parametrize("named", [("acme",), ("acme", "blue"), ()])
def test_the_reader_role_sees_those_it_was_named(shared: Flask, named: tuple[str, ...]) -> None:
    tenants = select(Tenant.id).order_by(Tenant.id)
    with shared.extensions["database"].read(named) as session:
        seen = list(session.scalars(tenants))
    assert seen == sorted(named)


def test_the_reader_role_sees_all_tenants_where_it_is_named_every_one(shared: Flask) -> None:
    with shared.extensions["database"].read(EVERY_TENANT) as session:
        assert set(session.scalars(select(Tenant.id))) >= {"acme", "blue", "default"}


@pytest.mark.parametrize("theirs", [("acme",), ("acme", "blue"), ("acme", "blue", "default"), None])
def test_pages_read_every_tenant_only_for_those_who_may(
    shared: Flask, theirs: tuple[str, ...] | None
) -> None:
    someone = Viewer("tom@example.com", "tenant", theirs)
    with shared.extensions["database"].read(None) as session:
        page, settings = PAGES[0], shared.extensions["settings"]
        framed = frame(session, page, MultiDict(), someone, settings, {})
        of_one = frame(session, page, MultiDict({"tenant": "acme"}), someone, settings, {})
    assert framed.seen == (EVERY_TENANT if theirs is None else theirs)
    assert of_one.seen == ("acme",)


def test_the_reader_role_is_bound_by_policies_and_writes_nothing(shared: Flask) -> None:
    with shared.extensions["database"].read(("acme",)) as session:
        (name, is_super, bypasses) = session.execute(
            text(
                "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
            )
        ).one()
    assert (name, is_super, bypasses) == (READER_ROLE, False, False)
    for statement in ("DELETE FROM events", "INSERT INTO tenants (id) VALUES ('evil')"):
        with (
            shared.extensions["database"].read(("acme",)) as session,
            pytest.raises(ProgrammingError, match="permission denied"),
        ):
            session.execute(text(statement))


def test_every_table_with_a_tenant_has_a_policy_or_is_closed_to_readers(shared: Flask) -> None:
    with shared.extensions["database"].read(None) as session:
        secured = set(
            session.scalars(
                text("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind='r'")
            )
        )
        granted = set(
            session.scalars(
                text(
                    "SELECT table_name FROM information_schema.role_table_grants"
                    f" WHERE grantee = '{READER_ROLE}'"
                )
            )
        )
    assert granted <= secured
    assert not granted & {"api_keys", "operators", "audit_log", "tenant_secrets", "destinations"}
    assert {table.name for table in Base.metadata.sorted_tables} > granted > {"events"}


def test_a_read_key_is_refused_wherever_another_tenant_is_named(
    app: Flask, client: FlaskClient
) -> None:
    for tenant in ("acme", "blue"):
        make_tenant(app, tenant)
        fill(app, tenant)
    key = bearer(make_key(app, "acme", ("read",)))
    for path in ("/business/blue/activity.json", "/business/tenants.json?tenant=blue"):
        assert client.get(path, headers=key).status_code == 403
    for path in ("/business/tenants.json", "/activity/events.json", "/business/acme/activity.json"):
        answer = client.get(path, headers=key)
        assert answer.status_code == 200
        assert "blue" not in answer.text
        assert "acme" in answer.text
    assert client.get("/business/acme/activity.json").status_code == 401


def test_a_tenant_operator_sees_the_tenants_named_and_no_trace_of_others(app: Flask) -> None:
    for tenant in ("acme", "blue"):
        make_tenant(app, tenant)
        fill(app, tenant)
    browser = browser_of(app, make_operator(app, "tom@example.com", "tenant", ("acme",)))
    for path in ("/overview", "/business", "/business/acme", "/feed/acme", "/activity", "/people"):
        page = browser.get(path)
        assert page.status_code == 200
        assert "blue" not in page.text.replace("blue-green", "").lower(), path
    assert browser.get("/business/blue").status_code == 403
    with app.extensions["database"].read(None) as session:
        theirs = session.scalars(select(Event.id).where(Event.tenant_id == "blue").limit(1)).one()
    assert browser.get(f"/events/{theirs}").status_code == 404
    assert browser.get(f"/events/{theirs}?tenant=blue").status_code == 403


def test_an_operator_whose_tenants_are_gone_reads_nothing_and_meets_no_error(app: Flask) -> None:
    for tenant in ("acme", "blue"):
        make_tenant(app, tenant)
        fill(app, tenant)
    browser = browser_of(app, make_operator(app, "tom@example.com", "tenant", ("acme",)))
    delete_tenant(app.extensions["database"], "acme", "test")
    for page in (page for page in PAGES if not page.subject):
        for path in (page.path, *(f"{page.path}/{panel.name}.json" for panel in page.panels)):
            answer = browser.get(path)
            assert answer.status_code == 200, path
            assert "blue" not in answer.text.replace("blue-green", "").lower(), path
    operators = browser_of(app, make_operator(app)).get("/settings/operators").text
    assert '<td data-label="Reads">nothing</td>' in operators


def browser_routes(app: Flask) -> list[tuple[str, str]]:
    """Every route that takes a body, with its variables filled in."""
    routes = []
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for name in rule.arguments:
            for kind in ("", "path:", "uuid:", "int:", "string:"):
                path = path.replace(f"<{kind}{name}>", SESSION if "id" in name else "default")
        routes += [(method, path) for method in ("POST", "PUT", "PATCH") if method in rule.methods]
    return sorted(routes)


@pytest.mark.parametrize("name", BUSINESS)
def test_no_path_from_a_browser_can_forge_a_business_event(app: Flask, name: str) -> None:
    event = event_of(name)
    stranger, admin = app.test_client(), browser_of(app, make_operator(app))
    routes = browser_routes(app)
    assert ("POST", "/api/events") in routes
    bodies = (event, {"events": [event]}, event | {"source": "server", "tenant_id": "default"})
    for method, path in routes:
        for client in (stranger, admin):
            for body in bodies:
                client.open(path, method=method, json=body)
            client.open(path, method=method, data=json.dumps(event), content_type="text/plain")
            client.open(path, method=method, data={"event": json.dumps(event)} | event)
    with app.extensions["database"].read(None) as session:
        assert session.scalar(select(func.count()).select_from(Event)) == 0
