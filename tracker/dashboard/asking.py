"""From a request's query string to a metric's scope: period, tenant, slice, filters."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import abort
from sqlalchemy.orm import Session

from tracker.config import Settings
from tracker.dashboard.answers import has_order, row_type, slices_itself
from tracker.dashboard.page import DEFAULT_PERIOD, LAST_WEEK, PERIODS, Page
from tracker.dashboard.panels import Filter, Panel, Table
from tracker.dashboard.viewers import Viewer
from tracker.errors import Fault
from tracker.metrics.digest import last_full_week
from tracker.metrics.scope import MAX_ROWS, Scope
from tracker.store.access import list_tenants, that_count
from tracker.store.database import EVERY_TENANT

Args = Mapping[str, str]
LONGEST_PERIOD = 3700
ROWS_BY_DEFAULT = 100
NOBODY = ""
"""No tenant has this id."""
_EARLIEST = date(2000, 1, 1)
_NO_NUL = "must not contain a NUL character"
"""Which PostgreSQL can't hold."""


class BadParameters(Exception):
    """A query string that breaks rules; every fault is named."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path} {fault.message}" for fault in faults))
        self.faults = faults


class NotYours(Exception):
    """A tenant was named that this viewer may not read."""


@dataclass(frozen=True)
class Frame:
    """What a whole page is asked about. `period` is a preset's name, or empty for a range."""

    scope: Scope
    period: str
    tenant: str
    tenants: list[Any]
    sample: bool
    compare: bool
    default_period: str = DEFAULT_PERIOD
    """The preset that the page shows when nothing is chosen."""
    reads_all: bool = False
    """Whether who looks may read every tenant."""

    @property
    def seen(self) -> tuple[str, ...]:
        """The tenants whose rows the database gives out for the page."""
        several = len(self.scope.tenants) > 1
        return EVERY_TENANT if several and self.reads_all else self.scope.tenants

    @property
    def gives_way(self) -> bool:
        """Whether samples are still shown until a production tenant has an event."""
        production = [tenant for tenant in self.tenants if tenant.kind == "production"]
        return bool(production) and not any(tenant.has_events for tenant in production)

    @property
    def query(self) -> dict[str, str]:
        """The query string that reproduces the frame on another page."""
        days = {"from": self.scope.first.isoformat(), "to": self.scope.last.isoformat()}
        query = {"period": self.period} if self.period else days
        if self.tenant:
            query["tenant"] = self.tenant
        if not self.compare:
            query["compare"] = "none"
        return query


def frame(
    session: Session,
    page: Page,
    args: Args,
    viewer: Viewer,
    settings: Settings,
    subject: Mapping[str, str],
) -> Frame:
    """The frame of a page's request; `subject` is what its path names.

    Raises BadParameters with all faults, or NotYours.
    """
    now = datetime.now(UTC)
    faults = [Fault(name, _NO_NUL) for name, value in args.items() if "\0" in value]
    today = now.astimezone(settings.zone).date()
    first, last, period = _days(args, today, page.default_period, faults)
    readable = [tenant for tenant in list_tenants(session) if viewer.may_read(tenant.id)]
    named = subject[page.subject.name] if page.subject and page.subject.tenant else ""
    chosen = named or args.get("tenant", "")
    if chosen and not any(tenant.id == chosen for tenant in readable):
        chosen = _missing_tenant(bool(named), viewer, faults)
    compare = _choice(args, "compare", ("previous", "none"), faults) != "none" and page.period
    filters = _filters(page.filters, args, faults) | dict(subject)
    if faults:
        raise BadParameters(faults)
    tenants, sample = _scope_tenants(readable, chosen)
    days = (first, last, settings.zone, now)
    scope = Scope(tenants, *days, limit=MAX_ROWS, filters=filters, compared=compare)
    reads_all = viewer.tenants is None
    return Frame(scope, period, chosen, readable, sample, compare, page.default_period, reads_all)


def _days(args: Args, today: date, default: str, faults: list[Fault]) -> tuple[date, date, str]:
    """First day, last day and the preset's name; `from` and `to` win over `period`."""
    if "from" in args or "to" in args:
        first, last = _date(args, "from", faults), _date(args, "to", faults)
        if first and last and first > last:
            faults.append(Fault("to", "must not be before `from`"))
        elif first and last and (last - first).days >= LONGEST_PERIOD:
            faults.append(Fault("from", f"must be less than {LONGEST_PERIOD} days before `to`"))
        return first or today, last or today, ""
    period = _choice(args, "period", (*PERIODS, LAST_WEEK), faults) or default
    if period == LAST_WEEK:
        return *last_full_week(today), period
    if period == "12m":
        return _a_year_before(today) + timedelta(days=1), today, period
    return today - timedelta(days=int(period.removesuffix("d")) - 1), today, period


