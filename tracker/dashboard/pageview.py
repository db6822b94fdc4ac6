"""A whole page as one view model: chrome, sentence, trust line and panels."""

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from tracker.dashboard import formats
from tracker.dashboard.asking import BadParameters, Frame
from tracker.dashboard.links import Links
from tracker.dashboard.page import LAST_WEEK, Page, Sentence
from tracker.dashboard.pages import page_named
from tracker.dashboard.parts import Choice, PanelView, choices, compares, failed_part, part
from tracker.dashboard.wording import TENANT_NAMES
from tracker.dashboard.words import snippet
from tracker.metrics.activity import Trust, settled_until, trust
from tracker.metrics.feed import NoSuchEvent
from tracker.metrics.scope import Scope
from tracker.store.database import Database

log = logging.getLogger(__name__)
_NOTICEABLE_LAG = timedelta(minutes=1)


@dataclass(frozen=True)
class PeriodLink:
    label: str
    href: str
    current: bool


@dataclass(frozen=True)
class PageView:
    """What the page template gets: finished texts, links and panels."""

    page: Page
    title: str
    links: Links
    frame: Frame
    parent: tuple[str, str] | None
    """Title and address of the page that this one belongs to."""
    periods: list[PeriodLink]
    range: str
    before: str
    compare_url: str
    compares: bool
    """Whether any panel compares with the period before."""
    sentence: list[tuple[str, str]]
    trust: list[tuple[str, str]]
    as_of: str
    settled: str
    choices: list[Choice]
    snippet: str
    """A command that sends what the page is about."""
    panels: list[PanelView]
    aside: Any
    empty: bool
    """Whether there is nothing to see, of this period or of the one before."""

    @property
    def is_of_other_days(self) -> bool:
        """Whether what is shown was received on other days than those of the period."""
        nothing_came = bool(self.trust) and self.trust[0][0] == "0"
        return nothing_came and not all(panel.blank for panel in self.panels)


class Reader:
    """Reads for one page. What fails is reported and leaves the rest a clean transaction."""

    def __init__(self, database: Database, framed: Frame) -> None:
        self._database = database
        self._framed = framed
        self._open = ExitStack()
        self._session: Session | None = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._open.close()

    def session(self) -> Session:
        if self._session is None:
            self._session = self._open.enter_context(self._database.read(self._framed.seen))
            names = {tenant.id: tenant.name for tenant in self._framed.tenants}
            self._session.info[TENANT_NAMES] = names
        return self._session

    def attempt(self, what: str, ask: Any, otherwise: Any) -> Any:
        """`ask(session)`, or `otherwise` when it fails; the fault is logged with its trace."""
        try:
            return ask(self.session())
        except (BadParameters, NoSuchEvent):
            raise
        except Exception:
            # One panel's fault must not take the page with it, whatever it is.
            log.exception("the %s failed", what)
            self._open.close()
            self._session = None
            return otherwise


def page_view(page: Page, title: str, framed: Frame, links: Links, reader: Reader) -> PageView:
    """The page, asked. Raises BadParameters; any other fault stays in its place."""
    scope = framed.scope
    chosen = any(scope.filters.get(choice.name) for choice in page.filters)
    shown = [panel for panel in page.panels if not (chosen and panel.of_all)]
    panels = [_panel(panel, framed, links, reader) for panel in shown]
    known = _received(page, scope, reader) if page.period else None
    settled = any(panel.settled for panel in page.panels)
    until = reader.attempt("clock", lambda s: settled_until(s, scope), None) if settled else None
    return PageView(
        page=page,
        title=title,
        links=links,
        frame=framed,
        parent=_parent(page, framed, links),
        periods=_periods(page, framed, links),
        range=_range(framed.scope.first, framed.scope.last, framed),
        before=_range(scope.previous().first, scope.previous().last, framed),
        compare_url=links.here(compare="none" if framed.compare else None),
        compares=any(compares(panel) for panel in shown),
        sentence=_sentence(page, framed, links, reader),
        trust=_trust(known),
        as_of=f"{scope.now.astimezone(scope.zone):%H:%M %Z}",
        settled=_settled(until, scope),
        choices=reader.attempt("filters", lambda s: choices(page.filters, s, scope), []),
        snippet=_snippet(page, framed.scope, links),
        panels=panels,
        aside=reader.attempt("aside", lambda s: _aside(page, framed, s), None),
        empty=bool(page.fills_with) and not chosen and all(panel.blank for panel in panels),
    )


