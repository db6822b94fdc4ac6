"""/experts: who is shown, who is clicked, and who deserves another place."""

from typing import Any
from urllib.parse import quote

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask
from tracker.dashboard.figures import axes
from tracker.dashboard.formats import decimal, number, rate
from tracker.dashboard.page import Linked, Page, Sentence, say
from tracker.dashboard.panels import Chart, Colour, Column, Kind, Series, Stat, Stats, Table
from tracker.dashboard.wording import count
from tracker.metrics import concentration, experts, places
from tracker.metrics.scope import Scope

CONTEXT_WORDS = (("sage_panel", "Sage’s answer"), ("grid", "Grid"))
STANDING = Column(
    "standing",
    "Standing",
    words=((experts.HIDDEN_GEM, "Hidden gem"), (experts.OVER_EXPOSED, "Over-exposed")),
)
TIMES_EXPECTED = (
    "×\u00a0expected (COEC) is clicks over those that its places explain: 1 is as expected."
)
_TEN = 10
"""Of so many experts a tenth is one."""
_COLOURS: dict[str, Colour] = {"sage_panel": "searches", "grid": "filters"}


def opening(session: Session, scope: Scope) -> Sentence:
    """How unevenly experts are shown, and who is clicked far more than its places explain."""
    contexts = ask(concentration.by_context, session, scope)
    if not contexts:
        return _never_shown(session, scope)
    before = _before(session, scope).get(contexts[0].context)
    return Sentence(_shown(contexts[0], before).parts + _gems(session, scope).parts)


def _shown(
    now: concentration.Concentration, before: concentration.Concentration | None
) -> Sentence:
    """How often who is shown most got shown; some of those who are known never are."""
    where = "Sage" if now.context == "sage_panel" else "The grid"
    times = Linked(count(now.impressions, "time"), "#exposure")
    if now.experts == 1:
        return say("{where} showed the only expert known {times}. ", where=where, times=times)
    most = "the most shown tenth of {known} known"
    if now.experts <= _TEN:
        most = "of {known} known the one shown most"
    return say(
        "{where} showed experts {times}; " + most + " got {share} of it{moved}. ",
        where=where,
        times=times,
        known=number(now.experts),
        share=Linked(rate(now.top_10_percent_share), "#concentration"),
        moved=_fairness(now, before),
    )


def _never_shown(session: Session, scope: Scope) -> Sentence:
    clicks = ask(experts.totals, session, scope)[0].clicks
    if not clicks:
        return say("No expert was shown in this period.")
    return say(
        "{clicks} came in, but nothing of who was shown: without that no rate can be told.",
        clicks=Linked(count(clicks, "click").capitalize(), "#standing"),
    )


def _before(session: Session, scope: Scope) -> dict[str, concentration.Concentration]:
    """How unevenly experts were shown in the period before, where that is compared."""
    rows = ask(concentration.by_context, session, scope.previous()) if scope.compared else []
    return {row.context: row for row in rows}


def _fairness(now: concentration.Concentration, before: concentration.Concentration | None) -> str:
    if before is None or before.gini is None or now.gini is None:
        return ""
    if abs(now.gini - before.gini) < 0.01:
        return ", as unevenly as in the period before"
    direction = "more" if now.gini > before.gini else "less"
    return f", {direction} unevenly than before (unevenness {now.gini:.2f}, was {before.gini:.2f})"


def _gems(session: Session, scope: Scope) -> Sentence:
    rows = ask(experts.standings, session, scope)
    gems = [row for row in rows if row.standing == experts.HIDDEN_GEM]
    if not gems:
        return say("Nobody is clicked clearly more than its places explain.")
    best, others = gems[0], len(gems) - 1
    return say(
        "{best} deserves a better place: it is clicked {times} times as often as its places"
        " explain" + (", and {others} like it." if others else "."),
        best=Linked(best.expert_id, f"/experts/{quote(best.expert_id, safe='')}"),
        times=decimal(best.coec),
        others=Linked(count(others, "other"), "#standing"),
    )


def _positions_figure(rows: list[Any], _scope: Scope) -> dict[str, Any]:
    # A rank that was clicked and never shown has no rate, and may be any number
    drawn = [row for row in rows if row.ctr is not None]
    lines = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": dict(CONTEXT_WORDS)[context],
            "x": [row.position for row in drawn if row.context == context],
            "y": [row.ctr for row in drawn if row.context == context],
            "line": {"color": f"var(--{colour})", "width": 2},
            "marker": {"color": f"var(--{colour})", "size": 6},
            "hovertemplate": "rank %{x}: %{y:.1%}<extra></extra>",
        }
        for context, colour in _COLOURS.items()
        if any(row.context == context for row in drawn)
    ]
    layout = axes("clicks per showing", rate=True)
    layout["xaxis"] = {"title": {"text": "rank"}, "tickformat": "d", "nticks": 12}
    return {"data": lines, "layout": layout | {"showlegend": len(lines) > 1}}


