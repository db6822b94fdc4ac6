"""/feed/<tenant>: everything a tenant's servers report; /events/<id>: one of them."""

import json
from typing import Any

from sqlalchemy.orm import Session

from tracker.catalog import CATALOG
from tracker.dashboard.answers import ask
from tracker.dashboard.formats import number
from tracker.dashboard.page import Linked, Page, Sentence, Subject, say
from tracker.dashboard.panels import Column, Filter, Kind, Table, Timeline
from tracker.dashboard.wording import count, tenant_names
from tracker.dashboard.words import in_words
from tracker.metrics import custom_events, feed
from tracker.metrics.scope import Scope
from tracker.metrics.volumes import volumes


def _what(row: Any) -> str:
    return in_words(row.event_type, row.payload)


def types_there(session: Session, scope: Scope) -> list[tuple[str, str]]:
    """The catalog's types, and those that the scope's tenants made up."""
    own = {row.event_type for row in ask(custom_events.custom_events, session, scope)}
    return [(name, name) for name in (*CATALOG, *sorted(own))]


ACTIVITY = Table(
    name="activity",
    title="Activity, newest first",
    metric=feed.activity,
    refresh=True,
    page_size=15,
    counted=False,
    cursor="id",
    search="Search in payloads",
    filters=(Filter("type", "Type", types_there),),
    link="/events/{id}?tenant={tenant_id}",
    columns=(
        Column("received_at", "Received", Kind.CLOCK),
        Column("payload", "What", say=_what),
        Column("event_type", "Type", Kind.CODE, minor=True),
        Column("request_id", "Request", Kind.CODE, minor=True),
        Column("occurred_at", "Occurred", minor=True),
        Column("source", "From", minor=True),
    ),
)


def opening(session: Session, scope: Scope) -> Sentence:
    """How much was reported, and what most of it was."""
    counted = {name: events for (_, name), (events, _) in volumes(session, scope).items()}
    if not counted:
        return say("Nothing was reported in this period.")
    most = max(sorted(counted), key=lambda name: counted[name])
    total = sum(counted.values())
    n = Linked(count(total, "event").capitalize(), "#activity")
    if len(counted) == 1:
        were = "was" if total == 1 else "were"
        return say("{n} {were} reported, of the type {name}.", n=n, were=were, name=most)
    types = count(len(counted), "type")
    if list(counted.values()).count(counted[most]) > 1:
        return say("{n} of {types} were reported.", n=n, types=types)
    part = "most of them" if 2 * counted[most] > total else "the most of one type"
    return say(
        "{n} of {types} were reported; {part}, {most}, are {name}.",
        n=n,
        types=types,
        part=part,
        most=number(counted[most]),
        name=most,
    )


def happened(session: Session, scope: Scope) -> Sentence:
    """What the event was. Its words are no template: they may hold braces."""
    row = ask(feed.one_event, session, scope)[0]
    return Sentence((f"{_what(row)}.",))


def details(session: Session, scope: Scope) -> str:
    """The payload as it is held, for the page's last part."""
    payload = ask(feed.one_event, session, scope)[0].payload
    return json.dumps(payload, indent=2, ensure_ascii=False)


FEED = Page(
    slug="feed",
    title="Activity",
    group="Business",
    question="What has this tenant's product reported?",
    sentence=opening,
    subject=Subject("tenant_id", title="Activity", noun="tenant", tenant=True),
    parent="business",
    panels=(ACTIVITY,),
    aside="dashboard/feed_export.html",
)

EVENT = Page(
    slug="events",
    title="Event",
    group="Operations",
    question="What is known of this event, and what belongs to it?",
    subject=Subject("event_id", title="Event", noun="event", exists=feed.event_exists),
    parent="activity",
    period=False,
    sentence=happened,
    panels=(
        Table(
            name="event",
            title="The event",
            metric=feed.one_event,
            columns=(
                Column("event_type", "Type", Kind.CODE),
                Column("occurred_at", "Occurred"),
                Column("received_at", "Received"),
                Column("tenant_id", "Tenant", words=tenant_names, link="/feed/{tenant_id}"),
                Column("session_id", "Session", Kind.ID, link="/people/session/{session_id}"),
                Column("source", "From"),
                Column(
                    "sample_weight",
                    "Stands for",
                    help="More than one event where the others like it were left out by sampling.",
                ),
            ),
        ),
        Timeline(
            name="same-conversation",
            title="The same conversation or source",
            nothing="No other event belongs to the same conversation or source.",
            metric=feed.same_conversation,
            words=_what,
            link="/events/{id}?tenant={tenant_id}",
            half=True,
        ),
        Timeline(
            name="same-request",
            title="The same request",
            nothing="No other event belongs to the same request.",
            metric=feed.same_request,
            words=_what,
            link="/events/{id}?tenant={tenant_id}",
            half=True,
        ),
    ),
    aside="dashboard/event.html",
    aside_data=details,
)

PAGES = (FEED, EVENT)