def _received(page: Page, scope: Scope, reader: Reader) -> Trust | None:
    events = _behind(page, scope)
    known: Trust | None = reader.attempt(
        "trust line", lambda session: trust(session, scope, events), None
    )
    return known


def _behind(page: Page, scope: Scope) -> tuple[str, ...]:
    """The event types that the page is about; none means all."""
    if page.subject and page.subject.event_type:
        return (scope.filters[page.subject.name],)
    return page.events


def _settled(until: datetime | None, scope: Scope) -> str:
    """Up to when outcomes are settled, when that is noticeably behind."""
    if until is None or scope.now - until < _NOTICEABLE_LAG:
        return ""
    return formats.moment(until, scope.zone, scope.today)


def _snippet(page: Page, scope: Scope, links: Links) -> str:
    example = page.example or next(iter(page.fills_with), "")
    return snippet(example, links.root, scope.tenants)


def _parent(page: Page, framed: Frame, links: Links) -> tuple[str, str] | None:
    """Where the page belongs; what is one tenant's belongs to the page of that tenant."""
    above = page_named(page.parent) if page.parent else None
    if above is None:
        return None
    if page.subject and page.subject.tenant and page.slug != page.parent:
        name = next(tenant.name for tenant in framed.tenants if tenant.id == framed.tenant)
        return name, links.to(above.path + "/{tenant}")
    return above.title, links.to(above.path)


def _panel(panel: Any, framed: Frame, links: Links, reader: Reader) -> PanelView:
    otherwise = failed_part(panel, links)
    view: PanelView = reader.attempt(
        f"panel {panel.name}", lambda session: part(panel, session, framed, links), otherwise
    )
    return view


def _aside(page: Page, framed: Frame, session: Session) -> Any:
    return page.aside_data(session, framed.scope) if page.aside_data else None


def _periods(page: Page, framed: Frame, links: Links) -> list[PeriodLink]:
    return [
        PeriodLink(
            label="Last week" if name == LAST_WEEK else name,
            href=links.over(name),
            current=framed.period == name,
        )
        for name in page.periods
    ]


def _range(first: date, last: date, framed: Frame) -> str:
    today = framed.scope.today
    if first == last:
        return formats.day_of_year(first, today)
    return f"{formats.day_of_year(first, today)} to {formats.day_of_year(last, today)}"


def _sentence(page: Page, framed: Frame, links: Links, reader: Reader) -> list[tuple[str, str]]:
    """The sentence's parts as (text, link); a text without a link stands alone."""
    ask = page.sentence
    if ask is None:
        return []
    failed = Sentence(("The summary of this page could not be made; it has been logged.",))
    said = reader.attempt("sentence", lambda session: ask(session, framed.scope), failed)
    return [
        (piece, "") if isinstance(piece, str) else (piece.text, _target(piece.link, page, links))
        for piece in said.parts
    ]


def _target(link: str, page: Page, links: Links) -> str:
    named = page.panel(link.removeprefix("#"))
    return f"#{named.name}" if named else links.to(link)


def _trust(known: Trust | None) -> list[tuple[str, str]]:
    """(number, word) of what became of the events behind the page; zeros are left out."""
    if known is None:
        return []
    words = ("accepted", "refused", "duplicate", "late", "from bots", "left out by sampling")
    counts = [(formats.number(count), word) for count, word in zip(known, words, strict=True)]
    return [pair for pair in counts if pair[0] != "0" or pair[1] in ("accepted", "refused")]
