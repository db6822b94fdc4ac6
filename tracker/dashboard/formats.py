"""Values in the words of a reader: numbers, rates, durations, times, changes."""

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from markupsafe import Markup

from tracker.dashboard.panels import Kind

NOTHING = "–"
"""What stands where there is nothing to divide, or no value."""

LONGEST = 60
"""Characters of a text that others wrote, in a sentence."""

_NARROW = "\u202f"
_ID_LENGTH = 8
_ENDS = re.compile(r"[@/_]")
_PIECES = re.compile(r"[^@/_]*[@/_]|[^@/_]+")
_DURATIONS = frozenset({Kind.MILLISECONDS, Kind.SECONDS})
_COUNTS = frozenset({Kind.NUMBER, Kind.BAR})
ALIGNED_RIGHT = _DURATIONS | _COUNTS | {Kind.RATE, Kind.DECIMAL}


@dataclass(frozen=True)
class Change:
    """A change against the period before, for eyes and for screen readers."""

    text: str
    words: str
    tone: Literal["good", "bad", "plain"]
    arrow: Literal["up", "down", "same"]


def written(value: Any, kind: Kind, zone: ZoneInfo, today: date) -> str:
    """The value as text; an en dash for None and NaN."""
    if value is None or (isinstance(value, float | Decimal) and not math.isfinite(value)):
        return NOTHING
    if kind is Kind.TIME:
        return moment(value, zone, today)
    if kind is Kind.CLOCK:
        return moment(value, zone, today, "%H:%M:%S")
    if kind is Kind.DAY:
        return day(value, today)
    return PLAIN[kind](value)


def soft(text: str) -> str:
    """The text with places where a line may end: addresses and names in code have no spaces."""
    if not _ENDS.search(text):  # most are numbers
        return text
    return Markup("<wbr>").join(_PIECES.findall(text))


def short(text: str) -> str:
    """A text that others wrote, so that it does not take over the sentence that it stands in.

    It is cut, and Arabic or Hebrew kept from turning the numbers about it round.
    """
    cut = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    turns = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in cut)
    return f"\u2068{cut}\u2069" if turns else cut


def typeset(text: str) -> str:
    """Text out of the code with the apostrophes that a page has."""
    return text.replace("'", "’")


def number(value: float) -> str:
    """1234567 -> 1,234,567"""
    return f"{round(value):,}".replace("-", "\u2212")


def decimal(value: float) -> str:
    """2.3333 -> 2.33; 12.5 -> 12.5; 123.4 -> 123"""
    places = 2 if round(abs(value), 2) < 10 else 1 if round(abs(value), 1) < 100 else 0
    return f"{value:,.{places}f}".replace("-", "\u2212")


def rate(value: float | None) -> str:
    """0.124 -> 12.4 %; a small rate keeps two digits: 0.0042 -> 0.42 %"""
    if value is None:
        return NOTHING
    percent = value * 100
    places = 0 if percent in (0, 100) else 2 if abs(percent) < 1 else 1
    return f"{percent:.{places}f}{_NARROW}%".replace("-", "\u2212")


def milliseconds(value: float) -> str:
    """840 -> 840 ms; 1240 -> 1.2 s"""
    return f"{value:.0f}{_NARROW}ms" if round(value) < 1000 else seconds(value / 1000)


def seconds(value: float) -> str:
    """1.24 -> 1.2 s; 125 -> 2 min 5 s; 7300 -> 2 h 2 min"""
    if round(value, 1) < 60:
        return f"{value:.1f}{_NARROW}s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}{_NARROW}min {rest}{_NARROW}s"
    return f"{minutes // 60}{_NARROW}h {minutes % 60}{_NARROW}min"


def moment(value: datetime, zone: ZoneInfo, today: date, clock: str = "%H:%M") -> str:
    """Today's time as 15:04; earlier as 14 Nov 15:04; another year's with the year."""
    local = value.astimezone(zone)
    time = local.strftime(clock)
    return time if local.date() == today else f"{day_of_year(local.date(), today)} {time}"


def day(value: date, today: date) -> str:
    """Sat 14 Nov, with the year when it is another one."""
    return f"{value:%a} {day_of_year(value, today)}"


def day_of_year(value: date, today: date) -> str:
    """14 Nov, or 14 Nov 2025."""
    return f"{value.day} {value:%b}" + ("" if value.year == today.year else f" {value.year}")


def change(now: Any, before: Any, kind: Kind, good: str) -> Change | None:
    """How a number changed: rates in percentage points, the rest in percent.

    None when either is missing, when there was nothing before to compare with, and for what
    is no number.
    """
    if kind not in ALIGNED_RIGHT:
        return None
    if now is None or before is None or (kind is not Kind.RATE and before == 0):
        return None
    if kind is Kind.RATE:
        size, text = now - before, f"{abs(now - before) * 100:.1f}{_NARROW}pp"
    else:
        size = now / before - 1
        text = _percent(abs(size))
    if float(text.split(_NARROW)[0].replace(",", "")) == 0:
        return Change("no change", "unchanged from the period before", "plain", "same")
    up = size > 0
    was = PLAIN[kind](before)
    words = f"{'up' if up else 'down'} {text} from {was} in the period before"
    return Change(("+" if up else "\u2212") + text, words, _tone(up, good), "up" if up else "down")


def _percent(size: float) -> str:
    return f"{size * 100:,.{1 if size < 0.1 else 0}f}{_NARROW}%"


def _tone(up: bool, good: str) -> Literal["good", "bad", "plain"]:
    if not good:
        return "plain"
    return "good" if up == (good == "up") else "bad"


PLAIN: dict[Kind, Callable[[Any], str]] = {
    Kind.TEXT: str,
    Kind.CODE: str,
    Kind.ID: lambda value: str(value)[:_ID_LENGTH],
    Kind.NUMBER: number,
    Kind.BAR: number,
    Kind.DECIMAL: decimal,
    Kind.RATE: rate,
    Kind.MILLISECONDS: milliseconds,
    Kind.SECONDS: seconds,
}
