"""One expert: its trend, what it is found by, and its clicks. `scope.filters` names it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Select, Text, cast, func, select
from sqlalchemy.orm import Session

from tracker.catalog.text import canonical_value
from tracker.metrics import experts
from tracker.metrics.listing import listing
from tracker.metrics.places import CONTEXTS, places
from tracker.metrics.scope import Listing, Scope, instants
from tracker.model import DailyExperts, Event

NEWEST = 2000
"""How many of the newest answers and grids are looked through for an expert."""


class DayOfExpert(NamedTuple):
    """What one expert was shown and clicked on one day."""

    day: date
    impressions: int
    clicks: int
    sage_impressions: int
    grid_impressions: int


class FoundBy(NamedTuple):
    """A query in whose answers the expert was."""

    query: str
    answers: int
    best_rank: int
    last_at: datetime


class UnderFilter(NamedTuple):
    """A filter value that was set when the expert was shown in the grid, or clicked."""

    filter: str
    value: str
    impressions: int
    clicks: int


class Click(NamedTuple):
    """One click on the expert's card."""

    occurred_at: datetime
    session_id: str | None
    email: str | None
    context: str
    position: int | None


def exists(session: Session, scope: Scope) -> bool:
    """Whether the expert was ever shown or clicked."""
    statement = (
        select(DailyExperts.day)
        .where(DailyExperts.tenant_id.in_(scope.tenants))
        .where(DailyExperts.expert_id == scope.filters["expert_id"])
    )
    return session.execute(statement.limit(1)).first() is not None


def exposure(session: Session, scope: Scope) -> list[experts.Exposure]:
    """What the expert was shown and clicked in the period, by context.

    COEC is clicks over expected clicks, (clicks + 5) / (expected + 5), each impression priced
    at the click-through that all experts together had at its rank. Source: daily_experts.
    """
    wanted = scope.filters["expert_id"]
    cells = places(session, scope).get(wanted)
    return [experts.exposed(wanted, cells, experts.prices(session, scope))] if cells else []


def standing(session: Session, scope: Scope) -> list[experts.Standing]:
    """The expert's clicks against those to be expected at its places. Source: daily_experts."""
    wanted = scope.filters["expert_id"]
    cells = places(session, scope).get(wanted)
    return [experts.stands(wanted, cells, experts.prices(session, scope))] if cells else []


def trend(session: Session, scope: Scope) -> list[DayOfExpert]:
    """The expert's impressions and clicks of each day, Sage's and the grid's; zeros too.

    Impressions are places served, not seen. Source: daily_experts.
    """
    statement = (
        select(
            DailyExperts.day,
            DailyExperts.context,
            func.sum(DailyExperts.impressions),
            func.sum(DailyExperts.clicks),
        )
        .where(DailyExperts.tenant_id.in_(scope.tenants))
        .where(DailyExperts.expert_id == scope.filters["expert_id"])
        .where(DailyExperts.day.between(scope.first, scope.last))
        .group_by(DailyExperts.day, DailyExperts.context)
    )
    impressions: Counter[tuple[date, str]] = Counter()
    clicks: Counter[date] = Counter()
    for day, context, shown, clicked in session.execute(statement):
        impressions[day, context] += int(shown)
        clicks[day] += int(clicked)
    by_context = {
        day: [impressions[day, context] for context in CONTEXTS] for day in scope.each_day()
    }
    return [DayOfExpert(day, sum(by), clicks[day], *by) for day, by in by_context.items()]


def found_by(session: Session, scope: Scope) -> list[FoundBy]:
    """The queries in whose answers the expert was, among the newest 2,000 of the period.

    Answers are searches that served the expert; the best rank is the highest of them. For
    all of a query's searches see Sage. Most often first. Source: events.
    """
    expert = scope.filters["expert_id"]
    ranks: dict[str, list[int]] = {}
    newest: dict[str, datetime] = {}
    for row in _naming(session, scope, "sage_query"):
        if expert in (shown := row.payload["expert_ids"]):
            ranks.setdefault(row.query, []).append(shown.index(expert) + 1)
            newest.setdefault(row.query, row.occurred_at)
    rows = [FoundBy(query, len(at), min(at), newest[query]) for query, at in ranks.items()]
    return sorted(rows, key=lambda row: (-row.answers, row.query))


def _naming(
    session: Session, scope: Scope, event_type: str, *where: ColumnElement[bool]
) -> Iterator[Any]:
    """Those of the newest events of a type whose payload names the expert at all.

    Picked out by the text of the payload: reading it as JSON is what takes the time.
    """
    newest = _newest(_events(scope, event_type).where(*where)).subquery()
    expert = orjson.dumps(scope.filters["expert_id"]).decode()
    named = cast(newest.c.payload, Text).contains(expert, autoescape=True)
    return iter(session.execute(select(newest).where(named).order_by(newest.c.occurred_at.desc())))


def _newest(events: Select[Any]) -> Select[Any]:
    columns: tuple[Any, ...] = (Event.query, Event.occurred_at, Event.payload)
    return events.with_only_columns(*columns).order_by(Event.occurred_at.desc()).limit(NEWEST)


def _events(scope: Scope, event_type: str) -> Select[Any]:
    """The period's events of a type. By their time, which is what an index is ordered by."""
    start, end = instants(scope)
    return (
        select(Event)
        .where(Event.tenant_id.in_(scope.tenants), Event.event_type == event_type)
        .where(Event.occurred_at >= start, Event.occurred_at < end, ~Event.is_bot)
    )


def under_filters(session: Session, scope: Scope) -> list[UnderFilter]:
    """The filter values that were set when the expert was shown in the grid, or clicked.

    Impressions are among the newest 2,000 grids of the period, a grid counted once; clicks
    among the expert's newest 2,000. Counted are those that say which filters were set. Most
    clicks first. Source: events.
    """
    expert = scope.filters["expert_id"]
    grids = (
        row.payload.get("filters")
        for row in _naming(session, scope, "results_shown", Event.context == "grid")
        if expert in row.payload["expert_ids"]
    )
    shown = _values(grids)
    clicks = session.execute(_newest(_clicks(scope)))
    clicked = _values(row.payload.get("filters") for row in clicks)
    rows = [UnderFilter(*key, shown[key], clicked[key]) for key in shown.keys() | clicked.keys()]
    return sorted(rows, key=lambda row: (-row.clicks, -row.impressions, row.filter, row.value))


def _values(snapshots: Iterable[dict[str, Any] | None]) -> Counter[tuple[str, str]]:
    return Counter(
        (name, canonical_value(value))
        for snapshot in snapshots
        for name, value in (snapshot or {}).items()
        if value not in (None, "", [])
    )


def _clicks(scope: Scope) -> Select[Any]:
    return (
        select(Event)
        .where(Event.tenant_id.in_(scope.tenants))
        .where(Event.expert_id == scope.filters["expert_id"])
        .where(Event.day.between(scope.first, scope.last), ~Event.is_bot)
    )


def clicks(session: Session, scope: Scope) -> Listing[Click]:
    """The clicks on the expert's card in the period, newest first. Source: events."""
    columns = [getattr(Event, name) for name in (*Click._fields, "id")]
    return listing(
        session,
        scope,
        _clicks(scope).with_only_columns(*columns),
        lambda *row: Click(*row[:-1]),
        order=("-occurred_at", "id"),
    )
