"""Charts as plain Plotly dicts. Colours are tokens, "var(--searches)", that charts.js resolves."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from tracker.dashboard.panels import Chart, Series
from tracker.metrics.scope import Scope

Figure = dict[str, Any]
_FEW = 4
"""Up to here an axis of counts has a tick at every whole number, and none between."""
_MANY_MS = 2000
_DAY_MS = 86_400_000
_FEW_TICKS = 7
"""Up to here an axis has a tick for each day or place, and none between."""
_ALONE = 0.6
"""The part of its place that a single bar fills; by itself it would fill none, or all."""
_LABEL_HEIGHT = 0.075
"""The part of a chart's height that one line of label takes."""


class EndLabel(NamedTuple):
    """The name of a line, in its colour, at the height where the line ends."""

    text: str
    colour: str
    y: float


def figure(chart: Chart, rows: Sequence[Any], before: Sequence[Any], scope: Scope) -> Figure:
    """The chart of these rows; `before` are the period before's, empty when not compared."""
    if chart.figure:
        return chart.figure(list(rows), scope)
    if chart.shape == "bars":
        traces = [_bars(chart, series, rows, scope) for series in chart.series]
    else:
        traces = [trace for series in chart.series for trace in _line(chart, series, rows, scope)]
    labels = _labels(chart, _over(chart, rows, scope))
    if len(chart.series) == 1 and _says_something(chart, before):
        traces.insert(0, _dashed(chart, rows, before))
        labels.append(EndLabel("before", "quiet", _last(before[: len(rows)], chart.series[0])))
    top, unit = _top(traces, chart), chart.unit
    if unit == "ms" and top > _MANY_MS:
        traces, labels, top, unit = _in_seconds(traces, labels, top)
    layout = axes(unit, rate=chart.rate, dates=chart.x == "day")
    if chart.x == "day" and rows:
        layout["xaxis"]["range"] = _range(chart, rows)
    if len(rows) <= _FEW_TICKS and (step := _step(chart, rows)):
        layout["xaxis"] |= {"dtick": step, "tick0": _xs(chart, rows)[0]}
    if not chart.rate and top <= _FEW:
        layout["yaxis"]["dtick"] = 1
    return {"data": traces, "layout": layout | (end_labels(labels, top) if rows else {})}


def _in_seconds(
    traces: list[Figure], labels: list[EndLabel], top: float
) -> tuple[list[Figure], list[EndLabel], float, str]:
    """Long durations in the unit a person would say."""
    scaled = [
        {
            name: [None if one is None else one / 1000 for one in value]
            if name == "y"
            else _with_seconds(value)
            if name == "hovertemplate"
            else value
            for name, value in trace.items()
        }
        for trace in traces
    ]
    named = [label._replace(y=label.y / 1000) for label in labels]
    return scaled, named, top / 1000, "seconds"


def _with_seconds(words: str | list[str]) -> str | list[str]:
    if isinstance(words, list):
        return [one.replace(" ms<", " s<") for one in words]
    return words.replace(" ms<", " s<")


def _step(chart: Chart, rows: Sequence[Any]) -> int | None:
    """The distance of neighbours on the x axis: a day, or one; None where x is no whole number."""
    if not rows or chart.x == "day":
        return _DAY_MS if rows else None
    return 1 if isinstance(getattr(rows[0], chart.x), int) else None


def end_labels(labels: Sequence[EndLabel], top: float) -> Figure:
    """The part of a layout that names lines at their ends; nothing for a single line.

    `top` is the largest value of the y axis; names that would cover each other move apart.
    """
    if len(labels) < 2:
        return {}
    placed: list[Figure] = []
    floor = 0.0
    for label in sorted(labels, key=lambda label: label.y):
        placed.append(_end_label(label, max(label.y, floor)))
        floor = max(label.y, floor) + top * _LABEL_HEIGHT
    margin = 12 + 7 * max(len(label.text) for label in labels)
    return {"annotations": placed, "margin": {"r": margin}}


def _end_label(label: EndLabel, y: float) -> Figure:
    return {
        "xref": "paper",
        "x": 1,
        "y": y,
        "text": label.text,
        "xanchor": "left",
        "xshift": 6,
        "showarrow": False,
        "font": {"color": f"var(--{label.colour}-text)"},
    }


def _over(chart: Chart, rows: Sequence[Any], scope: Scope) -> Sequence[Any]:
    """The rows of days that are over: one just begun would pull all names to the ground."""
    return rows[:-1] if len(rows) > 1 and _is_open(chart, rows, scope) else rows


def _labels(chart: Chart, rows: Sequence[Any]) -> list[EndLabel]:
    """The names of the series where they end; of stacked bars, half-way up their part."""
    labels, floor = [], 0.0
    for series in chart.series:
        last = _last(rows, series)
        y = floor + last / 2 if chart.shape == "bars" else last
        floor += last
        labels.append(EndLabel(series.label, series.colour, y))
    return labels


def _range(chart: Chart, rows: Sequence[Any]) -> list[str]:
    """From the first day to the last; half a day more on both sides where bars stand on them."""
    first, last = rows[0].day, rows[-1].day
    if chart.shape == "bars" or len(rows) == 1:
        return [f"{first - timedelta(days=1)}T12:00", f"{last}T12:00"]
    return [first.isoformat(), last.isoformat()]


