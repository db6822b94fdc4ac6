"""/catalog: every event type, what it is for, what it looks like, and how much of it comes."""

import json
from datetime import date
from typing import Any, NamedTuple

from flask import current_app, request
from sqlalchemy.orm import Session

from tracker.catalog import CATALOG
from tracker.dashboard.answers import ask
from tracker.dashboard.formats import typeset
from tracker.dashboard.page import Linked, Page, Sentence, Subject, say
from tracker.dashboard.panels import Chart, Column, Kind, Series, Table
from tracker.dashboard.wording import TENANT
from tracker.dashboard.words import snippet
from tracker.metrics import custom_events, sampling
from tracker.metrics.activity import daily_volume, volumes
from tracker.metrics.scope import Scope
from tracker.store.settings import shorter_retentions

_SENT_BY = (("browser", "Browser"), ("server", "Server"))


class Described(NamedTuple):
    """An event type, and how much of it came in during the period."""

    event_type: str
    domain: str
    writer: str
    purpose: str
    events: int
    last_day: date | None
    sample_one_in: int
    retention_days: int


class PayloadField(NamedTuple):
    """One field of a payload."""

    field: str
    rule: str
    required: bool


def event_types(session: Session, scope: Scope) -> list[Described]:
    """Every event type of the catalog, with the events of it in the period, without bots.

    Sampled types are scaled up; of those one in N events is kept now, by the tenant that keeps
    fewest. Retention is how long the raw events are kept, by the tenant that keeps them least;
    the daily numbers stay. Source: the catalog's classes, daily_events, tenants.
    """
    one_in: dict[str, int] = {}
    for row in ask(sampling.sampled, session, scope):
        one_in[row.event_type] = max(row.one_in, one_in.get(row.event_type, 1))
    came = {volume.event_type: volume for volume in ask(volumes, session, scope)}
    retention = _retention_days(session, scope)
    return [
        Described(
            name,
            event.domain,
            event.writer,
            event.purpose(),
            came[name].events if name in came else 0,
            came[name].last_day if name in came else None,
            one_in.get(name, 1),
            retention,
        )
        for name, event in CATALOG.items()
    ]


def _retention_days(session: Session, scope: Scope) -> int:
    everybody: int = current_app.extensions["settings"].retention_days
    chosen = shorter_retentions(session, everybody)
    return min((days for days in chosen if {*chosen[days]} & {*scope.tenants}), default=everybody)


def payload_fields(_session: Session, scope: Scope) -> list[PayloadField]:
    """The fields of the payload with the rule each must keep. Source: the catalog's class."""
    schema = CATALOG[scope.filters["event_type"]].payload_schema()
    required = schema.get("required", [])
    return [
        PayloadField(name, _rule(rule), name in required)
        for name, rule in schema.get("properties", {}).items()
    ]


def _rule(schema: dict[str, Any]) -> str:
    """A field's schema in a few words: string; one of grid, sage_panel; list of string."""
    if "anyOf" in schema:
        return " or ".join(_rule(part) for part in schema["anyOf"] if part.get("type") != "null")
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return "list of " + _rule(schema.get("items", {}))
    words = (("minimum", "from"), ("maximum", "to"), ("maxLength", "of at most"))
    limits = [f"{word} {schema[key]}" for key, word in words if key in schema]
    return " ".join([_type(schema.get("type", "any value")), *limits])


def _type(named: str | list[str]) -> str:
    """A schema's type; one that allows several names them in a list."""
    return named if isinstance(named, str) else " or ".join(named)


def opening(session: Session, scope: Scope) -> Sentence:
    """How many of the event types came in."""
    described = ask(event_types, session, scope)
    seen = sum(1 for one in described if one.events)
    every = f"{len(described)} event types"
    if seen == len(described):
        return say("All {every} came in during this period.", every=Linked(every, "#event-types"))
    return say(
        "{seen} of the {every} that can happen came in during this period.",
        seen=Linked(str(seen), "#event-types"),
        every=every,
    )


