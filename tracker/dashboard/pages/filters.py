"""/filters: which filters carry demand, and which end it."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask, ask_before
from tracker.dashboard.figures import axes
from tracker.dashboard.formats import number, rate
from tracker.dashboard.page import Linked, Page, Sentence, say
from tracker.dashboard.panels import Chart, Colour, Column, Filter, Kind, Series, Stat, Stats, Table
from tracker.dashboard.wording import VALUE, count, moved, value_in_words
from tracker.metrics import filters, rate_demand, supply_gap
from tracker.metrics.rate_demand import BIN
from tracker.metrics.scope import Scope

_DEAD_ENDS = "/people?filter={filter}&dead_end=1"
_MOST_MARKS = 12
_MOST_LONG_MARKS = 7
"""Of four digits and more: on a phone others would run into each other."""
_NOTABLE = 3
"""Dead ends that a filter must have caused to be called out."""
_WANTED = 10
"""Times that a value must have been set to be called wanted."""
_VAIN = 0.9
"""The share of a value's settings that leave nothing where nobody offers it."""
_LOOKED_AT = 20
"""Values among which the one that is wanted most is looked for."""


def opening(session: Session, scope: Scope) -> Sentence:
    """How often filters led nowhere, against the period before, and which one ends it most."""
    now = ask(filters.totals, session, scope)[0]
    if not now.sets:
        return say("Nobody set a filter in this period.")
    before = ask_before(filters.totals, session, scope)
    first = say(
        "{rate} of {sets} left nothing{moved}. ",
        rate=Linked(rate(now.zero_result_rate), "#by-filter"),
        sets=count(now.sets, "filter setting"),
        moved=moved("zero_result_rate", now, before),
    )
    rest = (*_culprit(session, scope, now).parts, *_missing(session, scope).parts)
    return Sentence(first.parts + rest)


def _culprit(session: Session, scope: Scope, now: filters.FilterTotals) -> Sentence:
    """The filter that most often left nothing of some results."""
    if not now.zero_results:
        return say("Whatever people chose, something was left.")
    rows = ask(filters.killers, session, scope)
    if not rows or rows[0].killed < _NOTABLE:
        return say("No filter stands out as the one that ended it.")
    worst = rows[0]
    return say(
        "The last straw was most often {filter}, {times}" + _which(worst) + ".",
        filter=Linked(worst.filter, "#killers"),
        times=f"{number(worst.killed)} times",
        value=value_in_words(worst.worst_value or ""),
        n=number(worst.worst_value_killed),
    )


def _which(worst: filters.Killer) -> str:
    """Names the value where it stands out among the filter's."""
    return ", {n} of them with {value}" if worst.worst_value_killed >= _NOTABLE else ""


def _missing(session: Session, scope: Scope) -> Sentence:
    """The value that most people want and nobody offers."""
    often = replace(scope, filters={}, sort="-zero_results", offset=0, limit=_LOOKED_AT)
    rows = ask(filters.values, session, often).rows
    lost = [row for row in rows if row.sets >= _WANTED and row.zero_results >= _VAIN * row.sets]
    if not lost:
        return say("")
    first = lost[0]
    return say(
        " Wanted but not offered: {value}, set {times} times and {vain} in vain.",
        value=Linked(
            f"{first.filter} {value_in_words(first.value)}",
            f"/people?filter={quote(first.filter)}&value={quote(first.value)}&dead_end=1#sessions",
        ),
        times=number(first.sets),
        vain="always" if first.zero_results == first.sets else "nearly always",
    )


def _worst(row: filters.Killer) -> str:
    return value_in_words(row.worst_value or "")


def _names(session: Session, scope: Scope) -> list[tuple[str, str]]:
    rows: list[filters.ByFilter] = ask(filters.by_filter, session, scope)
    return [(row.filter, row.filter) for row in rows]


def _bars(rows: list[Any], heights: list[Any], name: str, colour: Colour) -> dict[str, Any]:
    """Bars as wide as their bins."""
    return {
        "type": "bar",
        "name": name,
        "x": [row.low + BIN / 2 for row in rows],
        "y": heights,
        "width": [BIN * 0.9] * len(rows),
        "customdata": [f"{row.low} to {row.high}" for row in rows],
        "marker": {"color": f"var(--{colour})"},
        "hovertemplate": f"%{{customdata}}: %{{y:,}} {name}<extra></extra>",
    }


