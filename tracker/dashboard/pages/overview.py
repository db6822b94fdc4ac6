"""/overview: the answer of the day."""

from dataclasses import replace
from urllib.parse import quote

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask, ask_before
from tracker.dashboard.formats import number, rate, short
from tracker.dashboard.page import Linked, Page, Sentence, say
from tracker.dashboard.pages.people import KNOWN
from tracker.dashboard.panels import Chart, Column, Kind, Series, Stat, Stats, Table
from tracker.dashboard.wording import count, moved, people
from tracker.metrics import demand, overview, sage, sampling
from tracker.metrics.scope import Scope

_SHORT = 6


def opening(session: Session, scope: Scope, listed: int = _SHORT) -> Sentence:
    """How often Sage found nothing, against the period before, and what people wait for.

    `listed` is how many unmet demands the page lists, so that they are asked for once.
    """
    now = ask(overview.searches, session, scope)
    if not now.searches:
        return _without_searches(session, scope)
    before = ask_before(overview.searches, session, scope)
    first = say(
        "Sage found nothing for {rate} of {searches}{moved}.",
        rate=Linked(rate(now.zero_result_rate), "/demand"),
        searches=Linked(count(now.searches, "search", "searches"), "/sage"),
        moved=moved("zero_result_rate", now, before),
    )
    return Sentence(first.parts + _unmet(session, scope, listed).parts)


def _without_searches(session: Session, scope: Scope) -> Sentence:
    totals = ask(overview.totals, session, scope)[0]
    if not totals.events:
        return say("Nothing came in during this period.")
    events = count(totals.events, "event").capitalize()
    if not totals.sessions:
        none = "not" if totals.events == 1 else "none of them"
        return say("{n} came in, " + none + " from a visitor.", n=Linked(events, "/activity"))
    return say(
        "{events} of {sessions} came in, and nobody asked Sage.",
        events=Linked(events, "#daily-events"),
        sessions=Linked(count(totals.sessions, "session"), "/people"),
    )


def _unmet(session: Session, scope: Scope, listed: int) -> Sentence:
    unmet = ask(demand.zero_result_queries, session, replace(scope, limit=listed))
    if not unmet.rows:
        return say(" Every search found something.")
    top = unmet.rows[0]
    return say(
        " The top unmet demand is {query}: {people}, {reachable}.",
        query=Linked(f"“{short(top.query)}”", "/demand"),
        people=people(top.sessions) if top.sessions else f"asked {count(top.zero_results, 'time')}",
        reachable=_reachable(top),
    )


def _reachable(top: demand.ZeroQuery) -> str | Linked:
    """Those of them who can be written to, and who they are."""
    if not top.emails:
        return "none known"
    some = "" if top.sessions == 1 else f"{number(top.emails)} "
    waiting = f"/people?query={quote(top.query)}&zero=1&known=1#sessions"
    return Linked(f"{some}with an e-mail address", waiting)


DAILY_EVENTS = Chart(
    name="daily-events",
    title="What visitors did, by day",
    metric=overview.daily_events,
    unit="events",
    series=(
        Series("sage_query", "Searches", "searches"),
        Series("card_click", "Card clicks", "clicks"),
        Series("filter_change", "Filters set", "filters"),
    ),
)

PAGE = Page(
    slug="overview",
    title="Overview",
    group="Marketplace",
    key="o",
    question="How is the marketplace doing?",
    sentence=opening,
    panels=(
        Stats(
            name="totals",
            title="Totals",
            metric=overview.totals,
            sampled=sampling.EVERY,
            stats=(
                Stat("events", "Events", link="/activity"),
                Stat("sessions", "Sessions", good="up", link="/people"),
                Stat("identified_sessions", "Known by name", good="up", link=KNOWN),
                Stat("card_clicks", "Card clicks", good="up", link="/experts"),
                Stat("sage_queries", "Searches", good="up", link="/sage"),
                Stat("filter_changes", "Filters set", link="/filters"),
                Stat(
                    "zero_result_rate",
                    "Found nothing",
                    good="down",
                    n="sage_queries",
                    link="/demand",
                ),
            ),
        ),
        DAILY_EVENTS,
        Table(
            name="unmet-demand",
            title="Found nothing, most often",
            metric=demand.zero_result_queries,
            link="/demand?zero-result-queries.q={query}#zero-result-queries",
            page_size=_SHORT,
            half=True,
            columns=(
                Column("query", "Query"),
                Column("zero_results", "Times", Kind.BAR),
                Column("sessions", "People"),
                Column("emails", "With e-mail"),
            ),
        ),
        Table(
            name="asked-most",
            title="Asked most often",
            metric=sage.top_queries,
            link="/sage?top-queries.q={query}#top-queries",
            page_size=_SHORT,
            half=True,
            columns=(
                Column("query", "Query"),
                Column("searches", "Times", Kind.BAR),
                Column("zero_results", "Found nothing"),
            ),
        ),
    ),
    example="card_click",
)

PAGES = (PAGE,)
