"""Tables as finished view models: templates do no arithmetic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from tracker.dashboard import formats
from tracker.dashboard.answers import Answer, Words, kind_of, spoken
from tracker.dashboard.asking import sortable
from tracker.dashboard.links import Links
from tracker.dashboard.panels import SMALL_SAMPLE, Chart, Column, Kind, Metric, Table
from tracker.metrics.scope import Scope


@dataclass(frozen=True)
class Header:
    label: str
    css: str
    """Its column's classes."""
    right: bool
    help: str = ""
    sort_url: str = ""
    sorted: str = ""
    """Empty, `ascending` or `descending`."""


class Cell(NamedTuple):
    """One of some thousand on a page, most of them in the charts' numbers."""

    text: str
    css: str
    """Its column's classes."""
    href: str = ""
    title: str = ""
    bar: str = ""
    """Width of the bar behind a count, such as 62.5%."""
    n: str = ""
    """The size of a small sample; the value is then greyed."""
    instant: str = ""


@dataclass(frozen=True)
class Pager:
    words: str
    earlier: str
    later: str


@dataclass(frozen=True)
class TableView:
    headers: list[Header]
    rows: list[list[Cell]]
    linked: bool
    """Whether a whole row is a link: its first cell's."""
    pager: Pager | None = None


def table(panel: Table, session: Session, answer: Answer, scope: Scope, links: Links) -> TableView:
    """The view of a declared table."""
    columns = _columns(panel, answer)
    words = spoken(columns, session, scope)
    rows = _rows(panel.metric, columns, answer.rows, scope, links, panel.link, words)
    headers = [_header(panel, column, scope, links) for column in columns]
    return TableView(headers, rows, _linked(rows), _pager(panel, answer, scope, links))


def numbers(panel: Chart, answer: Answer, scope: Scope, links: Links) -> TableView:
    """The number table of a chart: every field, in the words of its series, and its links."""
    words = {series.name: series.label for series in panel.series}
    columns = [Column(name, words.get(name, "")) for name in answer.columns]
    headers = [_plain_header(panel.metric, column) for column in columns]
    plain = _rows(panel.metric, columns, answer.rows, scope, links)
    rows = [
        [cells[0]._replace(href=links.point(panel, row)), *cells[1:]]
        for cells, row in zip(plain, answer.rows, strict=True)
    ]
    return TableView(headers, rows, _linked(rows))


def _linked(rows: list[list[Cell]]) -> bool:
    return any(cells[0].href for cells in rows)


def label(column: Column) -> str:
    """The column's heading; by default its name in words."""
    return column.label or column.name.replace("_", " ").capitalize()


def kind(metric: Metric, column: Column) -> Kind:
    return column.kind or kind_of(metric, column.name)


def right(kind: Kind) -> bool:
    return kind in formats.ALIGNED_RIGHT


def _columns(panel: Table, answer: Answer) -> list[Column]:
    return list(panel.columns) or [Column(name) for name in answer.columns]


def _plain_header(metric: Metric, column: Column) -> Header:
    its = kind(metric, column)
    return Header(label(column), css_of(its, column.minor), right(its), column.help)


def _header(panel: Table, column: Column, scope: Scope, links: Links) -> Header:
    plain = _plain_header(panel.metric, column)
    if column.name not in sortable(panel):
        return plain
    orders = (column.name, f"-{column.name}")
    # A count is read from the largest first, a name from A.
    first, second = reversed(orders) if plain.right else orders
    state = dict(zip(orders, ("ascending", "descending"), strict=True)).get(scope.sort, "")
    url = links.at(panel.name, sort=second if scope.sort == first else first, offset=None)
    return replace(plain, sort_url=url, sorted=state)