def _demand_figure(rows: list[Any], _scope: Scope) -> dict[str, Any]:
    dead = [row.zero_results for row in rows]
    alive = [row.sets - row.zero_results for row in rows]
    bars = [
        _bars(rows, dead, "left nothing", "bad"),
        _bars(rows, alive, "found something", "filters"),
    ]
    return {"data": bars, "layout": _scale("times set", rows)}


def _scale(unit: str, rows: list[Any]) -> dict[str, Any]:
    """Axes with a mark at every border between bins, while they are few, or at every other."""
    layout = axes(unit) | {"hovermode": "closest"}
    if len(rows) <= _MOST_MARKS:
        borders = sorted({edge for row in rows for edge in (row.low, row.high)})
        is_long = len(borders) > _MOST_LONG_MARKS and borders[-1] >= 1000
        layout["xaxis"] = {"tickvals": borders[:: 2 if is_long else 1]}
    return layout


def _supply_figure(rows: list[Any], _scope: Scope) -> dict[str, Any]:
    found = [row.median_result_count for row in rows]
    bars = [_bars(rows, found, "results (median)", "searches")]
    return {"data": bars, "layout": _scale("results, median", rows)}


PAGE = Page(
    slug="filters",
    title="Filters",
    group="Marketplace",
    key="f",
    question="Which filters carry demand, and which end it?",
    sentence=opening,
    events=("filter_change",),
    panels=(
        Stats(
            name="totals",
            title="Totals",
            metric=filters.totals,
            settled=True,
            stats=(
                Stat("sets", "Filters set", link="#by-filter"),
                Stat("zero_results", "Left nothing", good="down", link="/demand#unmet-filters"),
                Stat("zero_result_rate", "Share that left nothing", good="down", n="sets"),
                Stat("killed", "Last straws", good="down", link="#killers"),
            ),
        ),
        Table(
            name="by-filter",
            title="Filters",
            metric=filters.by_filter,
            link="/people?filter={filter}#sessions",
            search="Search filters",
            columns=(
                Column("filter", "Filter"),
                Column("sets", "Times set", Kind.BAR),
                Column("sessions", "Sessions", minor=True),
                Column("zero_results", "Left nothing", link=_DEAD_ENDS + "#sessions"),
                Column("zero_result_rate", "Share", n="sets"),
                Column("median_result_count", "Results left, median", minor=True),
            ),
        ),
        Table(
            name="killers",
            title="Which filter killed it",
            metric=filters.killers,
            note="There were results until this filter was set.",
            link="/people?filter={filter}#sessions",
            half=True,
            settled=True,
            page_size=10,
            columns=(
                Column("filter", "Filter"),
                Column("killed", "Times", Kind.BAR),
                Column("kill_rate", "Of its chances", n="narrowed"),
                Column("worst_value", "Most often with", say=_worst),
            ),
        ),
        Table(
            name="values",
            title="Values",
            metric=filters.values,
            link="/people?filter={filter}&value={value}#sessions",
            half=True,
            search="Search values",
            filters=(Filter("filter", "Filter", options=_names),),
            sortable=("filter", "value", "sets", "zero_results"),
            page_size=10,
            columns=(
                VALUE,
                Column("filter", "Filter"),
                Column("sets", "Times set", Kind.BAR),
                Column("zero_results", "Left nothing", link=_DEAD_ENDS + "&value={value}#sessions"),
            ),
        ),
        Chart(
            name="rate-demand",
            title="Where on the rate scale people look",
            metric=rate_demand.rate_demand,
            note="The lower, red part of a bar are the ranges that left nothing.",
            unit="times set",
            x="low",
            shape="bars",
            half=True,
            figure=_demand_figure,
            series=(
                Series("sets", "Times set", "filters"),
                Series("zero_results", "Left nothing", "bad"),
            ),
        ),
        Chart(
            name="rate-supply",
            title="What they find there",
            metric=rate_demand.rate_supply,
            note="Results of the ranges that reach there, not experts who ask that price.",
            unit="results",
            x="low",
            shape="bars",
            half=True,
            figure=_supply_figure,
            series=(Series("median_result_count", "Results, median", "searches"),),
        ),
        Table(
            name="combinations",
            title="Filters set together",
            metric=supply_gap.combinations,
            note="Each line leads to the sessions that set all of its filters, together or not.",
            link="/people?with={filters}#sessions",
            settled=True,
            search="Search combinations",
            columns=(
                Column("filters", "Filters"),
                Column("sets", "Times", Kind.BAR),
                Column("zero_results", "Left nothing"),
                Column("zero_result_rate", "Share", n="sets"),
                Column("median_result_count", "Results left, median", minor=True),
            ),
        ),
    ),
)

PAGES = (PAGE,)
