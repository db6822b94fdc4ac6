"""Panels as finished view models, each asked for itself: one that fails leaves the others alone."""

import logging
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy.orm import Session

from tracker.dashboard import flags, formats, grids, tables
from tracker.dashboard.answers import Answer, answer, estimate, kind_of, plain_rows
from tracker.dashboard.asking import Frame, panel_scope
from tracker.dashboard.figures import figure
from tracker.dashboard.links import Links
from tracker.dashboard.panels import Chart, Matrix, Panel, Stat, Stats, Table, Timeline
from tracker.metrics.annotations import notes
from tracker.metrics.scope import Scope

log = logging.getLogger(__name__)

MOST_DRAWN = 8_000
"""Rows of a chart on its page: no honest one has more, but visitors can send any rank."""


@dataclass(frozen=True)
class StatView:
    label: str
    value: str
    change: formats.Change | None
    n: str
    href: str
    help: str


@dataclass(frozen=True)
class ChartView:
    figure: str
    """The Plotly figure as JSON that is safe inside a script element."""
    words: str
    """What the chart shows, for those who can't see it."""
    numbers: tables.TableView


@dataclass(frozen=True)
class Choice:
    """A choice above a table or a page, and what is chosen."""

    name: str
    label: str
    value: str
    options: list[tuple[str, str]]


@dataclass(frozen=True)
class PanelView:
    """What the template of a panel gets. Exactly one of body, failed and empty is told."""

    panel: Panel
    how: str
    json_url: str
    csv_url: str
    body: Any = None
    failed: bool = False
    empty: bool = False
    """Whether there is nothing to draw."""
    blank: bool = False
    """Whether it shows nothing but zeros and dashes."""
    estimate: str = ""
    """Which of its numbers are approximate or estimates, as a sentence."""
    search: str | None = None
    choices: list[Choice] = field(default_factory=list)
    newest: str = ""
    """The first row in a list, as the panel's JSON has it, when the panel follows what comes."""


def part(panel: Panel, session: Session, framed: Frame, links: Links) -> PanelView:
    """The view of one panel. Errors of its metric are the caller's to catch."""
    scope = panel_scope(framed, panel, links.args, _size(panel))
    found = answer(panel, session, scope)
    if scope.offset and not found.rows:  # there were more when the link was made
        scope = replace(scope, offset=0)
        found = answer(panel, session, scope)
    before = _before(panel, session, framed, scope)
    blank = _is_blank(panel, found) and (before is None or _is_blank(panel, before))
    return replace(
        failed_part(panel, links),
        failed=False,
        empty=not found.rows or (blank and isinstance(panel, Chart)),
        blank=blank,
        body=_body(panel, session, found, before, scope, links),
        estimate=estimate(panel, session, scope),
        search=scope.filters.get("q", "") if isinstance(panel, Table) and panel.search else None,
        choices=_choices(panel, session, scope),
        newest=_newest(panel, found, scope),
    )


def _size(panel: Panel) -> int | None:
    """How many rows are shown when nothing is said; None for all."""
    if isinstance(panel, Table | Timeline):
        return panel.page_size
    return MOST_DRAWN if isinstance(panel, Chart) else None


def _newest(panel: Panel, found: Answer, scope: Scope) -> str:
    if not isinstance(panel, Table) or not panel.refresh:
        return ""
    # Further rows stay put, whatever comes in before them.
    if scope.offset or scope.filters.get("starting_after"):
        return ""
    return orjson.dumps(plain_rows(found.rows[:1])).decode()


def _is_blank(panel: Panel, found: Answer) -> bool:
    """Whether no number that the panel shows says anything."""
    if isinstance(panel, Stats | Chart) and (shown := _shown(panel)):
        says = panel.says if isinstance(panel, Chart) else bool
        return not any(says(getattr(row, name)) for row in found.rows for name in shown)
    return not found.rows


def _shown(panel: Stats | Chart) -> list[str]:
    drawn = panel.stats if isinstance(panel, Stats) else panel.series
    return [part.name for part in drawn]


def failed_part(panel: Panel, links: Links) -> PanelView:
    """The view of a panel whose metric failed: its title, and that it failed."""
    return PanelView(
        panel,
        how=how(panel),
        json_url=links.data(panel.name, "json"),
        csv_url=links.data(panel.name, "csv"),
        failed=True,
    )


