"""Events outside the catalog, for tenants that allow them.

They are stored as `custom:name`, so that no name of theirs can collide with one that the
catalog has, now or later. Declaring a class promotes the name: from then on it is checked
like every other event, and its `custom:` past stays apart.
"""

import re
from functools import lru_cache
from typing import Any, ClassVar, Literal

from tracker.catalog.base import BUSINESS_PAYLOAD_LIMIT, EventType
from tracker.catalog.text import redact_all

PREFIX = "custom:"
_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,59}")


class CustomEvent(EventType):
    """An event that the tenant's servers made up. Its payload is any flat or nested object."""

    domain: ClassVar[str] = "Custom"
    writer: ClassVar[Literal["browser", "server"]] = "server"
    payload_limit: ClassVar[int] = BUSINESS_PAYLOAD_LIMIT
    example: ClassVar[dict[str, Any]] = {}
    samplable: ClassVar[bool] = True

    @classmethod
    def redacted(cls, sent: dict[str, Any], phone_region: str) -> dict[str, Any]:
        """As sent, but for undefined values and for personal data in any text."""
        defined = {key: value for key, value in sent.items() if value is not None}
        cleaned: dict[str, Any] = redact_all(defined, phone_region, limit=BUSINESS_PAYLOAD_LIMIT)
        return cleaned


def custom_type(name: str) -> type[CustomEvent] | None:
    """The type of a name outside the catalog, with or without its prefix; None for a bad name."""
    plain = name.removeprefix(PREFIX)
    return _type_of(plain) if _NAME.fullmatch(plain) else None


@lru_cache(maxsize=2000)
def _type_of(plain: str) -> type[CustomEvent]:
    # Bad names are not remembered: they can be as long as a request.
    return type("Custom", (CustomEvent,), {"name": PREFIX + plain, "__doc__": CustomEvent.__doc__})
