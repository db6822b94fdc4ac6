"""/trips/attempts/<id>: one attempt, what went in, and what its visitor did around it."""

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask
from tracker.dashboard.formats import milliseconds, moment
from tracker.dashboard.page import Linked, Page, Sentence, Subject, say
from tracker.dashboard.pages.trips import STATUS_WORDS
from tracker.dashboard.panels import Column, Kind, Table, Timeline
from tracker.dashboard.wording import input_in_words
from tracker.dashboard.words import in_words
from tracker.metrics import attempt
from tracker.metrics.scope import Scope


def opening(session: Session, scope: Scope) -> Sentence:
    """What became of the attempt, when, and how long it took."""
    row = ask(attempt.attempt, session, scope)[0]
    took = f" after {milliseconds(row.duration_ms)}" if row.duration_ms is not None else ""
    when = moment(row.created_at, scope.zone, scope.today)
    if row.status == "failed":
        return say(
            "This attempt of {when} failed{took} with {code}.",
            when=when,
            took=took,
            code=Linked(row.error_code or "no code", "/trips#errors"),
        )
    what = {
        "success": "succeeded{took}",
        "pending": "has no outcome yet",
        "abandoned": "was abandoned: no outcome came within an hour",
    }[row.status]
    return say("This attempt of {when} " + what + ".", when=when, took=took)


PAGE = Page(
    slug="trips/attempts",
    title="Attempt",
    group="Trips",
    question="What happened to this attempt?",
    parent="trips",
    subject=Subject(attempt.SUBJECT, title="Attempt", noun="attempt", exists=attempt.exists),
    sentence=opening,
    period=False,
    panels=(
        Table(
            name="attempt",
            title="The attempt",
            metric=attempt.attempt,
            columns=(
                Column("created_at", "When"),
                Column("status", "Status", words=STATUS_WORDS),
                Column("error_code", "Error", Kind.CODE),
                Column("duration_ms", "Took"),
                Column("prompt_contract_version", "Version", Kind.CODE),
                Column("trip_id", "Trip", Kind.CODE),
                Column("request_id", "Request", Kind.CODE),
            ),
        ),
        Table(
            name="inputs",
            title="What went in",
            metric=attempt.inputs,
            half=True,
            page_size=100,
            columns=(
                Column("input", "Input", Kind.CODE),
                Column("value", "Value", say=lambda row: input_in_words(row.value)),
                Column("origin", "From", words=(("input", "Visitor"), ("default", "Default"))),
            ),
        ),
        Table(
            name="person",
            title="Whose it was",
            metric=attempt.person,
            half=True,
            link="/people/session/{session_id}",
            columns=(
                Column("session_id", "Visitor", Kind.ID),
                Column("email", "E-mail address"),
                Column("user_id", "User", Kind.CODE),
            ),
        ),
        Timeline(
            name="events",
            title="Around it",
            metric=attempt.events,
            words=lambda row: in_words(row.event_type, row.payload),
            note="Its own events, and what the visitor did half an hour before and after.",
        ),
    ),
)

PAGES = (PAGE,)
