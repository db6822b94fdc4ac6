"""The fields around a payload, and the types that other requests share with them."""

import re
from typing import Annotated, Any
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
_LEAP_SECOND = re.compile(r"(?<=\d\d:\d\d:)60(?!\d)")


def _text_only(value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise PydanticCustomError("text", "must be a string")
    return value


def _rfc3339(value: Any) -> Any:
    # pydantic alone would take numbers in strings, and dates without a time
    if _text_only(value) is not None and not _DATE_AND_TIME.match(value):
        raise PydanticCustomError("datetime", "must be an RFC 3339 time")
    # RFC 3339 has leap seconds, Python none: the second before stands for it
    return _LEAP_SECOND.sub("59", value, count=1) if value else value


def stored_address(text: str) -> str:
    """How an e-mail address is stored, and looked up: as it came, trimmed and in lower case."""
    return text.strip().lower()


def _address(value: Any) -> str | None:
    if _text_only(value) is None:
        return None
    address = stored_address(value)
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        raise PydanticCustomError("email", "must be an e-mail address") from None
    if len(address) > 254:
        raise PydanticCustomError("email", "must have at most 254 characters")
    return address


OptionalUuid = Annotated[UUID | None, BeforeValidator(_text_only)]
Email = Annotated[str | None, BeforeValidator(_address)]
Moment = Annotated[AwareDatetime, BeforeValidator(_rfc3339)]
ShortText = Annotated[str, Field(min_length=1, max_length=128)]


class Envelope(BaseModel):
    """The fields around a payload (design: wire contract)."""

    model_config = ConfigDict(extra="forbid")

    event_type: str
    session_id: OptionalUuid = None
    event_id: OptionalUuid = None
    occurred_at: Annotated[AwareDatetime | None, BeforeValidator(_rfc3339)] = None
    email: Email = None
    user_id: ShortText | None = None
    request_id: ShortText | None = None
    payload: dict[str, Any] = {}


class ExportedEnvelope(Envelope):
    """The fields around a payload that may have been stored before."""

    sample_weight: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)] | None = None
    """How many events it stands for: of it and its like a sample was taken already."""
