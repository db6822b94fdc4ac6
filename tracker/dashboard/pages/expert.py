"""/experts/<id>: one expert's trend, what it is found by, and its clicks."""

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask
from tracker.dashboard.formats import decimal, number
from tracker.dashboard.page import Linked, Page, Sentence, Subject, say
from tracker.dashboard.pages.experts import CONTEXT_WORDS
from tracker.dashboard.panels import Chart, Column, Kind, Series, Stat, Stats, Table
from tracker.dashboard.wording import VALUE, count
from tracker.metrics import expert, experts
from tracker.metrics.scope import Scope

_RATE = "clicks per showing"
_EXPLAINED = {
    experts.HIDDEN_GEM: "clearly more than its places explain: it may deserve better ones",
    experts.OVER_EXPOSED: "clearly less than its places explain: others may use them better",
    experts.UNKNOWN: "in a place whose impressions are not reported, so nothing can be expected",
    "": "about as often as its places explain",
}


def opening(session: Session, scope: Scope) -> Sentence:
    """How often the expert was shown and clicked, and whether its places explain that."""
    found = ask(expert.standing, session, scope)
    if not found:
        return say("This expert was not shown in this period.")
    row = found[0]
    return say(
        "Shown {impressions} and clicked {clicks}, {explained} ({coec} × expected).",
        impressions=Linked(f"{count(row.impressions, 'time')}", "#trend"),
        clicks=Linked(count(row.clicks, "time"), "#clicks"),
        explained=_EXPLAINED[row.standing],
        coec=decimal(row.coec),
    )


PAGE = Page(
    slug="experts",
    title="Expert",
    group="Marketplace",
    question="How does this expert do?",
    parent="experts",
    subject=Subject("expert_id", title="{}", noun="expert", exists=expert.exists),
    sentence=opening,
    events=("sage_query", "results_shown", "card_click"),
    panels=(
        Stats(
            name="totals",
            title="Totals",
            metric=expert.exposure,
            stats=(
                Stat("sage_impressions", "Shown by Sage", good="up"),
                Stat("grid_impressions", "Shown in grid", good="up"),
                Stat("sage_clicks", "Clicked in Sage", good="up", link="#clicks"),
                Stat("grid_clicks", "Clicked in grid", good="up", link="#clicks"),
                Stat("sage_ctr", "Rate in Sage", good="up", n="sage_impressions", help=_RATE),
                Stat("grid_ctr", "Rate in grid", good="up", n="grid_impressions", help=_RATE),
                Stat("average_click_position", "Mean rank clicked", good="down"),
                Stat(
                    "coec",
                    "× expected",
                    good="up",
                    n="impressions",
                    help="1 is what its places explain",
                ),
            ),
        ),
        Chart(
            name="trend",
            title="Shown and clicked, by day",
            metric=expert.trend,
            unit="times",
            series=(
                Series("impressions", "Shown", "searches"),
                Series("clicks", "Clicked", "clicks"),
            ),
        ),
        Table(
            name="found-by",
            title="Queries it is found by",
            metric=expert.found_by,
            note=f"Among the newest {number(expert.NEWEST)} searches of the period.",
            link="/people?query={query}#sessions",
            search="Search queries",
            half=True,
            page_size=10,
            columns=(
                Column("query", "Query"),
                Column("answers", "Answers", Kind.BAR),
                Column("best_rank", "Best rank"),
                Column("last_at", "Last"),
            ),
        ),
        Table(
            name="under-filters",
            title="Filters it is shown under",
            metric=expert.under_filters,
            note=f"Shown is among the newest {number(expert.NEWEST)} grids of all experts; clicks"
            " go further back, and are no share of it.",
            link="/people?filter={filter}&value={value}#sessions",
            search="Search filters",
            half=True,
            page_size=10,
            columns=(
                Column("filter", "Filter"),
                VALUE,
                Column("impressions", "Shown in grid"),
                Column("clicks", "Clicked", Kind.BAR),
            ),
        ),
        Table(
            name="clicks",
            title="Clicks, newest first",
            metric=expert.clicks,
            link="/people/session/{session_id}",
            sortable=("occurred_at", "position"),
            columns=(
                Column("occurred_at", "When"),
                Column("context", "Where", words=CONTEXT_WORDS),
                Column("position", "Position"),
                Column("session_id", "Session", Kind.ID),
                Column("email", "E-mail", link="/people/person/{email}"),
            ),
        ),
    ),
)

PAGES = (PAGE,)
