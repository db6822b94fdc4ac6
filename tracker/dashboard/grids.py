"""Matrices and timelines as finished view models."""

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from tracker.dashboard import formats
from tracker.dashboard.answers import Answer, kind_of
from tracker.dashboard.links import Links
from tracker.dashboard.panels import Column, Matrix, Timeline
from tracker.dashboard.tables import small_sample
from tracker.metrics.scope import Scope

STEPS = 6


@dataclass(frozen=True)
class Shade:
    """One cell of a matrix. `step` 0 to 5 is its place on the sequential scale."""

    text: str
    step: int
    href: str
    n: str
    words: str


@dataclass(frozen=True)
class MatrixView:
    columns: list[str]
    rows: list[tuple[str, list[Shade | None]]]


@dataclass(frozen=True)
class Entry:
    time: str
    instant: str
    label: str
    words: str
    detail: str
    href: str
    is_here: bool
    """Whether it is what the page is about."""


@dataclass(frozen=True)
class TimelineView:
    days: list[tuple[str, list[Entry]]]


def matrix(panel: Matrix, answer: Answer, scope: Scope, links: Links) -> MatrixView:
    """The view of a matrix; a pair that no row has is an empty cell."""
    columns = list(dict.fromkeys(_name(row, panel.column, scope) for row in answer.rows))
    names = list(dict.fromkeys(_name(row, panel.row, scope) for row in answer.rows))
    top = max((getattr(row, panel.value) or 0 for row in answer.rows), default=0)
    shades = {
        (_name(row, panel.row, scope), _name(row, panel.column, scope)): _shade(
            panel, row, top, scope, links
        )
        for row in answer.rows
    }
    return MatrixView(
        columns, [(name, [shades.get((name, column)) for column in columns]) for name in names]
    )


def _name(row: Any, field: str, scope: Scope) -> str:
    value = getattr(row, field)
    return formats.day_of_year(value, scope.today) if isinstance(value, date) else str(value)


def _shade(panel: Matrix, row: Any, top: float, scope: Scope, links: Links) -> Shade:
    value = getattr(row, panel.value)
    text = formats.written(value, panel.kind, scope.zone, scope.today)
    step = min(STEPS - 1, int(STEPS * value / top)) if value and top else 0
    words = f"{_name(row, panel.row, scope)}, {_name(row, panel.column, scope)}: {text}"
    said = ", ".join([words, *(_also(panel, column, row, scope) for column in panel.also)])
    return Shade(text, step, links.to(panel.link, row), small_sample(row, panel.n, value), said)


def _also(panel: Matrix, column: Column, row: Any, scope: Scope) -> str:
    kind = column.kind or kind_of(panel.metric, column.name)
    text = formats.written(getattr(row, column.name), kind, scope.zone, scope.today)
    return f"{text} {column.label}"


def timeline(panel: Timeline, answer: Answer, scope: Scope, links: Links) -> TimelineView:
    """The view of a timeline, its entries under their days."""
    days = groupby(answer.rows, lambda row: _local_day(panel, row, scope))
    return TimelineView(
        [
            (formats.day(day, scope.today), [_entry(panel, row, scope, links) for row in rows])
            for day, rows in days
        ]
    )


def _local_day(panel: Timeline, row: Any, scope: Scope) -> date:
    day: date = getattr(row, panel.time).astimezone(scope.zone).date()
    return day


def _entry(panel: Timeline, row: Any, scope: Scope, links: Links) -> Entry:
    instant = getattr(row, panel.time)
    href = links.to(panel.link, row)
    is_here = href.partition("?")[0] == links.path
    return Entry(
        time=f"{instant.astimezone(scope.zone):%H:%M:%S}",
        instant=instant.isoformat(),
        label=str(getattr(row, panel.label)),
        words=_words(panel, row),
        detail=str(getattr(row, panel.detail) or "") if panel.detail else "",
        href="" if is_here else href,
        is_here=is_here,
    )


def _words(panel: Timeline, row: Any) -> str:
    return panel.words(row) if callable(panel.words) else str(getattr(row, panel.words))
