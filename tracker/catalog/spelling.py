"""JSON as senders spell it."""

import re
from typing import Any

import orjson

_HALF = re.compile(
    rb"\\u(?i:d[89ab][\da-f]{2})(?!\\u(?i:d[c-f]))"
    rb"|(?<!\\u(?i:d[89ab][\da-f]{2}))\\u(?i:d[c-f][\da-f]{2})"
)
"""The escape of a surrogate without its other half."""


def read_value(text: bytes) -> Any:
    """The value of a JSON text, with NUL in the place of half a character.

    A text that was cut inside an emoji is no JSON to orjson, and would cost all that was sent
    with it. NUL is as unstorable, but refused where it stands. Raises JSONDecodeError.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # behind an escaped backslash the letters of an escape are none
        spelled = text.replace(rb"\\", rb"\u005c")
        whole, halves = _HALF.subn(rb"\\u0000", spelled)
        if not halves:
            raise
        return orjson.loads(whole)
