"""From one sent event to the row that is stored, or to every reason why not."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from uuid_utils import uuid7

from tracker.catalog import CATALOG
from tracker.catalog.base import EventType
from tracker.catalog.custom import custom_type
from tracker.catalog.hygiene import NOTHING_MORE, Hygiene

Row = dict[str, Any]
"""An event ready to be stored, by column of tracker.model.Event, and its `received_day`."""

CLOCK_AHEAD = timedelta(minutes=1)
DEPTH_LIMIT = 32
_REMEMBERED = 20_000
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


class Calendar:
    """Days of the reporting time zone.

    Remembers the day of each quarter of an hour, the finest step between the offsets of time
    zones: computing it costs more than the rest of a row.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._known: dict[tuple[int, int], date] = {}

    def day(self, moment: datetime) -> date:
        """The day of an aware UTC moment."""
        key = (moment.toordinal(), moment.hour * 4 + moment.minute // 15)
        known = self._known.get(key)
        if known is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            known = self._known[key] = moment.astimezone(self.zone).date()
        return known


@dataclass(frozen=True)
class Terms:
    """What the request decides about each of its events."""

    received_at: datetime
    calendar: Calendar
    retention: timedelta
    tenant_id: str
    source: str = "browser"
    with_key: bool = False
    is_bot: bool = False
    clock_offset: timedelta = timedelta()
    phone_region: str = ""
    sampling: Mapping[str, int] = field(default_factory=dict)
    hygiene: Hygiene = NOTHING_MORE
    custom_events: bool = False


@dataclass
class Refusal(Exception):
    """Why an event is not stored: the code, and every fault as (path, rule)."""

    code: str
    faults: tuple[tuple[str, str], ...]
    event_type: str = "unknown"


def _text_only(value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise PydanticCustomError("text", "must be a string")
    return value


def _rfc3339(value: Any) -> Any:
    # pydantic alone would take numbers in strings, and dates without a time
    if _text_only(value) is not None and not _DATE_AND_TIME.match(value):
        raise PydanticCustomError("datetime", "must be an RFC 3339 time")
    return value


def _address(value: Any) -> str | None:
    if _text_only(value) is None:
        return None
    address: str = value.strip().lower()
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


class SampledOut(Exception):
    """A valid event that its type's sample rate leaves out; `args[0]` is its row."""


def parse(sent: Any, terms: Terms) -> Row:
    """The row of a sent event.

    Raises Refusal with everything that is wrong with the event, or SampledOut.
    """
    event_type = _event_type(sent, terms)
    envelope, faults = _validated(Envelope, sent, "")
    payload, stored, more = _payload(event_type, sent.get("payload", {}), terms)
    faults = [*faults, *more, *_combination_faults(event_type, sent, terms)]
    if faults or envelope is None or payload is None:
        raise Refusal("invalid_event", tuple(faults), event_type.name)
    weight = terms.sampling.get(event_type.name, event_type.sample_one_in)
    row = _row(event_type, envelope, terms)
    if not _kept(payload.sample_key() or row["id"], weight):
        raise SampledOut(row)
    return row | {"sample_weight": weight, "payload": stored, **payload.columns()}


def _event_type(sent: Any, terms: Terms) -> type[EventType]:
    if not isinstance(sent, dict):
        raise Refusal("invalid_event", (("", "must be an object"),))
    name = sent.get("event_type")
    if not isinstance(name, str):
        rule = "must be a string" if "event_type" in sent else "is required"
        raise Refusal("invalid_event", (("event_type", rule),))
    event_type = CATALOG.get(name) or _custom(name, terms)
    if event_type.writer == "server" and not terms.with_key:
        fault = ("event_type", f"{name} is accepted with a server key only")
        raise Refusal("server_only", (fault,), name)
    return event_type


def _custom(name: str, terms: Terms) -> type[EventType]:
    if not (terms.custom_events and terms.with_key):
        raise Refusal("unknown_event_type", (("event_type", "must be a name in the catalog"),))
    if (event_type := custom_type(name)) is None:
        rule = "must be a name in the catalog, or 1 to 60 lower-case letters, digits, _ . and -"
        raise Refusal("unknown_event_type", (("event_type", rule),))
    return event_type


def _payload(
    event_type: type[EventType], sent: Any, terms: Terms
) -> tuple[EventType | None, Any, list[tuple[str, str]]]:
    """The payload checked, the payload to store, and the faults."""
    if not isinstance(sent, dict):
        return None, None, []  # the envelope names this fault
    if faults := _unstorable(sent):
        return None, None, faults
    if len(orjson.dumps(sent)) > event_type.payload_limit:
        fault = ("payload", f"must be at most {event_type.payload_limit} bytes as JSON")
        raise Refusal("payload_too_large", (fault,), event_type.name)
    stored = event_type.redacted(terms.hygiene.clean(sent), terms.phone_region)
    payload, faults = _validated(event_type, stored, "payload")
    return payload, stored, faults


def _validated(
    model: type[Any], sent: Any, prefix: str
) -> tuple[Any | None, list[tuple[str, str]]]:
    try:
        return model.model_validate(sent), []
    except ValidationError as error:
        return None, faults_of(error, prefix)


def faults_of(error: ValidationError, prefix: str) -> list[tuple[str, str]]:
    """Every fault as (path, rule), without repeats."""
    faults = (_fault(detail, prefix) for detail in error.errors(include_url=False))
    return list(dict.fromkeys(faults))


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
    path += [str(part) for part in detail["loc"] if not _is_union_branch(part)]
    if kind in ("result_count", "zero_results"):
        path.append(kind)
    if kind == "literal_error":
        options = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        rule = "must be one of " + ", ".join(options)
    elif kind.startswith("datetime"):
        rule = "must be an RFC 3339 time, such as 2026-01-31T12:00:00Z"
    else:
        rule = _RULES[kind].format(**context) if kind in _RULES else detail["msg"]
    if "value" in path[1:2] and kind in (
        "bool_type",
        "int_type",
        "float_type",
        "string_type",
        "list_type",
    ):
        rule = "must be a string, a number, true, false or an array"
    return ".".join(path), rule


def _is_union_branch(part: Any) -> bool:
    """Whether a location names a branch of a union rather than a field."""
    return isinstance(part, str) and (
        part in ("bool", "int", "float", "str", "list[any]", "constrained-str") or "[" in part
    )


def _unstorable(payload: dict[str, Any]) -> list[tuple[str, str]]:
    """What no database can hold: NUL characters; and nesting nobody means."""
    try:
        text = orjson.dumps(payload)
    except TypeError:  # nested deeper than orjson goes
        return _hazards(payload, "payload") or [("payload", "must be JSON")]
    if b"\\u0000" in text or text.count(b"[") + text.count(b"{") > DEPTH_LIMIT:
        return _hazards(payload, "payload")
    return []


def _hazards(value: Any, path: str, depth: int = 1) -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(path, "must not contain NUL")] if "\0" in value else []
    if not isinstance(value, dict | list):
        return []
    if depth > DEPTH_LIMIT:
        return [(path[:100], f"must not be nested deeper than {DEPTH_LIMIT} levels")]
    if isinstance(value, list):
        found = [_hazards(item, f"{path}.{n}", depth + 1) for n, item in enumerate(value)]
    else:
        found = [
            [(path, "must not have NUL in a key")]
            if "\0" in key
            else _hazards(item, f"{path}.{key[:100]}", depth + 1)
            for key, item in value.items()
        ]
    return [fault for faults in found for fault in faults]


def _combination_faults(
    event_type: type[EventType], sent: Mapping[str, Any], terms: Terms
) -> list[tuple[str, str]]:
    """Rules that depend on who sends."""
    faults = [
        (name, "must not contain NUL")
        for name in ("user_id", "request_id")
        if "\0" in str(sent.get(name, ""))
    ]
    if not terms.with_key and sent.get("session_id") is None:
        faults.append(("session_id", "is required"))
    if not terms.with_key and sent.get("user_id") is not None:
        faults.append(("user_id", "is accepted with a server key only"))
    if event_type.needs_request_id and sent.get("request_id") is None:
        faults.append(("request_id", "is required"))
    return faults


def _kept(key: str, one_in: int) -> bool:
    """Whether the sample holds `key`: always the same answer for the same key."""
    return one_in <= 1 or zlib.crc32(key.encode()) % one_in == 0


def _row(event_type: type[EventType], envelope: Envelope, terms: Terms) -> Row:
    occurred_at = _occurred_at(envelope.occurred_at, terms)
    if occurred_at < terms.received_at - terms.retention:
        rule = f"must lie within the last {terms.retention.days} days"
        raise Refusal("too_old", (("occurred_at", rule),), event_type.name)
    return {
        "tenant_id": terms.tenant_id,
        "id": str(envelope.event_id or uuid7()),
        "event_type": event_type.name,
        "session_id": str(envelope.session_id) if envelope.session_id else None,
        "email": envelope.email,
        "user_id": envelope.user_id,
        "request_id": envelope.request_id,
        "occurred_at": occurred_at,
        "received_at": terms.received_at,
        "day": terms.calendar.day(occurred_at),
        "received_day": terms.calendar.day(terms.received_at),
        "source": terms.source,
        "is_bot": terms.is_bot,
    }


def _occurred_at(sent: datetime | None, terms: Terms) -> datetime:
    """The corrected time: by the client's clock offset, and at most a minute ahead."""
    if sent is None:
        return terms.received_at
    try:
        corrected = sent.astimezone(UTC) + terms.clock_offset
    except OverflowError:
        return terms.received_at if sent.year > 5000 else datetime.min.replace(tzinfo=UTC)
    return min(corrected, terms.received_at + CLOCK_AHEAD)