def _date(args: Args, name: str, faults: list[Fault]) -> date | None:
    try:
        day = date.fromisoformat(args.get(name, ""))
    except ValueError:
        faults.append(Fault(name, "must be a date such as 2026-11-14; `from` and `to` go together"))
        return None
    if day < _EARLIEST or day.year > 9000:
        faults.append(Fault(name, f"must be between {_EARLIEST} and the year 9000"))
        return None
    return day


def _a_year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)


def _choice(args: Args, name: str, allowed: tuple[str, ...], faults: list[Fault]) -> str:
    value = args.get(name, "")
    if value and value not in allowed:
        faults.append(Fault(name, f"must be one of {', '.join(allowed)}"))
        return ""
    return value


def _missing_tenant(is_subject: bool, viewer: Viewer, faults: list[Fault]) -> str:
    """A tenant that is not among the readable ones; who may read all learns that there is none."""
    if viewer.tenants is not None:
        raise NotYours
    if is_subject:
        abort(404, "There is no such tenant.")
    faults.append(Fault("tenant", "must be a tenant's id"))
    return ""


def _scope_tenants(readable: list[Any], chosen: str) -> tuple[tuple[str, ...], bool]:
    """The tenants asked about, and whether they are samples.

    A viewer who may read no tenant that counts sees what there is. There is always one, for
    metrics ask about each: whoever may read none sees nobody's numbers.
    """
    if chosen:
        kind = next(tenant.kind for tenant in readable if tenant.id == chosen)
        return (chosen,), kind == "sample"
    shown = that_count(readable)
    is_sample = any(tenant.kind == "sample" for tenant in shown)
    return tuple(tenant.id for tenant in shown or readable) or (NOBODY,), is_sample


def _filters(filters: tuple[Filter, ...], args: Args, faults: list[Fault]) -> dict[str, str]:
    """The chosen values. Options from the database are suggestions; fixed ones are rules."""
    values = {}
    for choice in filters:
        if isinstance(choice.options, tuple) and choice.options:
            allowed = tuple(value for value, _ in choice.options if value)
            value = _choice(args, choice.name, allowed, faults)
        else:
            value = args.get(choice.name, "")
        if value:
            values[choice.name] = value
    return values


def panel_scope(framed: Frame, panel: Panel, args: Args, rows: int | None = None) -> Scope:
    """The scope of one panel: the frame's, with the panel's own slice, order and filters.

    A parameter may name its panel (`top-queries.offset`), as it must where a page has
    several. `rows` is the limit when none is asked for. Raises BadParameters.
    """
    faults: list[Fault] = []
    own = {name: _own(args, panel, name).strip() for name in ("limit", "offset", "sort", "q")}
    whole = MAX_ROWS if not panel.sliced else ROWS_BY_DEFAULT
    limit = _whole(own["limit"], "limit", 1, MAX_ROWS, rows or whole, faults)
    offset = _whole(own["offset"], "offset", 0, 2**31 - 1, 0, faults)
    filters = dict(framed.scope.filters)
    if isinstance(panel, Table):
        filters |= _filters(panel.filters, args, faults)
        filters |= {"q": own["q"]} if panel.search and own["q"] else {}
        after = _own(args, panel, "starting_after") if panel.cursor else ""
        filters |= {"starting_after": after} if after else {}
    sort = own["sort"]
    if sort and sort.removeprefix("-") not in sortable(panel):
        faults.append(Fault("sort", f"must be one of {', '.join(sortable(panel)) or 'none'}"))
    if faults:
        raise BadParameters(faults)
    return replace(framed.scope, limit=limit, offset=offset, sort=sort, filters=filters)


def sortable(panel: Panel) -> tuple[str, ...]:
    """The columns that the panel can be sorted by."""
    if isinstance(panel, Table) and slices_itself(panel.metric):
        return panel.sortable
    return tuple(name for name in row_type(panel.metric)._fields if has_order(panel.metric, name))


def _own(args: Args, panel: Panel, name: str) -> str:
    return args.get(f"{panel.name}.{name}", args.get(name, ""))


def _whole(text: str, name: str, least: int, most: int, default: int, faults: list[Fault]) -> int:
    if not text:
        return default
    if text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most:
        return int(text)
    faults.append(Fault(name, f"must be a whole number from {least} to {most}"))
    return default
