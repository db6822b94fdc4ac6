"""What was put into a trip attempt, as values that many attempts share.

Free text, names, contact data, dates and ids are left out: they tell people apart, not
attempts, and these counts stay when the snapshots expire.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

INPUTS_LIMIT = 40
_DEPTH = 3
_LIST_LIMIT = 20
_LONGEST = 40
_PERSONAL = re.compile(
    r"note|comment|text|message|description|prompt|name|mail|phone|address|title|url|token|birth"
    r"|(^|_|\.)(id|user|customer|visitor|account|session|owner|author)$|[a-z]Id$",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_UNSHARED = re.compile(r"\d{4}-\d\d|\d\d[./]\d\d[./]|.*@|.*\[|[0-9a-f-]{20,}$|\d{7,}")


def shared_inputs(snapshot: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The fields of a snapshot and their values, each pair once; at most 40."""
    pairs = dict.fromkeys(_pairs(snapshot or {}, "", _DEPTH))
    return list(pairs)[:INPUTS_LIMIT]


def _pairs(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items() if depth else ():
            yield from _pairs(inner, f"{path}.{name}" if path else str(name), depth - 1)
    elif isinstance(value, list):
        for inner in value[:_LIST_LIMIT]:
            if not isinstance(inner, Mapping | list):
                yield from _pairs(inner, path, 0)
    elif len(path) <= 100 and not _PERSONAL.search(path) and (text := _shared(value)):
        yield path, text


def _shared(value: Any) -> str:
    """The value as many attempts can have it; empty when they can't."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if abs(value) < 100 and value == int(value) else _rounded(value)
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        return ""
    text = value.strip()
    if _CLOCK.fullmatch(text):
        return text.split(":")[0].zfill(2) + " h"
    return "" if _UNSHARED.match(text) or "\0" in text else text


def _rounded(value: float) -> str:
    """The number to two digits: attempts with like amounts meet."""
    return f"{float(f'{value:.2g}'):.15g}"
