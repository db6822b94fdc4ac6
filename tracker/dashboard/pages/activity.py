"""/activity: what comes in, as it comes in, and what was refused."""

from typing import Any

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask
from tracker.dashboard.formats import number
from tracker.dashboard.page import Linked, Page, Sentence, say
from tracker.dashboard.pages.feed import types_there
from tracker.dashboard.panels import Column, Filter, Kind, Table
from tracker.dashboard.wording import count
from tracker.dashboard.words import in_words
from tracker.metrics import activity
from tracker.metrics.scope import Scope


def opening(session: Session, scope: Scope) -> Sentence:
    """How much came in during the period, and what was refused most."""
    came = ask(activity.trust, session, scope)
    if not came.accepted and not came.refused:
        return say("Nothing came in during this period.")
    accepted = "{accepted} came in"
    if not came.refused:
        return say(accepted + " and none was refused.", accepted=_accepted(came))
    return say(
        accepted + "; {refused} {were} its reason below.",
        accepted=_accepted(came),
        were="was refused, with" if came.refused == 1 else "were refused, each with",
        refused=Linked("one" if came.refused == 1 else number(came.refused), "#refused"),
    )


def _accepted(came: activity.Trust) -> Linked:
    return Linked(count(came.accepted, "event").capitalize(), "#events")


def _what(row: Any) -> str:
    marks = " (bot)" if row.is_bot else ""
    return in_words(row.event_type, row.payload) + marks


PAGE = Page(
    slug="activity",
    title="Activity",
    group="Operations",
    key="a",
    question="What is coming in right now, and what was refused?",
    sentence=opening,
    filters=(
        Filter("type", "Type", types_there),
        Filter(
            "outcome",
            "Outcome",
            (("accepted", "Accepted"), ("refused", "Refused"), ("bot", "From bots")),
        ),
        Filter("session", "Session id"),
    ),
    panels=(
        Table(
            name="events",
            title="Accepted, newest first",
            empty="card_click",
            metric=activity.events,
            refresh=True,
            page_size=30,
            counted=False,
            columns=(
                Column("received_at", "Received", Kind.CLOCK),
                Column("payload", "What", say=_what),
                Column("event_type", "Type", Kind.CODE, minor=True),
                Column(
                    "session_id",
                    "Session",
                    Kind.ID,
                    minor=True,
                    link="/activity?session={session_id}",
                ),
                Column("email", "E-mail", minor=True),
                Column("source", "From", minor=True),
            ),
        ),
        Table(
            name="refused",
            title="Refused, and why",
            nothing="Nothing was refused in this period.",
            metric=activity.refused,
            refresh=True,
            search="Search reasons",
            sortable=("last_at", "event_type", "code", "path", "events"),
            columns=(
                Column("last_at", "Last", minor=True),
                Column("event_type", "Type", Kind.CODE),
                Column("message", "Reason", say=lambda row: f"{row.path} {row.message}".strip()),
                Column("events", "Events", Kind.BAR),
                Column("sample", "One of them", Kind.CODE, minor=True),
            ),
        ),
    ),
)

PAGES = (PAGE,)
