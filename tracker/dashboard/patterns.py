"""/patterns, in development: every part in every state, for whoever changes the design."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from flask import Blueprint
from sqlalchemy.orm import Session

from tracker.dashboard.page import Linked, Page, Sentence, say
from tracker.dashboard.page_views import add_page
from tracker.dashboard.panels import (
    Chart,
    Column,
    Filter,
    Kind,
    Matrix,
    Series,
    Stat,
    Stats,
    Table,
    Timeline,
)
from tracker.metrics.scope import Scope

_LONG = "someone who can look over a rental contract in Portuguese before Thursday, by phone, today"


class Number(NamedTuple):
    """A row of numbers of every kind."""

    events: int
    few: int
    zero_result_rate: float | None
    small_rate: float | None
    no_rate: float | None
    p50_ms: float | None
    p95_s: float | None


class Day(NamedTuple):
    """Three numbers of a day."""

    day: date
    first: int
    second: int
    third: int


class Pair(NamedTuple):
    """A point of a curve."""

    experts: float
    views: float


class Line(NamedTuple):
    """A row of a table with every kind of column."""

    query: str
    session_id: str | None
    times: int
    share: float | None
    last_seen: datetime | None


class Crossing(NamedTuple):
    """One cell of a matrix."""

    language: str
    topic: str
    share: float | None
    sets: int


class Moment(NamedTuple):
    """One entry of a timeline."""

    occurred_at: datetime
    event_type: str
    words: str
    detail: str


def numbers(_session: Session, scope: Scope) -> list[Number]:
    """Invented numbers; the period before has others, so that changes show."""
    factor = 1 if scope.last >= scope.today else 2
    return [Number(48_210 * factor, 12, 0.124 / factor, 0.25, None, 840.0 * factor, 7325.0)]


def days(_session: Session, scope: Scope) -> list[Day]:
    """Invented days with a rhythm of the week."""
    return [
        Day(day, 60 + 9 * ((n + scope.last.day) % 7) + n, 40 + 5 * (n % 7), 20 + 3 * (n % 5))
        for n, day in enumerate(scope.each_day())
    ]


def curve(_session: Session, _scope: Scope) -> list[Pair]:
    """An invented curve."""
    return [Pair(n / 10, (n / 10) ** 2) for n in range(11)]


def lines(_session: Session, scope: Scope) -> list[Line]:
    """Invented rows, enough of them for a second slice."""
    visitor = "5516cb1f-6c99-46ba-bbf2-ae6444a9a4cf"
    now = scope.now
    return [
        Line(_LONG, visitor, 412, 0.124, now),
        Line("tax adviser", None, 180, 0.0042, now - timedelta(days=3)),
        Line("welsh tutor", visitor, 12, 1 / 12, now - timedelta(days=400)),
        Line("<b>markup</b>", visitor, 0, None, None),
        *(Line(f"query {n}", visitor, 11 - n, 0.5, now) for n in range(10)),
    ]


def nothing(_session: Session, _scope: Scope) -> list[Line]:
    """Never has a row."""
    return []


def broken(_session: Session, _scope: Scope) -> list[Line]:
    """Never works."""
    raise ArithmeticError("the pattern of a failed panel")


def crossings(_session: Session, _scope: Scope) -> list[Crossing]:
    """Invented crossings over all six shades, one missing, one small."""
    return [
        Crossing(language, topic, (6 * row + column) / 18, 8 if column == 2 else 90)
        for row, language in enumerate(("English", "Portuguese", "Welsh"))
        for column, topic in enumerate(("Tax", "Law", "Health", "Moving", "Pets", "School"))
        if (row, column) != (1, 4)
    ]


def moments(_session: Session, scope: Scope) -> list[Moment]:
    """An invented visit."""
    start = scope.now - timedelta(days=1)
    return [
        Moment(start, "sage_query", "Asked Sage “welsh tutor”: found nothing", ""),
        Moment(start + timedelta(seconds=40), "filter_change", "Set language to Welsh", "0 left"),
        Moment(scope.now, "card_click", "Clicked exp_042 in the grid, position 3", ""),
    ]


def _opening(_session: Session, _scope: Scope) -> Sentence:
    return say(
        "Every part in every state: {n} of them, {more}.",
        n=Linked("eleven", "#lines"),
        more="for whoever changes the design",
    )


_SERIES = (
    Series("first", "Searches", "searches"),
    Series("second", "Card clicks", "clicks"),
    Series("third", "Filters set", "filters"),
)
_COLUMNS = (
    Column("query", "Query"),
    Column("session_id", "Session", Kind.ID, minor=True),
    Column("times", "Times", Kind.BAR),
    Column("share", "Share", n="times", help="Of all searches"),
    Column("last_seen", "Last seen", minor=True),
)

PAGE = Page(
    slug="patterns",
    title="Patterns",
    group="Operations",
    question="What does every part look like?",
    sentence=_opening,
    events=("card_click",),
    filters=(Filter("kind", "Kind", (("a", "First"), ("b", "Second"))),),
    panels=(
        Stats(
            name="numbers",
            title="Numbers",
            metric=numbers,
            stats=(
                Stat("events", "Count", good="up", link="#lines"),
                Stat("zero_result_rate", "Rate", good="down"),
                Stat("small_rate", "Small sample", Kind.RATE, n="few"),
                Stat("no_rate", "Nothing to divide"),
                Stat("p50_ms", "Milliseconds", good="down"),
                Stat("p95_s", "Seconds", help="with a word of help"),
            ),
        ),
        Chart(
            name="one-line",
            title="One line, and the period before",
            metric=days,
            unit="searches",
            series=_SERIES[:1],
        ),
        Chart(
            name="lines-of-days", title="Three lines", metric=days, unit="events", series=_SERIES
        ),
        Chart(
            name="bars",
            title="Bars",
            metric=days,
            unit="events",
            series=_SERIES,
            shape="bars",
            half=True,
        ),
        Chart(
            name="curve",
            title="A curve",
            metric=curve,
            x="experts",
            unit="share of views",
            series=(Series("views", "Views", "people"),),
            shape="curve",
            rate=True,
            half=True,
        ),
        Table(
            name="lines",
            title="A table",
            metric=lines,
            columns=_COLUMNS,
            search="Search queries",
            link="/overview?q={query}",
            page_size=8,
            note="A caveat that always stands here.",
        ),
        Table(
            name="nothing", title="An empty table", metric=nothing, empty="card_click", half=True
        ),
        Table(name="broken", title="Failed", metric=broken, half=True),
        Matrix(
            name="crossings",
            title="A matrix",
            metric=crossings,
            row="language",
            column="topic",
            value="share",
            n="sets",
            link="#lines",
        ),
        Timeline(name="moments", title="A timeline", metric=moments, detail="detail"),
    ),
)


def register(blueprint: Blueprint) -> None:
    """Add the page; the app does so in development only."""
    add_page(blueprint, PAGE)
