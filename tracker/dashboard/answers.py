"""Panels asked: a metric's rows, sorted, searched and cut, and as plain data."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, get_args, get_origin, get_type_hints

from sqlalchemy.orm import Session

from tracker.dashboard.panels import Column, Kind, Metric, Panel, Table
from tracker.metrics.sampling import estimated
from tracker.metrics.scope import MAX_ROWS, Listing, Scope

_BY_TYPE = {int: Kind.NUMBER, float: Kind.DECIMAL, datetime: Kind.TIME, date: Kind.DAY}
_RATE_NAMES = ("rate", "share", "ctr")
APPROXIMATE = "Durations are approximate, within 5 %: attempts of this period have expired."


Words = Mapping[str, Mapping[Any, str]]
"""Of each column that has them, the words for its values."""


@dataclass(frozen=True)
class Answer:
    """What a panel's metric said: the slice asked for, and the length of the whole."""

    columns: tuple[str, ...]
    rows: list[Any]
    total: int


def estimate(panel: Panel, session: Session, scope: Scope) -> str:
    """What of the panel is approximate or scaled up from a sample, as a sentence; or nothing."""
    if panel.approximate and panel.approximate(session, scope):
        return APPROXIMATE
    counted = scope.previous() if panel.of_before else scope
    return estimated(session, counted, panel.sampled) if panel.sampled else ""


@cache
def row_type(metric: Metric) -> Any:
    """The NamedTuple that a metric's return annotation names."""
    return get_args(get_type_hints(metric)["return"])[0]


@cache
def number_columns(metric: Metric) -> tuple[str, ...]:
    """The columns of a metric that hold numbers, or none."""
    fields = row_type(metric).__annotations__
    return tuple(name for name, hint in fields.items() if _is_number(hint))


def _is_number(hint: Any) -> bool:
    kinds = set(getattr(hint, "__args__", (hint,))) - {type(None)}
    return bool(kinds) and kinds <= {int, float}


@cache
def slices_itself(metric: Metric) -> bool:
    """Whether the metric sorts, searches and cuts its list itself."""
    return get_origin(get_type_hints(metric)["return"]) is Listing


@cache
def kind_of(metric: Metric, field: str) -> Kind:
    """How a field is read unless its column says so: by its type, then by its name."""
    hint = get_type_hints(row_type(metric))[field]
    types = set(get_args(hint) or (hint,)) - {type(None)}
    kind = _BY_TYPE.get(next(iter(types)), Kind.TEXT) if len(types) == 1 else Kind.TEXT
    if kind not in (Kind.NUMBER, Kind.DECIMAL):
        return kind
    if field.endswith("_ms"):
        return Kind.MILLISECONDS
    if field.endswith("_s"):
        return Kind.SECONDS
    return Kind.RATE if field.split("_")[-1] in _RATE_NAMES else kind


@cache
def has_order(metric: Metric, field: str) -> bool:
    """Whether rows can be sorted by a field; no payload comes before another."""
    return get_origin(get_type_hints(row_type(metric))[field]) not in (dict, list)


def ask(metric: Metric, session: Session, scope: Scope) -> Any:
    """The metric's result; the same question in the same page is asked once."""
    asked = session.info.setdefault("asked", {})
    key = (metric, _key(scope))
    if key not in asked:
        asked[key] = metric(session, scope)
    return asked[key]


def ask_before(metric: Metric, session: Session, scope: Scope) -> Any:
    """The row of a metric that has one, of the period before; None where nothing is compared."""
    if not scope.compared:
        return None
    found = ask(metric, session, scope.previous())
    return found[0] if isinstance(found, list) else found


def _key(scope: Scope) -> tuple[Any, ...]:
    filters = tuple(sorted(scope.filters.items()))
    slice_ = (scope.limit, scope.offset, scope.sort)
    return (scope.tenants, scope.first, scope.last, *slice_, filters)


def answer(panel: Panel, session: Session, scope: Scope) -> Answer:
    """The panel's answer for this scope."""
    columns = row_type(panel.metric)._fields
    if slices_itself(panel.metric):
        listing = ask(panel.metric, session, scope)
        return Answer(columns, listing.rows, listing.total)
    whole = replace(scope, limit=MAX_ROWS, offset=0, sort="", filters=_without_q(scope))
    found = _searched(panel, ask(panel.metric, session, whole), session, scope)
    rows = _sorted(found, scope.sort)
    return Answer(columns, rows[scope.offset : scope.offset + scope.limit], len(rows))


def _without_q(scope: Scope) -> dict[str, str]:
    return {name: value for name, value in scope.filters.items() if name != "q"}


def spoken(columns: Iterable[Column], session: Session, scope: Scope) -> Words:
    """The words that columns have for their values, asked of the database where they are there."""
    return {
        column.name: words(session, scope) if callable(words := column.words) else dict(words)
        for column in columns
        if column.words
    }


def _searched(panel: Panel, rows: list[Any], session: Session, scope: Scope) -> list[Any]:
    """The rows that have the text searched for in a value, or in the words for one."""
    wanted = scope.filters.get("q", "").casefold()
    if not wanted:
        return rows
    columns = panel.columns if isinstance(panel, Table) else ()
    words = spoken(columns, session, scope)
    return [row for row in rows if any(wanted in text for text in _texts(row, words))]


def _texts(row: Any, words: Words) -> Iterable[str]:
    yield from (value.casefold() for value in row if isinstance(value, str))
    for name, said in words.items():
        yield said.get(getattr(row, name), "").casefold()


def _sorted(rows: list[Any], sort: str) -> list[Any]:
    """By one field, nulls last, otherwise in the metric's own order."""
    if not sort:
        return rows
    value = attrgetter(sort.removeprefix("-"))
    known = sorted(
        (row for row in rows if value(row) is not None), key=value, reverse=sort.startswith("-")
    )
    return known + [row for row in rows if value(row) is None]


def plain_rows(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """The rows as JSON has them."""
    return [{name: plain(value) for name, value in row._asdict().items()} for row in rows]


def plain(value: Any) -> Any:
    """The value as JSON has it: times in UTC, whole numbers whole, never NaN."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
