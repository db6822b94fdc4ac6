"""/people/session/<id>: everything that one session did."""

from typing import Any
from urllib.parse import quote

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask
from tracker.dashboard.formats import moment, seconds
from tracker.dashboard.page import Linked, Page, Sentence, Subject, say
from tracker.dashboard.panels import Stat, Stats, Timeline
from tracker.dashboard.wording import count
from tracker.dashboard.words import in_words
from tracker.metrics import timeline
from tracker.metrics.scope import Scope


def opening(session: Session, scope: Scope) -> Sentence:
    """When the visitor came, what it did, and who it turned out to be."""
    found = ask(timeline.visitor, session, scope)
    if not found:
        return say("Of this session only events of servers are held.")
    row = found[0]
    return say(
        "{who} came {when}: {done}.",
        who=_who(row),
        when=_when(row, scope),
        done=Linked(done(row), "#timeline"),
    )


def _who(row: timeline.Visitor) -> str | Linked:
    if row.email:
        return Linked(row.email, f"/people/person/{quote(row.email, safe='')}")
    return f"User {row.user_id}" if row.user_id else "Somebody unknown"


def _when(row: timeline.Visitor, scope: Scope) -> str:
    first = moment(row.first_seen, scope.zone, scope.today)
    if row.active_days > 1:
        return f"on {row.active_days} days, first {first}"
    is_today = row.first_seen.astimezone(scope.zone).date() == scope.today
    came = f"{'at' if is_today else 'on'} {first}"
    stayed = (row.last_seen - row.first_seen).total_seconds()
    return came + (f" and stayed {seconds(stayed)}" if stayed >= 1 else "")


def done(row: timeline.Visitor) -> str:
    """12 events, 3 of them searches and 1 a click"""
    searches = count(row.searches, "search", "searches")
    return f"{count(row.events, 'event')}, {searches} and {count(row.clicks, 'click')} among them"


def say_entry(row: Any) -> str:
    """An entry in words, an identity too."""
    if row.event_type == timeline.IDENTIFIED:
        return f"Became known as {row.email or 'user ' + row.user_id}"
    return in_words(row.event_type, row.payload)


STATS = Stats(
    name="visitor",
    title="In all",
    metric=timeline.visitor,
    stats=(
        Stat("first_seen", "First seen"),
        Stat("last_seen", "Last seen"),
        Stat("active_days", "Active days"),
        Stat("events", "Events"),
        Stat("searches", "Searches"),
        Stat("clicks", "Clicks"),
    ),
)
TIMELINE = Timeline(
    name="timeline",
    title="Everything, in order",
    metric=timeline.timeline,
    words=say_entry,
    page_size=timeline.MOST,
)

PAGE = Page(
    slug="people/session",
    title="Session",
    group="Marketplace",
    question="What did this visitor do?",
    parent="people",
    subject=Subject(
        "session_id", title="Session {:.8}", noun="session", exists=timeline.session_exists
    ),
    sentence=opening,
    period=False,
    panels=(STATS, TIMELINE),
)

PAGES = (PAGE,)
