"""Somebody's identifiers in what others wrote: notes, names, rules, alerts, the audit log."""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson
from markupsafe import escape
from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    String,
    Table,
    and_,
    cast,
    delete,
    or_,
    select,
    update,
)

from tracker.model import (
    AlertFiring,
    AlertRule,
    Annotation,
    ApiKey,
    AuditEntry,
    Delivery,
    Demand,
    Destination,
    IngestWarning,
)
from tracker.store import bulk
from tracker.store.access import IS_UUID
from tracker.store.persons import Trace, named_in
from tracker.store.subscriptions import EVENTS

ERASED = "[erased]"
_RULES, _FIRINGS = AlertRule.__table__, AlertFiring.__table__
_WRITTEN: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (Demand.__table__, ("notes",)),
    (Annotation.__table__, ("text",)),
    (IngestWarning.__table__, ("sample",)),
    (ApiKey.__table__, ("name",)),
    (Destination.__table__, ("name",)),
    (AuditEntry.__table__, ("detail",)),
    (_RULES, ("name", "options")),
    (_FIRINGS, ("words",)),
)
"""Where somebody may be named. A row without a tenant may be about anybody's."""

_REPEATED = (Annotation.__table__, Destination.__table__)
"""What digests and messages to channels repeat, word for word."""

_RECORDS = ("options", "words", "detail")
"""What the service words itself. Its own words are no user's id, which it tells as `user_id=al`."""

Patterns = tuple[re.Pattern[str], re.Pattern[str]]
"""Of identifiers in what people wrote, and in records."""


def blot_out(connection: Connection, found: Trace) -> None:
    """Replaces identifiers in the texts of the person's tenants, and takes back what was told."""
    patterns = _pattern(found.identifiers, ""), _pattern(found.identifiers, "(?<==)")
    rules: set[str] = set()
    told: set[str] = set()
    for table, columns in _WRITTEN:
        for row in _naming(connection, table, columns, found):
            texts = {
                name: _fitting(
                    table.c[name], _blotted(getattr(row, name), patterns, name in _RECORDS)
                )
                for name in columns
            }
            if all(texts[name] == getattr(row, name) for name in columns):
                continue
            key = and_(*(column == getattr(row, column.name) for column in table.primary_key))
            connection.execute(update(table).where(key).values(texts))
            if table in (_RULES, _FIRINGS):
                rules.add(row.id if table is _RULES else row.rule_id)
            elif table in _REPEATED:
                told |= {getattr(row, name) for name in columns}
    _take_back(connection, rules)
    _take_back_copies(connection, told)


def _naming(
    connection: Connection, table: Table, columns: tuple[str, ...], found: Trace
) -> Iterator[Any]:
    """The rows in which an identifier may stand."""
    texts: list[ColumnElement[str]] = [
        cast(column, String) if isinstance(column.type, JSON) else column
        for column in (table.c[name] for name in columns)
    ]
    tenant = table.c.tenant_id
    theirs = or_(tenant.in_(found.person.tenants), tenant.is_(None))
    wanted = sorted({form for one in found.identifiers for form in (one, json.dumps(one)[1:-1])})
    for start in range(0, len(wanted), 100):
        here = named_in(texts, wanted[start : start + 100])
        yield from connection.execute(select(table).where(theirs, here)).all()


def _blotted(value: Any, patterns: Patterns, is_record: bool) -> Any:
    """A text, or the texts in a JSON value, without the identifiers."""
    if isinstance(value, dict):
        return {
            name: _blotted(part, patterns, is_record and name != "name")
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_blotted(part, patterns, is_record) for part in value]
    return patterns[is_record].sub(ERASED, value) if isinstance(value, str) else value


def _fitting(column: ColumnElement[Any], value: Any) -> Any:
    """What the column takes: an identifier may be shorter than what stands in its place."""
    longest = getattr(column.type, "length", None)
    return value[:longest] if isinstance(value, str) and longest else value


def _pattern(identifiers: list[str], before_a_user: str) -> re.Pattern[str]:
    """Finds identifiers where they stand alone: 17 is not user 7, nor general user al.

    Other scripts write no spaces between words: only ASCII letters and digits go on a word.
    """
    alone = [
        ("" if "@" in one or IS_UUID(one) else before_a_user) + re.escape(one)
        for one in identifiers
    ]
    return re.compile(rf"(?<![0-9A-Za-z_.])(?:{'|'.join(alone)})(?!\.?[0-9A-Za-z_])", re.IGNORECASE)


def _take_back(connection: Connection, rules: set[str]) -> None:
    """Deletes what channels were or will be told of these rules."""
    firings = connection.scalars(select(_FIRINGS.c.id).where(_FIRINGS.c.rule_id.in_(rules)))
    told = [(f"{firing}:{what}",) for firing in firings for what in ("fired", "resolved")]
    bulk.delete_matching(connection, Delivery.__table__, ("message_id",), told)


def _take_back_copies(connection: Connection, told: set[str]) -> None:
    """Deletes digests and messages to channels that repeat one of the texts."""
    copies, ours = Delivery.__table__.c, Destination.__table__.c
    others = select(ours.id).where(ours.purpose != EVENTS)
    forms = {orjson.dumps(one).decode()[1:-1] for text in told for one in (text, str(escape(text)))}
    wanted = sorted(forms)
    for start in range(0, len(wanted), 100):
        here = named_in([copies.body], wanted[start : start + 100])
        connection.execute(
            delete(Delivery.__table__).where(copies.destination_id.in_(others), here)
        )
