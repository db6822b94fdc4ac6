"""Phrases that sentences of several pages are made of."""

import json
from typing import Any

from sqlalchemy.orm import Session

from tracker.dashboard.formats import number, rate
from tracker.dashboard.panels import Column
from tracker.metrics.scope import Scope

TENANT_NAMES = "tenant names"
"""Under this name the session of a page keeps them: its frame has them already."""

NOTICEABLE = 0.005
"""A rate that moved by less, half a percentage point, is called steady."""


def moved(field: str, row: Any, row_before: Any) -> str:
    """How a rate of a row moved against the period before's, to follow it after nothing or a comma.

    Empty when there is nothing to compare.
    """
    now, before = getattr(row, field), getattr(row_before, field, None)
    if now is None or before is None:
        return ""
    if abs(now - before) < NOTICEABLE:
        return ", as in the period before"
    return f", {'up' if now > before else 'down'} from {rate(before)}"


def count(n: int, one: str, many: str = "") -> str:
    """1 -> one person; 1234 -> 1,234 people (`many` is `one` with an s by default)."""
    return f"one {one}" if n == 1 else f"{number(n)} {many or one + 's'}"


def people(n: int) -> str:
    return count(n, "person", "people")


def value_in_words(value: str) -> str:
    """A canonical filter value: "Dutch" -> Dutch; [50,120] -> 50 to 120; true -> yes; "" -> empty.

    A range may be open: [50,null] -> 50 or more.
    """
    try:
        held = json.loads(value)
    except ValueError:  # a value too long to be kept whole
        return value
    return _range(*held) if _is_range(held) else _listed(held)


def input_in_words(value: str) -> str:
    """What went into a trip: true -> yes; ["food", "spas"] -> food, spas. No pair is a range."""
    try:
        return _listed(json.loads(value))
    except ValueError:  # a text stands there as it is
        return value


def _is_range(held: Any) -> bool:
    is_pair = isinstance(held, list) and len(held) == 2
    return is_pair and all(end is None or type(end) in (int, float) for end in held)


def _listed(held: Any) -> str:
    """Never nothing: the words for a value are what its link is seen and heard by."""
    if isinstance(held, list):
        return ", ".join(map(_in_words, held or [""]))
    return _in_words(held)


def _range(low: Any, high: Any) -> str:
    if high is None:
        return "any" if low is None else f"{_in_words(low)} or more"
    return f"up to {_in_words(high)}" if low is None else f"{_in_words(low)} to {_in_words(high)}"


def _in_words(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, str):
        return value if value.strip() else "empty"
    return json.dumps(value, ensure_ascii=False)


def tenant_names(session: Session, _scope: Scope | None = None) -> dict[str, str]:
    """What each tenant is called, of those that who looks may read."""
    names: dict[str, str] = session.info.get(TENANT_NAMES, {})
    return names


def tenant_called(session: Session, scope: Scope) -> str:
    """What the only tenant of a page is called."""
    (tenant_id,) = scope.tenants
    return tenant_names(session).get(tenant_id, tenant_id)


TENANT = Column("tenant_id", "Tenant", words=tenant_names)
VALUE = Column("value", "Value", say=lambda row: value_in_words(row.value))
"""The column of a filter's value."""
