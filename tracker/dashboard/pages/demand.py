"""/demand: what people want that is not there, and who waits for it."""

from dataclasses import replace
from urllib.parse import quote

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask, ask_before
from tracker.dashboard.formats import number, rate, short
from tracker.dashboard.page import Linked, Page, Sentence, say
from tracker.dashboard.panels import (
    Chart,
    Column,
    Filter,
    Kind,
    Matrix,
    Series,
    Stat,
    Stats,
    Table,
)
from tracker.dashboard.wording import VALUE, count, moved, people
from tracker.metrics import demand, ledger, supply_gap
from tracker.metrics.scope import Scope
from tracker.store.grouping import FILLED, OPEN, RECRUITING, REOPENED

_ROWS = 15
STATUS_WORDS = (
    (OPEN, "Open"),
    (RECRUITING, "Recruiting"),
    (FILLED, "Filled"),
    (REOPENED, "Reopened"),
)


def opening(session: Session, scope: Scope) -> Sentence:
    """How often people searched in vain, who they are, and what they want most."""
    now = ask(demand.totals, session, scope)[0]
    if not now.searches:
        return say("Nobody asked Sage in this period.")
    searches = count(now.searches, "search", "searches")
    if not now.zero_results:
        every = "The only search" if now.searches == 1 else f"Every one of {searches}"
        return say("{every} found something.", every=every)
    before = ask_before(demand.totals, session, scope)
    # Servers may search for somebody without saying in which session
    who = "{people} searched in vain: " if now.sessions else ""
    first = say(
        who + "{rate} of {searches} found nothing{moved}. ",
        people=Linked(people(now.sessions).capitalize(), "#zero-result-queries"),
        rate=Linked(rate(now.zero_result_rate), "#daily-zero-results"),
        searches=searches,
        moved=moved("zero_result_rate", now, before),
    )
    return Sentence((*first.parts, *_most_wanted(session, scope, now).parts))


def _most_wanted(session: Session, scope: Scope, now: demand.DemandTotals) -> Sentence:
    """The most frequent query, where one stands out, and who can be reached."""
    top = ask(demand.zero_result_queries, session, replace(scope, limit=_ROWS)).rows[0]
    query = Linked(f"“{short(top.query)}”", _sessions_of(top.query) if top.sessions else "")
    if now.zero_results == 1:
        return say("It was for {query}, and {reachable}.", query=query, **_reachable(now))
    if top.zero_results == 1:
        return say("No two of these were for the same thing, and {reachable}.", **_reachable(now))
    by = " by {people}" if top.sessions else ""
    return say(
        "Most often it was {query}, {times}" + by + "; {reachable}.",
        query=query,
        times=count(top.zero_results, "time"),
        people=people(top.sessions),
        **_reachable(now),
    )


def _sessions_of(query: str) -> str:
    """The sessions that searched this in vain. Quoted whole: a link is a template."""
    return f"/people?query={quote(query, safe='')}&zero=1#sessions"


def _reachable(now: demand.DemandTotals) -> dict[str, str | Linked]:
    if not now.emails:
        return {"reachable": "nobody left an e-mail address"}
    left = "one person" if now.emails == 1 else f"{number(now.emails)} people"
    return {"reachable": Linked(f"{left} can be reached by e-mail", _KNOWN)}


_KNOWN = "/people?zero=1&known=1#sessions"
_IN_VAIN = "/people?query={query}&zero=1"
_REACHABLE = "People with an e-mail address"

