"""Phrases that sentences of several pages are made of."""

import json

from tracker.dashboard.formats import number, rate
from tracker.dashboard.panels import Column

NOTICEABLE = 0.005
"""A rate that moved by less, half a percentage point, is called steady."""


def moved(now: float | None, before: float | None) -> str:
    """How a rate moved against the period before, to follow it after nothing or a comma.

    Empty when there is nothing to compare.
    """
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
    """A canonical filter value: "Dutch" -> Dutch; [50,120] -> 50 to 120; true -> yes."""
    try:
        held = json.loads(value)
    except ValueError:  # a value too long to be kept whole
        return value
    if isinstance(held, bool):
        return "yes" if held else "no"
    if isinstance(held, list):
        ends = len(held) == 2 and not any(isinstance(part, str) for part in held)
        return (" to " if ends else ", ").join(str(part) for part in held)
    return str(held)


VALUE = Column("value", "Value", say=lambda row: value_in_words(row.value))
"""The column of a filter's value."""