def purpose(_session: Session, scope: Scope) -> Sentence:
    """What the event type is for, and who sends it."""
    event = CATALOG[scope.filters["event_type"]]
    server = event.writer == "server"
    by = "Only servers send it, with a write key." if server else "Browsers send it."
    return say("{purpose} {by}", purpose=typeset(event.purpose()), by=by)


def example(_session: Session, scope: Scope) -> dict[str, str]:
    """A command that sends one, and the payload's JSON Schema."""
    name = scope.filters["event_type"]
    return {
        "snippet": snippet(name, request.host_url.rstrip("/"), scope.tenants),
        "schema": json.dumps(CATALOG[name].payload_schema(), indent=2),
    }


PAGE = Page(
    slug="catalog",
    title="Catalog",
    group="Operations",
    key="c",
    question="What can be sent, and what for?",
    sentence=opening,
    panels=(
        Table(
            name="event-types",
            title="Event types",
            metric=event_types,
            sampled=sampling.EVERY,
            search="Search event types",
            link="/catalog/{event_type}",
            page_size=100,
            columns=(
                Column("event_type", "Event type", Kind.CODE),
                Column(
                    "purpose", "What it tells", say=lambda row: typeset(row.purpose), minor=True
                ),
                Column("writer", "Sent by", words=_SENT_BY, minor=True),
                Column("events", "Events", Kind.BAR, link="/activity?type={event_type}"),
                Column("last_day", "Last seen", minor=True),
                Column(
                    "sample_one_in",
                    "Kept",
                    minor=True,
                    say=lambda row: (
                        "all" if row.sample_one_in == 1 else f"down to one in {row.sample_one_in}"
                    ),
                ),
                Column("retention_days", "For days", minor=True),
            ),
        ),
        Table(
            name="sampling",
            title="Sampled, and why",
            nothing="Nothing is sampled: every event that comes in is kept.",
            metric=sampling.sampled,
            columns=(
                Column("event_type", "Event type", Kind.CODE),
                TENANT,
                Column("events", "Events, estimated", Kind.BAR),
                Column("kept", "Kept"),
                Column("one_in", "Now one in"),
                Column("why", "Why"),
            ),
        ),
        Table(
            name="too-many-values",
            title="Fields with too many values",
            nothing="No field has too many values.",
            metric=sampling.exploded,
            half=True,
            columns=(
                Column("event_type", "Event type", Kind.CODE),
                Column("field", "Field", Kind.CODE),
                TENANT,
                Column("distinct_values", "Values in a week", Kind.BAR),
            ),
        ),
        Table(
            name="custom-events",
            title="Custom events, outside the catalog",
            nothing="No custom event came in during this period.",
            metric=custom_events.custom_events,
            sampled=(sampling.CUSTOM,),
            half=True,
            link="/feed/{tenant_id}?type={event_type}",
            columns=(
                Column("event_type", "Type", Kind.CODE),
                TENANT,
                Column("events", "Events", Kind.BAR),
                Column("last_day", "Last"),
            ),
        ),
    ),
)

ONE = Page(
    slug="catalog",
    title="Event type",
    group="Operations",
    question="What is this event, and how is it sent?",
    parent="catalog",
    subject=Subject(
        "event_type",
        noun="event type",
        exists=lambda _session, scope: scope.filters["event_type"] in CATALOG,
        event_type=True,
    ),
    sentence=purpose,
    aside="dashboard/event_type.html",
    aside_data=example,
    panels=(
        Chart(
            name="daily-volume",
            title="Events by day",
            metric=daily_volume,
            sampled=sampling.EVERY,
            unit="events",
            series=(Series("events", "Events", "searches"),),
        ),
        Table(
            name="payload",
            title="Its payload",
            metric=payload_fields,
            page_size=100,
            columns=(
                Column("field", "Field", Kind.CODE),
                Column("rule", "Rule"),
                Column("required", "Needed", words=((True, "yes"), (False, "no"))),
            ),
        ),
    ),
)

PAGES = (PAGE, ONE)
