"""Operators' notes on daily charts: small flags, their words on hover and in the number table."""

import html
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from tracker.dashboard import formats
from tracker.dashboard.panels import Chart, Kind
from tracker.dashboard.tables import Cell, Header, TableView, css_of
from tracker.metrics.annotations import Note

Figure = dict[str, Any]
_FLAG = "M 0 0 L 0 -11 L 9 -8 L 0 -5 Z"
"""A pennant on its pole, in pixels from the top of the plot."""
_FLAG_AT_THE_END = _FLAG.replace(" 9 ", " -9 ")
"""The same towards the left: to the right of the last day it would be cut off."""
_WIDTH = 44
_INK = "var(--ink-2)"
_HEADER = Header("Notes", css_of(Kind.TEXT), right=False)


def on_chart(chart: Chart, rows: Sequence[Any], notes: Sequence[Note]) -> dict[date, str]:
    """The notes that belong on a chart, by day: those on the days that it shows."""
    if chart.x != "day" or not rows or not hasattr(rows[0], "day"):
        return {}
    shown = {row.day for row in rows}
    told: dict[date, str] = {}
    for note in reversed(notes):
        if note.day in shown:
            told[note.day] = "; ".join(filter(None, (told.get(note.day), note.text)))
    return told


def flagged(figure: Figure, told: dict[date, str]) -> Figure:
    """The figure with a flag on each day that has a note, and its words in the hover."""
    if not told:
        return figure
    layout = figure["layout"]
    _, end = layout["xaxis"].get("range", ("", ""))
    shapes = [*layout.get("shapes", []), *(part for day in told for part in _flag(day, end))]
    axis = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
    return {
        "data": [*figure["data"], _words(told)],
        "layout": layout | {"shapes": shapes, "yaxis2": axis},
    }


def _flag(day: date, end: str) -> list[Figure]:
    x = day.isoformat()
    pole = {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1}
    pole |= {"layer": "below", "line": {"color": "var(--line-2)", "width": 1}}
    pixels = {"xsizemode": "pixel", "ysizemode": "pixel", "xanchor": x, "yanchor": 1}
    path = _FLAG_AT_THE_END if end.startswith(x) else _FLAG
    pennant = {"type": "path", "path": path, "yref": "paper", **pixels}
    return [pole, pennant | {"fillcolor": _INK, "line": {"color": _INK, "width": 1}}]


def _words(told: dict[date, str]) -> Figure:
    """Points that can't be seen, so that the unified hover tells the words."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "Notes",
        "yaxis": "y2",
        "x": [day.isoformat() for day in told],
        "y": [1] * len(told),
        "text": [_lines(words) for words in told.values()],
        "marker": {"color": _INK, "opacity": 0},
        "hovertemplate": "⚑ %{text}<extra></extra>",
        "showlegend": False,
    }


def _lines(words: str) -> str:
    """Text as Plotly reads it, which is a little HTML, not too wide for a phone."""
    return "<br>".join(html.escape(line, quote=False) for line in textwrap.wrap(words, _WIDTH))


def noted(table: TableView, rows: Sequence[Any], told: dict[date, str]) -> TableView:
    """The number table with a column of notes, where there are any."""
    if not told:
        return table
    cells = [_cell(told.get(row.day, "")) for row in rows]
    return replace(
        table,
        headers=[*table.headers, _HEADER],
        rows=[[*row, cell] for row, cell in zip(table.rows, cells, strict=True)],
    )


def _cell(words: str) -> Cell:
    return Cell(words, css_of(Kind.TEXT), title=words if len(words) > 30 else "")


def spoken(told: dict[date, str], today: date) -> str:
    """The notes as sentences, for those who can't see the flags; begins with a space."""
    return "".join(f" {formats.day_of_year(day, today)}: {told[day]}." for day in sorted(told))