def axes(unit: str, *, rate: bool = False, dates: bool = False) -> Figure:
    """The layout of our charts: what differs from the template in static/charts.js."""
    y: Figure = {"title": {"text": unit}}
    if rate:
        y |= {"tickformat": ".0%", "hoverformat": ".1%"}
    x: Figure = {"type": "date", "tickformat": "%-d %b", "hoverformat": "%a %-d %b %Y"}
    return {"xaxis": x if dates else {}, "yaxis": y}


def _xs(chart: Chart, rows: Sequence[Any]) -> list[Any]:
    values = [getattr(row, chart.x) for row in rows]
    return [value.isoformat() if isinstance(value, date) else value for value in values]


def _line(chart: Chart, series: Series, rows: Sequence[Any], scope: Scope) -> list[Figure]:
    """One line, its last day dotted when that is not over yet, and the points that tell of it.

    The points can't be seen but where no line leads to them. They are apart so that there is one
    for each day: the day before the dotted one ends two lines.
    """
    xs, ys = _xs(chart, rows), [getattr(row, series.name) for row in rows]
    hover = _hover(chart, series.label.lower())
    points = _trace(series, xs, ys) | {
        "mode": "markers",
        "marker": {
            "color": f"var(--{series.colour})",
            "size": 7,
            "opacity": [int(alone) for alone in _alone(ys)],
        },
        "hovertemplate": hover,
    }
    line = {"hoverinfo": "skip"}
    if len(rows) < 3 or not _is_open(chart, rows, scope):
        return [_trace(series, xs, ys) | line, points]
    dotted = _trace(series, xs[-2:], ys[-2:]) | line
    dotted["line"] |= {"dash": "dot"}
    so_far = hover.replace("<extra>", " so far<extra>")
    points["hovertemplate"] = [hover] * (len(rows) - 1) + [so_far]
    return [_trace(series, xs[:-1], ys[:-1]) | line, dotted, points]


def _alone(ys: list[Any]) -> list[bool]:
    """Whether each value has none beside it that a line could lead to."""
    around = [None, *ys, None]
    return [
        value is not None and before is None and after is None
        for before, value, after in zip(around, ys, around[2:], strict=False)
    ]


def _trace(series: Series, xs: list[Any], ys: list[Any]) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": series.label,
        "x": xs,
        "y": ys,
        "line": {"color": f"var(--{series.colour})", "width": 2},
    }


def _bars(chart: Chart, series: Series, rows: Sequence[Any], scope: Scope) -> Figure:
    shapes = [""] * len(rows)
    if _is_open(chart, rows, scope):
        shapes[-1] = "/"
    step = _step(chart, rows) if len(rows) == 1 else None
    return ({"width": _ALONE * step} if step else {}) | {
        "type": "bar",
        "name": series.label,
        "x": _xs(chart, rows),
        "y": [getattr(row, series.name) for row in rows],
        "marker": {"color": f"var(--{series.colour})", "pattern": {"shape": shapes}},
        "hovertemplate": _hover(chart, series.label.lower()),
    }


def _dashed(chart: Chart, rows: Sequence[Any], before: Sequence[Any]) -> Figure:
    """The period before, laid over the days of this one."""
    series = chart.series[0]
    count = min(len(rows), len(before))
    dashed = _trace(
        Series(series.name, "before", "quiet"),
        _xs(chart, rows)[:count],
        [getattr(row, series.name) for row in before[:count]],
    )
    dashed["mode"] = "lines" if count > 1 else "markers"
    dashed["marker"] = {"color": "var(--quiet)", "size": 7}
    dashed["line"] = {"color": "var(--quiet)", "width": 1.25, "dash": "4px,3px"}
    dashed["hovertemplate"] = _hover(chart, f"{series.label.lower()} in the period before")
    return dashed


def _hover(chart: Chart, words: str) -> str:
    if chart.unit == "ms":
        return f"{words} %{{y:,.3~r}} ms<extra></extra>"
    return f"%{{y:{'.1%' if chart.rate else ',.4~r'}}} {words}<extra></extra>"


def _is_open(chart: Chart, rows: Sequence[Any], scope: Scope) -> bool:
    return chart.x == "day" and bool(rows) and rows[-1].day >= scope.today


def _says_something(chart: Chart, before: Sequence[Any]) -> bool:
    """Whether the days before are worth a line: one of zeros along the ground is not."""
    return any(chart.says(getattr(row, chart.series[0].name)) for row in before)


def _last(rows: Sequence[Any], series: Series) -> float:
    known = [value for row in rows if (value := getattr(row, series.name)) is not None]
    return float(known[-1]) if known else 0.0


def _top(traces: list[Figure], chart: Chart) -> float:
    """The largest value the y axis has to show."""
    columns = [[value or 0 for value in trace["y"]] for trace in traces]
    if chart.shape == "bars":
        return float(max(map(sum, zip(*columns, strict=True)), default=1)) or 1.0
    return float(max((max(column, default=0) for column in columns), default=1)) or 1.0
