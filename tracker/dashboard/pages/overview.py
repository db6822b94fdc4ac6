"""/overview: the answer of the day."""

from dataclasses import replace

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask
from tracker.dashboard.formats import number, rate
from tracker.dashboard.page import Linked, Page, Sentence, say
from tracker.dashboard.panels import Chart, Column, Kind, Series, Stat, Stats, Table
from tracker.metrics import demand, overview, sage
from tracker.metrics.scope import Scope

_SHORT = 6
_NOTICEABLE = 0.005
"""A zero-result rate that moved by less, half a percentage point, is called steady."""


def opening(session: Session, scope: Scope) -> Sentence:
    """How often Sage found nothing, against the period before, and what people wait for."""
    now = ask(overview.searches, session, scope)
    if not now.searches:
        return _without_searches(session, scope)
    before = ask(overview.searches, session, scope.previous())
    first = say(
        "Sage found nothing for {rate} of {searches} searches" + _trend(now, before) + ".",
        rate=Linked(rate(now.zero_result_rate), "/demand"),
        searches=Linked(number(now.searches), "/sage"),
        was=rate(before.zero_result_rate),
    )
    return Sentence(first.parts + _unmet(session, scope).parts)


def _without_searches(session: Session, scope: Scope) -> Sentence:
    totals = ask(overview.totals, session, scope)[0]
    if not totals.events:
        return say("Nothing came in during this period.")
    return say(
        "{events} events of {sessions} sessions came in, and nobody asked Sage.",
        events=Linked(number(totals.events), "#daily-events"),
        sessions=Linked(number(totals.sessions), "/people"),
    )


def _trend(now: overview.Searches, before: overview.Searches) -> str:
    if before.zero_result_rate is None or now.zero_result_rate is None:
        return ""
    moved = now.zero_result_rate - before.zero_result_rate
    if abs(moved) < _NOTICEABLE:
        return ", as in the period before"
    return ", up from {was}" if moved > 0 else ", down from {was}"


def _unmet(session: Session, scope: Scope) -> Sentence:
    # The question of the panel below, so that it is asked once.
    unmet = ask(demand.zero_result_queries, session, replace(scope, limit=_SHORT))
    if not unmet.rows:
        return say(" Every search found something.")
    top = unmet.rows[0]
    people = "one person" if top.sessions == 1 else f"{number(top.sessions)} people"
    return say(
        " The top unmet demand is {query}: {people}" + _reachable(top.emails) + ".",
        query=Linked(f"“{top.query}”", "/demand"),
        people=people,
    )


def _reachable(emails: int) -> str:
    return f", {number(emails)} with an e-mail address" if emails else ", none of them known"


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
            stats=(
                Stat("events", "Events"),
                Stat("sessions", "Sessions", good="up", link="/people"),
                Stat("identified_sessions", "Identified", good="up", link="/people"),
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
        Chart(
            name="daily-events",
            title="What visitors did, by day",
            metric=overview.daily_events,
            unit="events",
            series=(
                Series("sage_query", "Searches", "searches"),
                Series("card_click", "Card clicks", "clicks"),
                Series("filter_change", "Filters set", "filters"),
            ),
        ),
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