PAGE = Page(
    slug="demand",
    title="Demand",
    group="Marketplace",
    key="d",
    question="What do people want that is not there, and who waits for it?",
    sentence=opening,
    events=("sage_query", "filter_change"),
    panels=(
        Stats(
            name="totals",
            title="Totals",
            metric=demand.totals,
            stats=(
                Stat("searches", "Searches", link="/sage"),
                Stat("zero_results", "Found nothing", good="down", link="#zero-result-queries"),
                Stat("zero_result_rate", "Share of searches", good="down", n="searches"),
                Stat("sessions", "People", good="down", link="/people?zero=1#sessions"),
                Stat("emails", "With an e-mail address", link=_KNOWN),
            ),
        ),
        Chart(
            name="daily-zero-results",
            title="Searches that found nothing, by day",
            metric=demand.volume,
            unit="searches",
            series=(Series("zero_results", "Found nothing", "bad"),),
        ),
        Table(
            name="demands",
            title="Demand ledger",
            metric=ledger.demands,
            note="Queries that ask for the same thing, as one demand. Open one to work on it.",
            link="/demand/ledger/{id}",
            search="Search demands",
            filters=(Filter("status", "Status", options=STATUS_WORDS),),
            sortable=("demand", "status", "people", "emails", "zero_results", "last_seen"),
            empty="sage_query",
            columns=(
                Column("demand", "Demand"),
                Column("people", "People", Kind.BAR),
                Column("emails", "Waiting", help=_REACHABLE, link="/demand/ledger/{id}#waiting"),
                Column("status", "Status", words=STATUS_WORDS),
                Column("zero_result_rate", "Found nothing", n="searches"),
                Column(
                    "last_fortnight",
                    "14 days",
                    help="Searches in vain in the last 14 days",
                    minor=True,
                ),
                Column(
                    "fortnight_before", "Before", help="In the 14 days before those", minor=True
                ),
                Column("score", "Score", minor=True),
                Column("last_seen", "Last asked", minor=True),
            ),
        ),
        Table(
            name="zero-result-queries",
            title="Queries that found nothing",
            metric=demand.zero_result_queries,
            link=_IN_VAIN + "#sessions",
            search="Search queries",
            sortable=("query", "zero_results", "sessions", "emails", "last_seen"),
            page_size=_ROWS,
            columns=(
                Column("query", "Query"),
                Column("zero_results", "Found nothing", Kind.BAR),
                Column("searches", "Of searches", minor=True),
                Column("zero_result_rate", "Share", n="searches"),
                Column("sessions", "People"),
                Column("emails", "Waiting", help=_REACHABLE, link=_IN_VAIN + "&known=1#sessions"),
                Column("last_seen", "Last time", minor=True),
            ),
        ),
        Table(
            name="unmet-filters",
            title="Filter values that left nothing",
            metric=demand.unmet_filters,
            link="/people?filter={filter}&value={value}&dead_end=1#sessions",
            search="Search values",
            sortable=("filter", "value", "sets", "zero_results"),
            empty="filter_change",
            half=True,
            page_size=10,
            columns=(
                VALUE,
                Column("filter", "Filter"),
                Column("zero_results", "Left nothing", Kind.BAR),
                Column("zero_result_rate", "Share", n="sets"),
                Column("median_result_count", "Median", minor=True),
            ),
        ),
        Table(
            name="thin-results",
            title="Queries that found only one or two",
            metric=demand.thin_results,
            link="/people?query={query}&thin=1#sessions",
            search="Search queries",
            sortable=("query", "thin_results"),
            half=True,
            page_size=10,
            columns=(
                Column("query", "Query"),
                Column("thin_results", "One or two", Kind.BAR),
                Column("thin_share", "Share", n="searches"),
            ),
        ),
        Matrix(
            name="supply-gap",
            title="Where filters together lead nowhere",
            metric=supply_gap.supply_gap,
            note="Share of dead ends with both filters set. A cell leads to who set both.",
            row="filter",
            column="other",
            value="zero_result_rate",
            n="sets",
            link="/people?filter={filter}&with={other}#sessions",
            settled=True,
            empty="filter_change",
            also=(
                Column("sets", "× set"),
                Column("median_result_count", "results left (median)"),
            ),
        ),
    ),
)

PAGES = (PAGE,)
