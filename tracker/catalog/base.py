"""What every event type is made of: a payload model that also describes itself.

A class here is the only place an event type is written down. Validation, JSON Schema,
OpenAPI, TypeScript types, the catalog page and the docs all derive from it.

Naming grammar: marketplace and business names are ``object_verb`` in the past tense
(`message_sent`), or the act itself where it is one (`card_click`); a page's own
analytics are ``page__part--what`` (`create_trip__cta--generate`).
"""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

BROWSER_PAYLOAD_LIMIT = 8 * 1024
BUSINESS_PAYLOAD_LIMIT = 2 * 1024

Columns = dict[str, Any]
"""Values of an event's typed columns, by column name (see tracker.model.Event)."""


class EventType(BaseModel):
    """A payload, and what the product knows of the event that carries it.

    The docstring of a subclass is its purpose, in words an operator understands.
    """

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    name: ClassVar[str]
    domain: ClassVar[str]
    writer: ClassVar[Literal["browser", "server"]] = "browser"
    example: ClassVar[dict[str, Any]]
    payload_limit: ClassVar[int] = BROWSER_PAYLOAD_LIMIT
    needs_request_id: ClassVar[bool] = False
    sample_one_in: ClassVar[int] = 1
    """Of how many such events one is kept, unless the tenant's settings say otherwise."""

    samplable: ClassVar[bool] = False
    """Whether a part of such events can stand for all: every number of them is scaled."""

    @classmethod
    def purpose(cls) -> str:
        return (cls.__doc__ or "").strip()

    @classmethod
    def payload_schema(cls) -> dict[str, Any]:
        """JSON Schema of the payload."""
        return cls.model_json_schema()

    def columns(self) -> Columns:
        """The values of this payload that metrics read from typed columns."""
        return {}

    def sample_key(self) -> str | None:
        """What is kept or left out as a whole when the type is sampled."""
        return None

    @classmethod
    def redacted(cls, sent: dict[str, Any], phone_region: str) -> dict[str, Any]:  # noqa: ARG003
        """The payload to keep: as sent, but for personal data in free text."""
        return sent
