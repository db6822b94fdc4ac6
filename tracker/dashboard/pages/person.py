"""/people/person/<email>: everything that one person did, in all sessions."""

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask
from tracker.dashboard.formats import moment
from tracker.dashboard.page import Linked, Page, Sentence, Subject, say
from tracker.dashboard.pages.session import STATS, TIMELINE, done
from tracker.dashboard.panels import Column, Kind, Table
from tracker.dashboard.wording import count
from tracker.metrics import timeline
from tracker.metrics.scope import Scope


def opening(session: Session, scope: Scope) -> Sentence:
    """Since when the person comes, how often, and what it did."""
    found = ask(timeline.visitor, session, scope)
    if not found:
        return say("Of this person only events of servers are held.")
    row = found[0]
    return say(
        "First seen {first}, last {last}, in {sessions}: {done}.",
        first=moment(row.first_seen, scope.zone, scope.today),
        last=moment(row.last_seen, scope.zone, scope.today),
        sessions=Linked(count(row.sessions, "session"), "#visits"),
        done=Linked(done(row), "#timeline"),
    )


PAGE = Page(
    slug="people/person",
    title="Person",
    group="Marketplace",
    question="What did this person do?",
    parent="people",
    subject=Subject("email", title="{}", noun="person", exists=timeline.person_exists),
    sentence=opening,
    period=False,
    panels=(
        STATS,
        TIMELINE,
        Table(
            name="visits",
            title="Sessions",
            metric=timeline.visits,
            link="/people/session/{session_id}",
            columns=(
                Column("session_id", "Session", Kind.ID),
                Column("first_seen", "First seen"),
                Column("last_seen", "Last seen"),
                Column("active_days", "Active days"),
                Column("events", "Events", Kind.BAR),
                Column("searches", "Searches"),
                Column("clicks", "Clicks"),
            ),
        ),
    ),
)

PAGES = (PAGE,)
