"""A page: one question, the sentence that answers it, and the evidence.

A metric page is declared, never drawn by hand, with the parts of `tracker.dashboard.panels`.

A page takes three files: a metric in `tracker/metrics`, its declaration in
`tracker/dashboard/pages`, and a test. A declaration names a panel, says which metric
answers it, and how its fields are to be read::

    PAGE = Page(
        slug="demand",
        title="Demand",
        group="Marketplace",
        key="d",
        question="What do people want that we do not have?",
        sentence=opening,                        # (session, scope) -> Sentence
        events=("sage_query", "filter_change"),  # for the trust line and the empty page
        panels=(
            Stats(name="totals", title="Totals", metric=demand.totals,
                  stats=(Stat("searches", "Searches"),
                         Stat("zero_result_rate", "Found nothing", good="down", n="searches"))),
            Chart(name="daily-volume", title="Searches by day", metric=sage.daily_volume,
                  unit="searches", series=(Series("searches", "Searches", "searches"),)),
            Table(name="zero-result-queries", title="Found nothing", metric=demand.zero_queries,
                  search="Search queries", link="/people?sessions.q={query}",
                  columns=(Column("query", "Query"),
                           Column("zero_results", "Found nothing", Kind.BAR),
                           Column("zero_result_rate", "Rate", n="searches"))),
        ),
    )

**Metrics.** A metric is a pure function ``(session, scope)`` whose return annotation is
``list[Row]`` or ``Listing[Row]``, where ``Row`` is a NamedTuple. The fields of ``Row``, in
their order, are the panel's columns in JSON and CSV; `columns=` only chooses what the page
shows and how. A ``list`` is the whole answer: sorting, searching and paging are done here.
A ``Listing`` was sorted, searched and cut by the metric itself (see
`tracker.metrics.listing`), which is for lists that may be long. The metric's docstring is
what "How is this counted?" shows.

**Kinds** follow from the field's type and name (``*_rate``, ``share``, ``*_ctr`` are rates;
``*_ms`` and ``*_s`` durations), so most columns need none.

**Links** are templates over the row's fields; the period, the tenant and the comparison
are added by themselves. A page about one thing has a `Subject`; its value reaches the
metric as ``scope.filters[subject.name]``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter
from typing import Literal

from sqlalchemy.orm import Session

from tracker.dashboard.panels import Filter, Panel
from tracker.metrics.scope import Scope

Group = Literal["Marketplace", "Trips", "Business", "Operations"]

PERIODS = ("7d", "28d", "90d", "12m")
"""The presets of a page, which end today."""
LAST_WEEK = "week"
"""A preset that any page knows and few offer: Monday to Sunday of the last week that is over."""
DEFAULT_PERIOD = "28d"


@dataclass(frozen=True)
class Linked:
    """A number in a sentence that leads to its evidence: a panel (`#name`) or a page."""

    text: str
    link: str


@dataclass(frozen=True)
class Sentence:
    """A page's answer: text and linked numbers, in order."""

    parts: tuple[str | Linked, ...]

    def __str__(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)


def say(template: str, **figures: str | Linked) -> Sentence:
    """A sentence from a template: ``say("{n} people wait.", n=Linked("38", "#waiting"))``."""
    parts: list[str | Linked] = []
    for text, name, _, _ in Formatter().parse(template):
        parts.append(text)
        if name:
            parts.append(figures[name])
    return Sentence(tuple(part for part in parts if part != ""))


@dataclass(frozen=True)
class Subject:
    """What a page is about when its path names one thing: ``/experts/<expert_id>``.

    `title` is a template over the value, or over what it is `called`; `exists` answers
    whether there is such a thing (404 when not). A subject that is a `tenant` becomes the
    scope's only tenant; of one that is an `event_type` the page says how many came in.
    """

    name: str
    title: str = "{}"
    noun: str = "page"
    exists: Callable[[Session, Scope], bool] | None = None
    called: Callable[[Session, Scope], str] | None = None
    tenant: bool = False
    event_type: bool = False


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page: one question, the sentence that answers it, and the evidence.

    `slug` is the path, `key` the letter after `g` that goes there. A page with a
    `subject` is not in the navigation; `parent` is then the slug it belongs to.
    """

    slug: str
    title: str
    group: Group
    question: str
    panels: tuple[Panel, ...]
    sentence: Callable[[Session, Scope], Sentence] | None = None
    events: tuple[str, ...] = ()
    """What the page is about; nothing means every event type."""
    example: str = ""
    """The event type that an empty page shows how to send; by default the first of `events`."""
    key: str = ""
    subject: Subject | None = None
    parent: str = ""
    filters: tuple[Filter, ...] = ()
    period: bool = True
    """Whether the page has a period to choose."""
    periods: tuple[str, ...] = PERIODS
    default_period: str = DEFAULT_PERIOD
    brief: bool = False
    """Whether panels that have nothing to tell are left out."""
    aside: str = ""
    """A template that comes after the panels, such as a page's forms; `page.aside` in it."""
    aside_data: Callable[[Session, Scope], object] | None = None

    @property
    def fills_with(self) -> tuple[str, ...]:
        """The event types that an empty page asks for."""
        return self.events or ((self.example,) if self.example else ())

    @property
    def path(self) -> str:
        """The URL rule of the page."""
        return f"/{self.slug}" + (f"/<path:{self.subject.name}>" if self.subject else "")

    @property
    def endpoint(self) -> str:
        return self.slug.replace("/", "_") + ("_one" if self.subject else "")

    def panel(self, name: str) -> Panel | None:
        return next((panel for panel in self.panels if panel.name == name), None)
