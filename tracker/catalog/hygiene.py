"""What must not be stored, whoever sends it: values under sensitive names, and patterns.

The names below hold for every tenant and event; a tenant adds names and patterns of its own.
Both are applied to the whole payload before it is checked or stored, so that neither the log
nor a refusal's sample holds what they catch.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"
NAMES_LIMIT = 200
PATTERNS_LIMIT = 50
_TEXT_LIMIT = 100
_DEPTH_LIMIT = 40

SENSITIVE_NAMES = frozenset(
    {
        "accesstoken",
        "apikey",
        "authorization",
        "cardnumber",
        "clientsecret",
        "cookie",
        "creditcard",
        "cvc",
        "cvv",
        "email",
        "emailaddress",
        "iban",
        "ip",
        "ipaddress",
        "passwd",
        "password",
        "phone",
        "phonenumber",
        "privatekey",
        "refreshtoken",
        "secret",
        "sessioncookie",
        "setcookie",
        "ssn",
        "token",
        "useragent",
    }
)
"""Names of keys whose values are never kept: lower case, without - and _."""


@dataclass(frozen=True)
class Hygiene:
    """One tenant's own names and patterns, on top of those that hold for all."""

    names: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None

    def clean(self, value: Any, depth: int = 0) -> Any:
        """The JSON value without what is sensitive; names of keys stay."""
        if isinstance(value, dict | list) and depth > _DEPTH_LIMIT:
            return REDACTED  # nobody sends this in earnest, and it is refused anyway
        if isinstance(value, dict):
            return {key: self._cleaned(key, item, depth) for key, item in value.items()}
        if isinstance(value, list):
            return [self.clean(item, depth + 1) for item in value]
        if self.pattern is not None and isinstance(value, str):
            return self.pattern.sub(REDACTED, value)
        return value

    def _cleaned(self, key: str, value: Any, depth: int) -> Any:
        name = plain_name(key)
        if value is not None and (name in SENSITIVE_NAMES or name in self.names):
            return REDACTED
        if self.pattern is None and not isinstance(value, dict | list):
            return value
        return self.clean(value, depth + 1)


NOTHING_MORE = Hygiene()


def hygiene(names: Sequence[str] = (), patterns: Sequence[str] = ()) -> Hygiene:
    """The hygiene of a tenant's settings. ValueError, a sentence, for what can't be used."""
    if len(names) > NAMES_LIMIT or len(patterns) > PATTERNS_LIMIT:
        raise ValueError(f"At most {NAMES_LIMIT} names and {PATTERNS_LIMIT} patterns.")
    parts = [_expression(pattern) for pattern in patterns]
    plain = frozenset(plain_name(name) for name in names)
    if "" in plain or any(len(name) > _TEXT_LIMIT for name in names):
        raise ValueError(f"A name has 1 to {_TEXT_LIMIT} characters.")
    return Hygiene(plain, re.compile("|".join(parts)) if parts else None)


def plain_name(key: str) -> str:
    """`API-Key`, `api_key` and `apiKey` are one name.

    Only short ones are remembered: a name can be as long as a request.
    """
    return _remembered(key) if len(key) <= _TEXT_LIMIT else _plain_name(key)


def _plain_name(key: str) -> str:
    return key.casefold().replace("-", "").replace("_", "").strip()


_remembered = lru_cache(maxsize=1024)(_plain_name)
"""The same few names come with every event."""


_STANDS_FOR = {"#": r"\d", "?": r"\w", "*": r"[\w-]{1,100}"}


def _expression(pattern: str) -> str:
    """A pattern as a regular expression that can't run away.

    `#` is a digit, `?` a letter or digit, `*` a run of letters, digits, - and _ at the end
    of the pattern; everything else is itself.
    """
    if not 3 <= len(pattern) <= _TEXT_LIMIT:
        raise ValueError(f"A pattern has 3 to {_TEXT_LIMIT} characters: {pattern!r}.")
    if "*" in pattern[:-1] or not pattern.strip("#?*"):
        raise ValueError(f"* only at the end of a pattern, and not wildcards alone: {pattern!r}.")
    return "".join(_STANDS_FOR.get(letter, re.escape(letter)) for letter in pattern)
