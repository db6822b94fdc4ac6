"""Faults in the words of whoever has to mend them: a path and the rule it breaks."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

DEPTH_LIMIT = 32
MOST_FAULTS = 100
"""Of an event that are told. Who sends more means harm: each is longer than what it is about."""
_LONGEST_PATH = 200
NO_NUL = "must not contain NUL or a lone surrogate"
"""Both in one: bodies are read with NUL for a lone surrogate, which JSON can spell, too."""

Faults = list[tuple[str, str]]
"""Each as (path, rule)."""


def faults_of(error: ValidationError, prefix: str) -> Faults:
    """Every fault as (path, rule), without repeats, up to MOST_FAULTS."""
    details = error.errors(include_url=False, include_input=False)[:MOST_FAULTS]
    return list(dict.fromkeys(_fault(detail, prefix) for detail in details))


_RULES = {
    "missing": "is required",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "uuid_parsing": "must be a UUID",
    "timezone_aware": "must have a time zone offset, such as Z",
    "extra_forbidden": "is not a known field",
    "finite_number": "must be a finite number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} character",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} items",
}


def _fault(detail: ErrorDetails, prefix: str) -> tuple[str, str]:
    """A pydantic error as (path, rule)."""
    kind, context = detail["type"], detail.get("ctx", {})
    path = [prefix] if prefix else []
    path += [str(part) for part in detail["loc"]]
    if kind in ("result_count", "zero_results"):
        path.append(kind)
    if kind == "literal_error":
        options = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        rule = "must be one of " + ", ".join(options)
    elif kind.startswith("datetime"):
        rule = "must be an RFC 3339 time, such as 2026-01-31T12:00:00Z"
    else:
        rule = _RULES[kind].format(**context) if kind in _RULES else detail["msg"]
    return ".".join(path)[:_LONGEST_PATH], rule


def unstorable(payload: dict[str, Any]) -> Faults:
    """What no database can hold: NUL characters; and nesting nobody means."""
    try:
        text = orjson.dumps(payload)
    except TypeError:  # nested deeper than orjson goes
        return _some_hazards(payload) or [("payload", "must be JSON")]
    if b"\\u0000" in text or text.count(b"[") + text.count(b"{") > DEPTH_LIMIT:
        return _some_hazards(payload)
    return []


def _some_hazards(payload: dict[str, Any]) -> Faults:
    return list(islice(_hazards(payload, "payload"), MOST_FAULTS))


def _hazards(value: Any, path: str, depth: int = 1) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if "\0" in value:
            yield path, NO_NUL
    elif not isinstance(value, dict | list):
        return
    elif depth > DEPTH_LIMIT:
        yield path[:100], f"must not be nested deeper than {DEPTH_LIMIT} levels"
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _hazards(item, f"{path}.{n}"[:_LONGEST_PATH], depth + 1)
    else:
        for key, item in value.items():
            if "\0" in key:
                yield path, "must not have NUL or a lone surrogate in a key"
            else:
                yield from _hazards(item, f"{path}.{key}"[:_LONGEST_PATH], depth + 1)
