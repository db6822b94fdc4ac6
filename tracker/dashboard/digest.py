"""The digest as a mail: what /digest shows of one week, without its chart."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from flask import Flask

from tracker.dashboard import formats
from tracker.dashboard.asking import Frame
from tracker.dashboard.links import Links
from tracker.dashboard.pages.digest import PAGE
from tracker.dashboard.pageview import PageView, Reader, page_view
from tracker.dashboard.panels import Stats, Table
from tracker.dashboard.parts import PanelView, StatView
from tracker.dashboard.tables import Cell, TableView
from tracker.metrics.scope import MAX_ROWS, Scope
from tracker.store.access import list_tenants
from tracker.store.database import Database
from tracker.store.digest import Mail

_GAP = "   "


@dataclass(frozen=True)
class Section:
    """One panel of the page in a mail: a row of numbers or a table, and the same as lines."""

    title: str
    stats: list[StatView]
    table: TableView | None
    lines: list[str]
    estimate: str = ""
    cut: str = ""
    """Which of how many rows these are, when there are more."""


def register(app: Flask) -> None:
    """Lets the clock compose the mail without knowing of pages."""
    app.extensions["compose_digest"] = partial(compose, app)


def compose(app: Flask, database: Database, first: date, last: date, now: datetime) -> Mail:
    """The mail of these days, about all production tenants."""
    settings = app.extensions["settings"]
    with database.read(None) as session:
        tenants = [tenant for tenant in list_tenants(session) if tenant.kind == "production"]
    ids = tuple(tenant.id for tenant in tenants)
    scope = Scope(ids, first, last, settings.zone, now, limit=MAX_ROWS)
    framed = Frame(scope, "", "", tenants, sample=False, compare=True, reads_all=True)
    links = Links(PAGE.path, framed.query, framed, settings.public_url)
    with app.app_context(), Reader(database, framed) as reader:
        view = page_view(PAGE, PAGE.title, framed, links, reader)
    return _mail(app, view)


def _mail(app: Flask, view: PageView) -> Mail:
    scope = view.frame.scope
    ends = (formats.day_of_year(day, scope.today) for day in (scope.first, scope.last))
    days = " to ".join(ends)
    told = {
        "title": f"{days}: {PAGE.question}",
        "sentence": view.sentence,
        "plain": "".join(text for text, _ in view.sentence),
        "sections": [_section(panel) for panel in view.panels if _is_told(panel)],
        "root": view.links.root,
        "address": view.links.root and view.links.root + view.links.here(),
        "trust": ", ".join(f"{number} {word}" for number, word in view.trust),
        "is_of_other_days": view.is_of_other_days,
    }
    text, html = (
        app.jinja_env.get_template(f"mail/digest.{form}").render(**told) for form in ("txt", "html")
    )
    return Mail(f"Tracker, {days}", text, html)


def _is_told(panel: PanelView) -> bool:
    """Panels with nothing in them, and charts, stay out of the mail."""
    return isinstance(panel.panel, Stats | Table) and not (panel.empty or panel.blank)


def _section(view: PanelView) -> Section:
    title = view.panel.title
    if view.failed:
        return Section(title, [], None, ["This could not be worked out."])
    if isinstance(view.body, TableView):
        pager = view.body.pager
        table = replace(view.body, pager=None)
        cut = pager.words if pager else ""
        return Section(title, [], table, _aligned(table), view.estimate, cut)
    return Section(title, view.body, None, [_line(stat) for stat in view.body], view.estimate)


def _line(stat: StatView) -> str:
    more = "".join(f" ({words})" for words in (stat.n, stat.help) if words)
    return f"{stat.label}: {stat.value}{more}" + (f", {stat.change.words}" if stat.change else "")


def _aligned(table: TableView) -> list[str]:
    """The table as lines of plain text, its columns under each other."""
    heads = [header.label for header in table.headers]
    rows = [heads, *([_text(cell) for cell in row] for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        _GAP.join(_padded(*one) for one in zip(row, widths, table.headers, strict=True)).rstrip()
        for row in rows
    ]


def _text(cell: Cell) -> str:
    return formats.short(cell.text) + (f" ({cell.n})" if cell.n else "")


def _padded(text: str, width: int, header: Any) -> str:
    return text.rjust(width) if header.right else text.ljust(width)
