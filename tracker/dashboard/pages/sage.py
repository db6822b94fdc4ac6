"""/sage: how well the assistant answers."""

from typing import Any

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask, ask_before
from tracker.dashboard.figures import axes
from tracker.dashboard.formats import rate
from tracker.dashboard.page import Linked, Page, Sentence, say
from tracker.dashboard.panels import Chart, Column, Kind, Series, Stat, Stats, Table
from tracker.dashboard.wording import count, moved
from tracker.metrics import sage, sage_answers
from tracker.metrics.scope import Scope

_FUNCTIONS = (("search_experts", "Searched experts"), ("apply_filters", "Set filters"))


def opening(session: Session, scope: Scope) -> Sentence:
    """How often an answer was clicked, against the period before, and how often it failed."""
    now = ask(sage_answers.answers, session, scope)[0]
    if not now.searches:
        return say("Nobody asked Sage anything in this period.")
    before = ask_before(sage_answers.answers, session, scope)
    first = say(
        "{rate} of {searches} led to a click on one of Sage’s experts{moved}. ",
        rate=Linked(rate(now.click_through_rate), "#daily-clicks"),
        searches=Linked(count(now.searches, "search", "searches"), "#daily-volume"),
        moved=moved("click_through_rate", now, before),
    )
    return Sentence(first.parts + _failures(now, before).parts)


def _failures(now: sage_answers.Answers, before: sage_answers.Answers | None) -> Sentence:
    nothing = "It found nothing for {zero}{moved}" if now.zero_results else "It always found some"
    unhelpful = "; {answers} {were} passed over and asked again." if now.unhelpful else "."
    return say(
        nothing + unhelpful,
        zero=Linked(rate(now.zero_result_rate), "/demand"),
        moved=moved("zero_result_rate", now, before),
        answers=Linked(count(now.unhelpful, "answer"), "#unhelpful-queries"),
        were="was" if now.unhelpful == 1 else "were",
    )


_MOST_RANKS = 12
"""Up to here each rank has its tick."""


def _first_clicks_figure(rows: list[Any], _scope: Scope) -> dict[str, Any]:
    bars = {
        "type": "bar",
        "name": "First clicks",
        "x": [row.rank for row in rows],
        "y": [row.searches for row in rows],
        "customdata": [rate(row.share) for row in rows],
        "marker": {"color": "var(--clicks)"},
        "hovertemplate": "Rank %{x}: %{y:,} searches, %{customdata}<extra></extra>",
    }
    layout = axes("searches") | {"hovermode": "closest"}
    layout["xaxis"] = {"title": {"text": "rank in the answer"}, "tickformat": "d", "nticks": 12}
    if len(rows) <= _MOST_RANKS:
        layout["xaxis"]["dtick"] = 1
    return {"data": [bars], "layout": layout}


NO_CLICK = Stat(
    "no_click_rate", "Results, no click", good="down", n="answered", help="of those with results"
)

PAGE = Page(
    slug="sage",
    title="Sage",
    group="Marketplace",
    key="s",
    question="How well does Sage answer?",
    sentence=opening,
    events=("sage_query", "card_click"),
    panels=(
        Stats(
            name="answers",
            title="Answers",
            metric=sage_answers.answers,
            settled=True,
            stats=(
                Stat("searches", "Searches", link="#top-queries"),
                Stat(
                    "zero_result_rate",
                    "Found nothing",
                    good="down",
                    n="searches",
                    link="/people?zero=1#sessions",
                ),
                Stat("click_through_rate", "Clicked", good="up", n="searches"),
                NO_CLICK,
                Stat(
                    "mean_reciprocal_rank",
                    "First click, score",
                    good="up",
                    n="searches",
                    help="1 always the first, 0 never (MRR)",
                ),
                Stat("reformulation_rate", "Asked again", good="down", n="searches"),
            ),
        ),
        Chart(
            name="daily-volume",
            title="Searches by day",
            metric=sage.daily_volume,
            unit="searches",
            series=(
                Series("searches", "Searches", "searches"),
                Series("zero_results", "Found nothing", "bad"),
            ),
        ),
        Table(
            name="top-queries",
            title="What Sage is asked",
            metric=sage.top_queries,
            link="/people?query={query}#sessions",
            search="Search queries",
            sortable=("query", "searches", "zero_results"),
            columns=(
                Column("query", "Query"),
                Column("searches", "Searches", Kind.BAR),
                Column(
                    "zero_results",
                    "Found nothing",
                    link="/people?query={query}&zero=1#sessions",
                ),
                Column("sessions", "Sessions"),
            ),
        ),
        Chart(
            name="daily-clicks",
            title="Answers clicked, by day",
            metric=sage_answers.daily_clicks,
            unit="share of searches",
            rate=True,
            half=True,
            settled=True,
            series=(Series("click_through_rate", "Clicked", "clicks"),),
        ),
        Chart(
            name="daily-zero-rate",
            title="Found nothing, by day",
            metric=sage.daily_volume,
            unit="share of searches",
            rate=True,
            half=True,
            series=(Series("zero_result_rate", "Found nothing", "bad"),),
        ),
        Table(
            name="unhelpful-queries",
            title="Answered, but unhelpful",
            metric=sage_answers.unhelpful_queries,
            note="There were results, none was clicked, and the visitor asked again at once.",
            link="/people?query={query}#sessions",
            search="Search queries",
            sortable=("query", "unhelpful"),
            half=True,
            settled=True,
            page_size=10,
            columns=(
                Column("query", "Query"),
                Column("unhelpful", "Unhelpful", Kind.BAR),
                Column("searches", "Searches"),
                Column("unhelpful_rate", "Share", n="searches"),
            ),
        ),
        Chart(
            name="first-click-positions",
            title="Where the first click falls",
            metric=sage_answers.first_clicks,
            unit="searches",
            x="rank",
            shape="bars",
            half=True,
            settled=True,
            figure=_first_clicks_figure,
            series=(Series("searches", "Searches", "clicks"),),
        ),
        Table(
            name="by-function",
            title="By what Sage did",
            metric=sage.by_function,
            settled=True,
            columns=(
                Column("function_called", "Sage", words=_FUNCTIONS),
                Column("searches", "Searches", Kind.BAR),
                Column("zero_results", "Found nothing"),
                Column("zero_result_rate", "Share", n="searches"),
                Column("mean_result_count", "Results, mean"),
                Column("clicked_searches", "Clicked"),
                Column("click_through_rate", "Click-through", n="searches"),
            ),
        ),
    ),
)

PAGES = (PAGE,)