def _lorenz_figure(rows: list[Any], _scope: Scope) -> dict[str, Any]:
    equal = {
        "type": "scatter",
        "mode": "lines",
        "name": "All shown alike",
        "x": [0, 1],
        "y": [0, 1],
        "line": {"color": "var(--quiet)", "width": 1.25, "dash": "4px,3px"},
        "hoverinfo": "skip",
    }
    curves = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": dict(CONTEXT_WORDS)[context],
            "x": [row.experts_share for row in rows if row.context == context],
            "y": [row.impressions_share for row in rows if row.context == context],
            "line": {"color": f"var(--{colour})", "width": 2},
            "hovertemplate": "the least shown %{x:.0%} got %{y:.1%}<extra></extra>",
        }
        for context, colour in _COLOURS.items()
        if any(row.context == context for row in rows)
    ]
    layout = axes("of all showings", rate=True)
    layout["xaxis"] = {"title": {"text": "of experts, least shown first"}, "tickformat": ".0%"}
    return {"data": [equal, *curves], "layout": layout | {"showlegend": True}}


PAGE = Page(
    slug="experts",
    title="Experts",
    group="Marketplace",
    key="e",
    question="Who is shown, who is clicked, and who deserves another place?",
    sentence=opening,
    events=("sage_query", "results_shown", "card_click"),
    panels=(
        Stats(
            name="totals",
            title="Totals",
            metric=experts.totals,
            stats=(
                Stat("experts", "Known experts", link="#exposure"),
                Stat("shown_share", "Of them shown", good="up", n="experts", link="#never-shown"),
                Stat("impressions", "Times shown", good="up", link="#exposure"),
                Stat("clicks", "Clicks", good="up", link="#click-positions"),
                Stat("click_through_rate", "Clicks per showing", good="up", n="impressions"),
                Stat("hidden_gems", "Hidden gems", link="#standing"),
                Stat("over_exposed", "Over-exposed", link="#standing"),
            ),
        ),
        Table(
            name="standing",
            title="Clicked more or less than their places explain",
            nothing="Nobody was shown or clicked in this period.",
            metric=experts.standings,
            note=f"{TIMES_EXPECTED} The true value is in the range in 95 of 100 cases; only who"
            " has all of it above 1 is a hidden gem, all of it below 1 over-exposed.",
            link="/experts/{expert_id}",
            search="Search experts",
            columns=(
                Column("expert_id", "Expert"),
                STANDING,
                Column("impressions", "Shown"),
                Column("clicks", "Clicks", Kind.BAR),
                Column("expected_clicks", "Expected"),
                Column("coec", "× expected", n="impressions"),
                Column("coec_low", "Range from"),
                Column("coec_high", "to"),
            ),
        ),
        Table(
            name="exposure",
            title="Shown and clicked",
            metric=experts.exposure,
            note="Shown means served in an answer or a grid; whether it was seen is not known."
            f" Rates are clicks per showing. {TIMES_EXPECTED}",
            link="/experts/{expert_id}",
            search="Search experts",
            columns=(
                Column("expert_id", "Expert"),
                Column("sage_impressions", "Shown by Sage", Kind.BAR),
                Column("grid_impressions", "Shown in grid", Kind.BAR),
                Column("sage_clicks", "Clicked in Sage"),
                Column("grid_clicks", "Clicked in grid"),
                Column("sage_ctr", "Rate in Sage", n="sage_impressions"),
                Column("grid_ctr", "Rate in grid", n="grid_impressions"),
                Column("average_click_position", "Mean rank clicked"),
                Column("coec", "× expected", n="impressions"),
            ),
        ),
        Chart(
            name="click-positions",
            title="Click-through by rank",
            metric=experts.click_positions,
            unit="clicks per showing",
            x="position",
            shape="curve",
            rate=True,
            half=True,
            figure=_positions_figure,
            series=(Series("ctr", "Click-through", "clicks"),),
        ),
        Chart(
            name="lorenz",
            title="How unevenly experts are shown",
            metric=concentration.curve,
            unit="of all showings",
            x="experts_share",
            shape="curve",
            rate=True,
            half=True,
            figure=_lorenz_figure,
            series=(Series("impressions_share", "Share of showings", "searches"),),
        ),
        Table(
            name="concentration",
            title="Concentration",
            metric=concentration.by_context,
            note="Unevenness (Gini) is 0 when all are shown alike, 1 when one is shown alone.",
            half=True,
            columns=(
                Column("context", "Where", words=CONTEXT_WORDS),
                Column("experts", "Experts"),
                Column("impressions", "Times shown"),
                Column("gini", "Unevenness"),
                Column("top_10_percent_share", "Top tenth got"),
            ),
        ),
        Table(
            name="never-shown",
            title="Known, but neither shown nor clicked",
            nothing="Every expert that is known was shown or clicked.",
            metric=places.absent_experts,
            link="/experts/{expert_id}",
            search="Search experts",
            half=True,
            page_size=10,
            columns=(
                Column("expert_id", "Expert"),
                Column("last_day", "Last shown"),
                Column("impressions", "Shown, ever", Kind.BAR),
                Column("clicks", "Clicks, ever"),
            ),
        ),
    ),
)

PAGES = (PAGE,)