def how(panel: Panel) -> str:
    """How the panel is counted, as paragraphs of plain text."""
    text = panel.how or panel.metric.__doc__ or ""
    paragraphs = "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
    return formats.typeset(paragraphs.strip())


def _before(panel: Panel, session: Session, framed: Frame, scope: Scope) -> Answer | None:
    """The period before, where the panel compares with it."""
    if not framed.compare or not compares(panel):
        return None
    return answer(panel, session, scope.previous())


def compares(panel: Panel) -> bool:
    """Whether the panel shows the period before beside its own."""
    if not isinstance(panel, Chart):
        return isinstance(panel, Stats) and panel.compare
    dashed = panel.shape == "line" and len(panel.series) == 1 and panel.x == "day"
    return panel.compare and dashed and panel.figure is None


def _body(
    panel: Panel,
    session: Session,
    found: Answer,
    before: Answer | None,
    scope: Scope,
    links: Links,
) -> Any:
    match panel:
        case Stats():
            return _stats(panel, found, before, scope, links)
        case Chart():
            return _chart(panel, session, found, before, scope, links)
        case Table():
            return tables.table(panel, session, found, scope, links)
        case Matrix():
            return grids.matrix(panel, found, scope, links)
        case Timeline():
            return grids.timeline(panel, found, scope, links)
    raise TypeError(f"no view for {type(panel).__name__}")


def _stats(
    panel: Stats, found: Answer, before: Answer | None, scope: Scope, links: Links
) -> list[StatView]:
    row = found.rows[0] if found.rows else None
    was = before.rows[0] if before and before.rows else None
    return [_stat(panel, stat, row, was, scope, links) for stat in panel.stats if row]


def _stat(panel: Stats, stat: Stat, row: Any, was: Any, scope: Scope, links: Links) -> StatView:
    kind = stat.kind or kind_of(panel.metric, stat.name)
    value = getattr(row, stat.name)
    before = getattr(was, stat.name) if was else None
    return StatView(
        label=stat.label,
        value=formats.written(value, kind, scope.zone, scope.today),
        change=formats.change(value, before, kind, stat.good),
        n=tables.small_sample(row, stat.n, value),
        href=links.to(stat.link, row),
        help=stat.help,
    )


def _chart(
    panel: Chart,
    session: Session,
    found: Answer,
    before: Answer | None,
    scope: Scope,
    links: Links,
) -> ChartView:
    told = flags.on_chart(panel, found.rows, notes(session, scope)) if panel.x == "day" else {}
    drawn = figure(panel, found.rows, before.rows if before else (), scope)
    return ChartView(
        figure=for_script(flags.flagged(drawn, told)),
        words=_in_words(panel, found, scope) + flags.spoken(told, scope.today),
        numbers=flags.noted(tables.numbers(panel, found, scope, links), found.rows, told),
    )


def for_script(drawn: dict[str, Any]) -> str:
    """The figure as JSON that can't end the script element it stands in.

    For plain dicts this is what plotly.io.to_json writes, without its 15 MB per process.
    """
    text = orjson.dumps(drawn).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _in_words(panel: Chart, found: Answer, scope: Scope) -> str:
    said = [f"{panel.title}."]
    for series in panel.series:
        values = [v for row in found.rows if (v := getattr(row, series.name)) is not None]
        if values:
            kind = kind_of(panel.metric, series.name)
            low, high, last = (
                formats.written(value, kind, scope.zone, scope.today)
                for value in (min(values), max(values), values[-1])
            )
            said.append(f"{series.label}: lowest {low}, highest {high}, last {last}.")
    return " ".join(said)


def _choices(panel: Panel, session: Session, scope: Scope) -> list[Choice]:
    filters = panel.filters if isinstance(panel, Table) else ()
    return choices(filters, session, scope)


def choices(filters: Any, session: Session, scope: Scope) -> list[Choice]:
    """The filters with their options, asked of the database where they come from there."""
    return [
        Choice(
            choice.name,
            choice.label,
            scope.filters.get(choice.name, ""),
            list(
                choice.options
                if isinstance(choice.options, tuple)
                else choice.options(session, scope)
            ),
        )
        for choice in filters
        if not choice.quiet or scope.filters.get(choice.name)
    ]
