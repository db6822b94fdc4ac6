"""A million business events of 200 tenants: the pages about them, and what isolation costs."""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from bench.pages import logged_in
from bench.servers import database, environment, flask, serving
from bench.table import Row
from tracker import create_app
from tracker.config import load_settings
from tracker.demo.simulation.business import Business, BusinessTenant
from tracker.demo.simulation.rhythm import OFFICE, Period, Schedule, seeded
from tracker.jobs.engines import own_database
from tracker.metrics.scope import Scope
from tracker.model import Event
from tracker.store.access import create_tenant
from tracker.store.database import EVERY_TENANT, Database
from tracker.store.importing import Importer
from tracker.store.settling import settle_all

TENANTS, DAYS = 200, 90
ROUNDS = 30
SLOWEST = 5
DEEPEST = 20_000
"""Events down the feed of the largest tenant."""


def fill(url: str, events: int) -> None:
    """Tenants of very different size, the first one the largest."""
    settings = load_settings(environment(url))
    held = own_database(settings)
    made = [Business(f"bench-{n:03}", f"Bench {n}", 1 / (1 + n)) for n in range(TENANTS)]
    with held.write() as connection:
        for one in made:
            create_tenant(connection, one.tenant, one.name, "bench")
    Importer(held, settings).run(_lines(made, events))
    settle_all(held)


def _lines(made: list[Business], events: int) -> Iterator[tuple[str, dict[str, Any]]]:
    period = Period.ending(datetime.now(UTC), DAYS)
    whole = sum(one.size for one in made)
    for one in made:
        rng = seeded(1, one.tenant)
        schedule = Schedule(period, OFFICE, events * one.size / whole, rng)
        tenant = BusinessTenant(one, period, schedule, rng)
        for day in range(DAYS):
            for at, tenant_id, line in tenant.day(day):
                moment = datetime.fromtimestamp(min(at, period.until) / 1000, UTC)
                yield tenant_id, line | {"occurred_at": moment.isoformat()}


def pages(kind: str, url: str, events: int) -> Iterator[Row]:
    """Wall time over HTTP of the pages about tenants, and of the feed at its top and far down."""
    cursor = _far_down(url)
    paths = {
        "/business": ("/business?period=90d", 150),
        "/business/bench-000": ("/business/bench-000?period=90d", 150),
        "a small tenant's page": (f"/business/bench-{TENANTS - 1}?period=90d", 150),
        "feed page": ("/feed/bench-000?period=90d", 50),
        f"... {DEEPEST:,} events down": (
            f"/feed/bench-000?period=90d&activity.starting_after={cursor}",
            50,
        ),
        "... of one rare type": ("/feed/bench-000?period=90d&type=plan_updated", 50),
    }
    with serving("wsgi:app", url, TRACKER_WORKER="external") as server:
        page = logged_in(server.port)
        for name, (path, most) in paths.items():
            page(path)
            took = statistics.median(_timed(page, path) for _ in range(ROUNDS))
            what = f"{name}, {events:,} events of {TENANTS} tenants, {kind}"
            yield Row(what, f"{1000 * took:.0f} ms", f"<= {most} ms", f"median of {ROUNDS}")


def _far_down(url: str) -> str:
    """The id of an event far down the feed of the largest tenant."""
    place = (
        select(Event.id)
        .where(Event.tenant_id == "bench-000")
        .order_by(Event.received_at.desc(), Event.id.desc())
        .offset(DEEPEST)
    )
    with own_database(load_settings(environment(url))).read(None) as session:
        return str(session.scalars(place).first())


def _timed(what: Callable[[str], object], argument: str) -> float:
    began = time.perf_counter()
    what(argument)
    return time.perf_counter() - began


def isolation(url: str, events: int) -> Iterator[Row]:
    """The slowest panels as the reading role, whose policies hold, against the tables' owner."""
    app = create_app(load_settings(environment(url)))
    held, metrics = app.extensions["database"], _metrics(app)
    scope = _scope(app)
    times = {name: _asked(held, metric, scope, True) for name, metric in metrics.items()}
    slowest = sorted(times, key=lambda name: times[name], reverse=True)[:SLOWEST]
    costs = {"/".join(name): _cost(held, metrics[name], scope) for name in slowest}
    figures = {name: f"{100 * cost:+.0f} %" for name, cost in costs.items()}
    (first, figure), *rest = figures.items()
    others = ", ".join(f"{name} {cost}" for name, cost in rest)
    what = f"row-level security on the slowest panel, {first}, {events:,} events"
    yield Row(what, figure, "<= 15 %", f"the next ones: {others}")


def _metrics(app: Any) -> dict[tuple[str, str], Any]:
    return {place: panel.ask for place, panel in app.extensions["watchable"].items()}


def _cost(held: Database, metric: Any, scope: Scope) -> float:
    """How much longer a panel takes as the reading role: the median of pairs, one after another."""
    return statistics.median(
        _asked(held, metric, scope, True) / _asked(held, metric, scope, False) - 1
        for _ in range(ROUNDS)
    )


def _scope(app: Any) -> Scope:
    """All tenants, 90 days, as many rows as a panel gives unless asked for more."""
    with app.extensions["database"].read(None) as session:
        tenants = tuple(session.scalars(select(Event.tenant_id).distinct()))
    now = datetime.now(UTC)
    zone = app.extensions["settings"].zone
    today = now.astimezone(zone).date()
    return Scope(tenants, today - timedelta(days=DAYS - 1), today, zone, now)


def _asked(held: Database, metric: Any, scope: Scope, guarded: bool) -> float:
    """Seconds that a panel's metric takes, asked as by somebody who may read all tenants."""
    with held.read(EVERY_TENANT) as session:
        if not guarded:
            session.execute(text("SET LOCAL ROLE NONE"))  # the owner again, whom no policy binds
        began = time.perf_counter()
        metric(session, scope)
        return time.perf_counter() - began


def rows(kinds=("sqlite", "postgresql"), events: int = 1_000_000) -> Iterator[Row]:
    """Every figure of business events, and of isolation between tenants."""
    for kind in kinds:
        with database(kind) as url:
            fill(url, events)
            yield from pages(kind, url, events)
            if kind == "postgresql":
                flask(url, "demo", "load", "--events", str(events))
                yield from isolation(url, events)
