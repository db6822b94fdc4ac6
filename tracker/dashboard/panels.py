"""The parts of a page: rows of numbers, charts, tables, matrices and timelines.

How they are put together is told in `tracker.dashboard.page`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Literal

from sqlalchemy.orm import Session

from tracker.metrics.scope import Scope

Metric = Callable[[Session, Scope], Any]
Colour = Literal["searches", "clicks", "filters", "people", "good", "bad", "caution", "quiet"]
"""Names of colours in static/css/tokens.css: the same meaning has the same colour everywhere."""

SMALL_SAMPLE = 30
"""A rate over fewer cases is greyed, with its n beside it."""


class Kind(StrEnum):
    """How a value is read. BAR is a count with a quiet bar behind it, CLOCK a time with seconds,
    ID the start of a long identifier."""

    TEXT = "text"
    CODE = "code"
    NUMBER = "number"
    DECIMAL = "decimal"
    BAR = "bar"
    RATE = "rate"
    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"
    TIME = "time"
    CLOCK = "clock"
    ID = "id"
    DAY = "day"


@dataclass(frozen=True)
class Column:
    """One field of a row as a page shows it. `n` names the field that a rate is over."""

    name: str
    label: str = ""
    kind: Kind | None = None
    link: str = ""
    n: str = ""
    help: str = ""
    minor: bool = False
    """Whether a phone may leave it out."""
    wide: bool = False
    """Whether it takes the room that is left, rather than the first text."""
    words: tuple[tuple[Any, str], ...] | Callable[[Session, Scope], Mapping[Any, str]] = ()
    """Operators' words for the values the field can have, or asks the database for them."""
    say: Callable[[Any], str] | None = None
    """The cell's text made from the whole row, where a field alone would not tell."""


@dataclass(frozen=True)
class Stat:
    """One number of a row of numbers. `good` says which direction of change is good news."""

    name: str
    label: str
    kind: Kind | None = None
    good: Literal["up", "down", ""] = ""
    n: str = ""
    link: str = ""
    help: str = ""


@dataclass(frozen=True)
class Series:
    """One line or one kind of bar of a chart: a field of the row."""

    name: str
    label: str
    colour: Colour = "searches"


@dataclass(frozen=True)
class Filter:
    """A choice above a page or a table; the chosen value is in `scope.filters[name]`.

    `options` are (value, label) pairs, or ask the database for them. A free text field
    has no options.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...] | Callable[[Session, Scope], list[tuple[str, str]]] = ()
    quiet: bool = False
    """Whether it is shown only while it is chosen, as by a link from another page."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One question of a page, answered by one metric. Subclasses say how it looks."""

    template: ClassVar[str]
    sliced: ClassVar[bool] = False
    """Whether a reader gets a slice at a time."""

    name: str
    title: str
    metric: Metric
    how: str = ""
    """How it is counted, in words; by default the metric's docstring."""
    note: str = ""
    """A caveat that always stands under the title."""
    empty: str = ""
    """The event type that fills it; by default the page's first."""
    nothing: str = ""
    """What it says when it is empty, where that is an answer and nothing that is missing."""
    half: bool = False
    """Whether it shares its line with the next half panel."""
    of_all: bool = False
    """Whether it counts everybody whatever is chosen above the page: it is left out then."""
    settled: bool = False
    """Whether it shows facts that are settled some seconds later (the page says as of when)."""
    sampled: tuple[str, ...] = ()
    """Event types that it counts and that may be sampled: it then says that it estimates."""
    of_before: bool = False
    """Whether what it counts is of the period before."""
    approximate: Callable[[Session, Scope], bool] | None = None
    """Whether some of its numbers are read off a histogram, where raw values have expired."""


@dataclass(frozen=True, kw_only=True)
class Stats(Panel):
    """A row of numbers from a metric of one row, with their change against the period before."""

    template: ClassVar[str] = "stats"
    stats: tuple[Stat, ...]
    titled: bool = False
    """Whether its title is seen, where a page has several rows of numbers."""
    compare: bool = True
    """Whether the period before is asked too: not of what holds whatever the period."""


@dataclass(frozen=True, kw_only=True)
class Chart(Panel):
    """A Plotly chart with its number table one click away.

    `shape` is `line` (with the period before dashed when there is one series), `bars`
    (stacked) or `curve` (a numeric x). `figure` draws anything else: (rows, scope) -> a
    plain Plotly dict, colours written as "var(--searches)"; see `tracker.dashboard.figures`.
    """

    template: ClassVar[str] = "chart"
    series: tuple[Series, ...] = ()
    x: str = "day"
    unit: str = ""
    shape: Literal["line", "bars", "curve"] = "line"
    rate: bool = False
    figure: Callable[[list[Any], Scope], dict[str, Any]] | None = None
    compare: bool = True
    link: str = ""
    """Where a row's point leads; a day's leads to the page over that day."""

    def says(self, value: float | None) -> bool:
        """Whether a value says anything: a rate of 0 % does, a count of 0 does not."""
        return value is not None if self.rate else bool(value)


@dataclass(frozen=True, kw_only=True)
class Table(Panel):
    """A list. `link` makes the row a link; `search` is the label of its search field.

    `sortable` names the columns that a metric returning a `Listing` can sort by; a plain
    list can be sorted by all of them.
    """

    template: ClassVar[str] = "table"
    sliced: ClassVar[bool] = True
    columns: tuple[Column, ...] = ()
    link: str = ""
    search: str = ""
    sortable: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    page_size: int = 15
    counted: bool = True
    """Whether the length of the list is known; a feed's is not."""
    cursor: str = ""
    """The field that names a row, where the list goes on behind a row (`starting_after`)."""
    refresh: bool = False
    """Whether it follows what comes in, once a second, while it is looked at."""


@dataclass(frozen=True, kw_only=True)
class Matrix(Panel):
    """Rows against columns, shaded in six steps by `value`; each cell can be a link."""

    template: ClassVar[str] = "matrix"
    row: str
    column: str
    value: str
    n: str = ""
    link: str = ""
    kind: Kind = Kind.RATE
    also: tuple[Column, ...] = ()
    """Further fields that are said with a cell."""


@dataclass(frozen=True, kw_only=True)
class Timeline(Panel):
    """Events in order, in words. The row's fields named here are what stands in an entry."""

    template: ClassVar[str] = "timeline"
    sliced: ClassVar[bool] = True
    time: str = "occurred_at"
    words: str | Callable[[Any], str] = "words"
    label: str = "event_type"
    detail: str = ""
    link: str = ""
    page_size: int = 100
