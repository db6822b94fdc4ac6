"""/demand/ledger/<id>: one demand, how it was put, who waits, and what is done about it."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask
from tracker.dashboard.formats import moment, number, rate, short
from tracker.dashboard.page import Linked, Page, Sentence, Subject, say
from tracker.dashboard.pages.demand import STATUS_WORDS
from tracker.dashboard.panels import Chart, Column, Kind, Series, Stat, Stats, Table
from tracker.dashboard.wording import count, people
from tracker.metrics import one_demand
from tracker.metrics.intervals import Interval
from tracker.metrics.scope import Scope
from tracker.store.demands import LONGEST_NOTES
from tracker.store.grouping import FILLED, OPEN, RECRUITING, REOPENED

_FILL, _RECRUIT = (FILLED, "Mark as filled"), (RECRUITING, "Start recruiting")
_STEPS = {
    OPEN: (_RECRUIT, _FILL),
    RECRUITING: (_FILL, (OPEN, "Back to open")),
    FILLED: ((REOPENED, "Reopen"),),
    REOPENED: (_RECRUIT, _FILL),
}


@dataclass(frozen=True)
class Work:
    """What the forms under the page need."""

    id: str
    status: str
    steps: tuple[tuple[str, str], ...]
    """The statuses it can be moved to, with the words of the buttons."""
    since: str
    notes: str
    longest_notes: int
    queries: list[str]
    others: list[tuple[str, str]]


def _called(session: Session, scope: Scope) -> str:
    return str(ask(one_demand.standing, session, scope)[0].demand)


def opening(session: Session, scope: Scope) -> Sentence:
    """Who wants it, who can be reached, and whether filling it helped."""
    wanted = ask(one_demand.standing, session, scope)[0]
    if not wanted.people:
        return say(
            "“{name}”: nobody whose searches are still held waits for it.",
            name=short(wanted.demand),
        )
    first = say(
        "{people} asked for “{name}” in vain, {times} so far. {waiting}. ",
        people=people(wanted.people).capitalize(),
        name=short(wanted.demand),
        times=Linked(count(wanted.zero_results, "time"), "#wordings"),
        waiting=_waiting(wanted.people, wanted.emails),
    )
    return Sentence((*first.parts, *_helped(session, scope).parts))


def _waiting(people: int, emails: int) -> str | Linked:
    if not emails:
        return "Nobody left an e-mail address"
    some = "One of them" if emails == 1 else f"{number(emails)} of them"
    who = "They" if people == 1 else some
    return Linked(f"{who} can be reached by e-mail", "#waiting")


def _helped(session: Session, scope: Scope) -> Sentence:
    """What filling it did to the share that found nothing, as sure as that is."""
    sides = ask(one_demand.effect, session, scope)
    if not sides:
        return Sentence(())
    before, since = sides
    if not since.searches:
        return say("Since it was filled nobody has asked for it.")
    change = ask(one_demand.change_since_filled, session, scope)
    return say(
        "Since it was filled {since} of searches found nothing, before {before}: {verdict}.",
        since=Linked(rate(since.zero_result_rate), "#effect"),
        before=rate(before.zero_result_rate),
        verdict=_verdict(change),
    )


def _verdict(change: Interval | None) -> str:
    if change is None:
        return "there is nothing to compare it with"
    if change.high < 0:
        return f"that is at least {rate(-change.high)} less, with 95\u202f% certainty"
    if change.low > 0:
        return f"that is at least {rate(change.low)} more, with 95\u202f% certainty"
    return "too few searches to tell"


def work(session: Session, scope: Scope) -> Work | None:
    """The demand's state for the forms."""
    demand = one_demand.held(session, scope)
    if demand is None:
        return None
    return Work(
        id=demand.id,
        status=dict(STATUS_WORDS)[demand.status],
        steps=_STEPS[demand.status],
        since=moment(demand.status_at, scope.zone, scope.today),
        notes=demand.notes,
        longest_notes=LONGEST_NOTES,
        queries=[row.query for row in ask(one_demand.wordings, session, scope)],
        others=one_demand.others(session, scope),
    )


PAGE = Page(
    slug="demand/ledger",
    title="Demand",
    group="Marketplace",
    question="Who wants this, and what is done about it?",
    parent="demand",
    subject=Subject("demand_id", noun="demand", exists=one_demand.exists, called=_called),
    sentence=opening,
    events=("sage_query",),
    panels=(
        Stats(
            name="standing",
            title="Standing",
            metric=one_demand.standing,
            compare=False,
            stats=(
                Stat("people", "People", link="#wordings"),
                Stat("emails", "Waiting", link="#waiting"),
                Stat("zero_results", "Found nothing", link="#wordings"),
                Stat("zero_result_rate", "Share of searches", n="searches"),
                Stat("score", "Score"),
            ),
        ),
        Chart(
            name="daily",
            title="Searches for it, by day",
            metric=one_demand.daily,
            unit="searches",
            shape="bars",
            series=(
                Series("zero_results", "Found nothing", "bad"),
                Series("found", "Found", "searches"),
            ),
        ),
        Table(
            name="effect",
            title="Before and since it was filled",
            nothing="It is not marked as filled.",
            metric=one_demand.effect,
            note="The share that found nothing, and the range that it is in in 95 of 100 cases.",
            half=True,
            columns=(
                Column("when", "When"),
                Column("searches", "Searches"),
                Column("zero_result_rate", "Found nothing", n="searches"),
                Column("low_rate", "95\u202f% from"),
                Column("high_rate", "to"),
            ),
        ),
        Table(
            name="wordings",
            title="How it was put",
            metric=one_demand.wordings,
            link="/people?query={query}&zero=1#sessions",
            half=True,
            page_size=10,
            columns=(
                Column("query", "Query"),
                Column("zero_results", "Found nothing", Kind.BAR),
                Column("searches", "Of searches"),
                Column("last_seen", "Last time", minor=True),
            ),
        ),
        Table(
            name="waiting",
            title="People waiting",
            metric=one_demand.waiting,
            note="Whoever exports this list as CSV is noted in the audit log.",
            link="/people/person/{email}",
            search="Search addresses",
            columns=(
                Column("email", "E-mail address"),
                Column("query", "Asked for", minor=True),
                Column("searches", "Times in vain"),
                Column("first_seen", "First", minor=True),
                Column("last_seen", "Last"),
            ),
        ),
    ),
    aside="dashboard/ledger.html",
    aside_data=work,
)

PAGES = (PAGE,)
