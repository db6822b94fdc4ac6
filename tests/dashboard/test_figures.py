"""Charts as Plotly understands them."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple, get_args
from zoneinfo import ZoneInfo

import plotly.graph_objects
import plotly.io
import pytest

from tracker.config import ROOT
from tracker.dashboard.figures import Figure, figure
from tracker.dashboard.panels import Chart, Colour, Series
from tracker.dashboard.parts import for_script
from tracker.metrics.scope import Scope

NOW = datetime(2026, 11, 14, 12, tzinfo=UTC)
TODAY = NOW.date()


class Day(NamedTuple):
    day: date
    searches: int
    rate: float | None


def metric(_session: Any, _scope: Any) -> list[Day]:
    """Nothing is asked here."""
    return []


def scope(days: int = 7, last: date = TODAY) -> Scope:
    return Scope(("default",), last - timedelta(days=days - 1), last, ZoneInfo("UTC"), NOW)


def rows(of: Scope) -> list[Day]:
    return [Day(day, 10 * n, None if n == 2 else n / 10) for n, day in enumerate(of.each_day())]


def chart(**more: Any) -> Chart:
    series = (Series("searches", "Searches", "searches"),)
    return Chart(**{"name": "c", "title": "C", "metric": metric, "series": series} | more)


def resolved(drawn: Figure) -> Figure:
    """The figure with its colour tokens resolved, as charts.js does it."""
    text = re.sub(r'"var\(--[\w-]+\)"', '"#123456"', json.dumps(drawn, default=str))
    resolved: Figure = json.loads(text)
    return resolved


def test_a_name_stands_where_the_last_day_that_is_over_ends() -> None:
    both = (Series("searches", "Searches", "searches"), Series("rate", "Found nothing", "bad"))
    ended, going_on = (
        figure(chart(series=both), rows(scope(last=last)), (), scope())["layout"]["annotations"]
        for last in (TODAY - timedelta(days=1), TODAY)
    )
    assert [label["y"] for label in ended][-1] == 60
    assert [label["y"] for label in going_on][-1] == 50


@pytest.mark.parametrize("shape", ["line", "bars"])
@pytest.mark.parametrize("days", [1, 2, 7])
def test_plotly_accepts_our_figures(shape: Any, days: int) -> None:
    of = scope(days)
    both = (Series("searches", "Searches", "searches"), Series("rate", "Found nothing", "bad"))
    for declared in (chart(shape=shape), chart(shape=shape, series=both), chart(rate=True)):
        drawn = resolved(figure(declared, rows(of), rows(of.previous()), of))
        assert plotly.graph_objects.Figure(drawn).data
    assert plotly.graph_objects.Figure(resolved(figure(chart(), [], [], of))).layout


def test_a_day_that_is_not_over_is_dotted() -> None:
    of = scope()
    solid, dotted, points = figure(chart(), rows(of), [], of)["data"]
    assert dotted["line"]["dash"] == "dot"
    assert solid["x"][-1] == dotted["x"][0] == "2026-11-13"
    assert dotted["x"][-1] == "2026-11-14"
    assert len(figure(chart(), rows(of), [], scope(7, date(2026, 11, 13)))["data"]) == 3
    # each day is told once, and by words of its own: plotly.js can't hover over an empty template
    assert [trace.get("hoverinfo") for trace in (solid, dotted)] == ["skip", "skip"]
    assert points["x"] == [day.isoformat() for day in of.each_day()]
    assert points["hovertemplate"][-2:] == [
        "%{y:,.4~r} searches<extra></extra>",
        "%{y:,.4~r} searches so far<extra></extra>",
    ]


def test_a_point_that_no_line_leads_to_is_seen() -> None:
    of = scope(5)
    values = (0.1, None, 0.2, None, None)
    drawn = [Day(day, 1, value) for day, value in zip(of.each_day(), values, strict=True)]
    rate = chart(series=(Series("rate", "Found nothing", "bad"),), rate=True)
    assert figure(rate, drawn, [], of)["data"][-1]["marker"]["opacity"] == [1, 0, 1, 0, 0]
    assert figure(chart(), rows(scope(1)), [], scope(1))["data"][-1]["marker"]["opacity"] == [1]


def test_few_days_have_a_tick_each() -> None:
    for days, shape in ((1, "line"), (2, "bars"), (7, "line")):
        of = scope(days)
        axis = figure(chart(shape=shape), rows(of), [], of)["layout"]["xaxis"]
        assert (axis["dtick"], axis["tick0"]) == (86_400_000, of.first.isoformat())
    assert "dtick" not in figure(chart(), rows(scope(8)), [], scope(8))["layout"]["xaxis"]
    (bar,) = figure(chart(shape="bars"), rows(scope(1)), [], scope(1))["data"]
    assert 0.5 < bar["width"] / 86_400_000 < 1


def test_durations_are_told_with_their_unit() -> None:
    of = scope(7, date(2026, 11, 10))
    for factor, unit in ((1, "ms"), (1000, "s")):
        slow = [row._replace(searches=factor * row.searches) for row in rows(of)]
        points = figure(chart(unit="ms"), slow, [], of)["data"][-1]
        assert points["hovertemplate"] == f"searches %{{y:,.3~r}} {unit}<extra></extra>"


def test_a_finished_period_has_one_line() -> None:
    of = scope(7, date(2026, 11, 10))
    line, _points = figure(chart(), rows(of), [], of)["data"]
    assert "dash" not in line["line"]


def test_the_period_before_lies_under_this_ones_days() -> None:
    of = scope()
    before, *_ = figure(chart(), rows(of), rows(of.previous()), of)["data"]
    assert before["line"]["dash"] == "4px,3px"
    assert before["x"] == [day.isoformat() for day in of.each_day()]


def test_a_period_before_without_any_value_is_not_drawn() -> None:
    of = scope()
    rate = chart(series=(Series("rate", "Found nothing", "bad"),), rate=True)
    nothing = [Day(day, 0, None) for day in of.previous().each_day()]
    drawn = figure(rate, rows(of), nothing, of)
    assert "before" not in [trace["name"] for trace in drawn["data"]]
    assert "annotations" not in drawn["layout"]


@pytest.mark.parametrize(("is_rate", "is_drawn"), [(True, True), (False, False)])
def test_a_period_before_of_zeros_is_drawn_where_they_are_rates(
    is_rate: bool, is_drawn: bool
) -> None:
    of = scope()
    name = "rate" if is_rate else "searches"
    zeros = [Day(day, 0, 0.0) for day in of.previous().each_day()]
    one = chart(series=(Series(name, "Searches", "searches"),), rate=is_rate)
    drawn = figure(one, rows(of), zeros, of)
    assert ("before" in [trace["name"] for trace in drawn["data"]]) == is_drawn


def test_the_last_open_bar_is_hatched() -> None:
    of = scope(3)
    (bars,) = figure(chart(shape="bars"), rows(of), [], of)["data"]
    assert bars["marker"]["pattern"]["shape"] == ["", "", "/"]


def test_long_durations_are_drawn_in_seconds() -> None:
    of = scope(7, date(2026, 11, 10))
    slow = [row._replace(searches=1000 * row.searches) for row in rows(of)]
    drawn = figure(chart(unit="ms"), slow, [], of)
    assert drawn["data"][0]["y"] == [0, 10, 20, 30, 40, 50, 60]
    assert drawn["layout"]["yaxis"]["title"]["text"] == "seconds"
    assert figure(chart(unit="ms"), rows(of), [], of)["layout"]["yaxis"]["title"]["text"] == "ms"


def test_names_at_the_ends_of_lines_do_not_cover_each_other() -> None:
    of = scope(2)
    both = (Series("searches", "A"), Series("searches", "B"), Series("searches", "C"))
    labels = figure(chart(series=both), rows(of), [], of)["layout"]["annotations"]
    assert {label["text"] for label in labels} == {"A", "B", "C"}
    heights = sorted(label["y"] for label in labels)
    assert all(b - a >= 0.7 for a, b in pairwise(heights))


def test_a_figure_cannot_end_its_script_element() -> None:
    text = for_script({"data": [{"name": "</script><!--&"}]})
    assert "<" not in text
    assert "&" not in text
    assert json.loads(text) == {"data": [{"name": "</script><!--&"}]}


def test_the_json_is_what_plotly_would_write() -> None:
    of = scope()
    drawn = figure(chart(), rows(of), rows(of.previous()), of)
    expected = plotly.io.to_json(drawn, validate=False)
    assert json.loads(for_script(drawn)) == json.loads(expected)


def test_every_colour_of_a_chart_is_a_token() -> None:
    tokens = (ROOT / "static" / "css" / "tokens.css").read_text()
    for colour in get_args(Colour):
        assert f"--{colour}:" in tokens
        assert f"--{colour}-text:" in tokens