def _rows(
    metric: Metric,
    columns: Sequence[Column],
    rows: Sequence[Any],
    scope: Scope,
    links: Links,
    link: str = "",
    words: Words = MappingProxyType({}),
) -> list[list[Cell]]:
    """The cells. The first column carries the row's link."""
    kinds = [kind(metric, column) for column in columns]
    wide = _widest(columns, kinds)
    tops = [
        max((getattr(row, column.name) or 0 for row in rows), default=0) if its is Kind.BAR else 0
        for column, its in zip(columns, kinds, strict=True)
    ]
    css = [
        css_of(its, column.minor, wide=place == wide)
        for place, (column, its) in enumerate(zip(columns, kinds, strict=True))
    ]
    leads_to = [column.link or ("" if place else link) for place, column in enumerate(columns)]
    placed = list(zip(columns, kinds, tops, css, leads_to, strict=True))
    said_on = (scope.zone, scope.today)
    return [
        [
            _cell(
                column,
                its,
                row,
                said_on,
                top,
                css,
                words.get(column.name, {}),
                links.to(template, row),
            )
            for column, its, top, css, template in placed
        ]
        for row in rows
    ]


def _widest(columns: Sequence[Column], kinds: list[Kind]) -> int:
    """The place of the column that takes the room left: the first text, or what says so."""
    said = [place for place, column in enumerate(columns) if column.wide]
    if said:
        return said[0]
    return kinds.index(Kind.TEXT) if Kind.TEXT in kinds else 0


def css_of(kind: Kind, minor: bool = False, wide: bool = False) -> str:
    """The classes of a column. A wide one takes the room that is left, cutting long texts."""
    chosen = {"right": right(kind), "wide": wide, "minor": minor}
    return " ".join([kind.value, *(name for name, holds in chosen.items() if holds)])


def _cell(
    column: Column,
    kind: Kind,
    row: Any,
    said_on: tuple[ZoneInfo, date],
    top: Any,
    css: str,
    words: Mapping[Any, str],
    href: str,
) -> Cell:
    value = getattr(row, column.name)
    if column.link and value == 0:
        href = ""  # nothing is behind it
    text = column.say(row) if column.say else formats.written(value, kind, *said_on)
    return Cell(
        text=words.get(value, text) if words else text,
        css=css,
        href=href,
        title=_whole(value, text, kind),
        bar=f"{100 * value / top:.1f}%" if value and top else "",
        n=small_sample(row, column.n, value),
        instant=value.isoformat() if isinstance(value, date) else "",
    )


def _whole(value: Any, text: str, kind: Kind) -> str:
    """The whole text of a cell that may be cut."""
    if kind is Kind.ID:
        return str(value or "")
    return text if kind in (Kind.TEXT, Kind.CODE) and len(text) > 30 else ""


def small_sample(row: Any, n: str, rate: Any) -> str:
    """`n = 12` when the field called `n` is too small for its rate, if any, to mean much."""
    size = getattr(row, n) if n and rate is not None else SMALL_SAMPLE
    return f"n = {size}" if size is not None and size < SMALL_SAMPLE else ""


def _pager(panel: Table, answer: Answer, scope: Scope, links: Links) -> Pager | None:
    if panel.cursor:
        return _cursor_pager(panel, answer, scope, links)
    end = scope.offset + len(answer.rows)
    if scope.offset == 0 and end >= answer.total:
        return None
    earlier = max(0, scope.offset - scope.limit)
    words = f"{formats.number(scope.offset + 1)} to {formats.number(end)}"
    return Pager(
        words=words + (f" of {formats.number(answer.total)}" if panel.counted else ""),
        earlier=links.at(panel.name, offset=str(earlier) or None) if scope.offset else "",
        later=links.at(panel.name, offset=str(end)) if end < answer.total else "",
    )


def _cursor_pager(panel: Table, answer: Answer, scope: Scope, links: Links) -> Pager | None:
    """Further rows are those behind the last one shown, whatever comes in before the first."""
    behind = bool(scope.filters.get("starting_after"))
    more = scope.offset + len(answer.rows) < answer.total
    last = str(getattr(answer.rows[-1], panel.cursor)) if more and answer.rows else None
    if not behind and last is None:
        return None
    return Pager(
        words="",
        earlier=links.at(panel.name, starting_after=None) if behind else "",
        later=links.at(panel.name, starting_after=last) if last else "",
    )
