"""From one sent event to the row that is stored, or to every reason why not."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import ValidationError
from uuid_utils import uuid7

from tracker.catalog import CATALOG
from tracker.catalog.base import EventType
from tracker.catalog.calendar import Calendar
from tracker.catalog.custom import custom_type
from tracker.catalog.envelope import Envelope, ExportedEnvelope
from tracker.catalog.faults import NO_NUL, Faults, faults_of, unstorable
from tracker.catalog.hygiene import NOTHING_MORE, Hygiene

Row = dict[str, Any]
"""An event ready to be stored, by column of tracker.model.Event, and its `received_day`."""

CLOCK_AHEAD = timedelta(minutes=1)


@dataclass(slots=True)
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

    @property
    def is_for_want_of_a_key(self) -> bool:
        """Whether that the type is for servers only is all that is wrong."""
        return self.code == "server_only" and len(self.faults) == 1


class SampledOut(Exception):
    """A valid event that its type's sample rate leaves out; `args[0]` is its row."""


def parse(sent: Any, terms: Terms) -> Row:
    """The row of a sent event.

    Raises Refusal with everything that is wrong with the event, or SampledOut.
    """
    fields_around = ExportedEnvelope if terms.source == "import" else Envelope
    envelope, faults = _validated(fields_around, sent, "")
    try:
        event_type = _event_type(sent, terms)
        payload, stored, more = _payload(event_type, sent.get("payload", {}), terms)
    except Refusal as refusal:
        raise _with_more(refusal, faults, sent, terms) from None
    faults = [*faults, *more, *_combination_faults(event_type, sent, terms)]
    if faults or envelope is None or payload is None:
        raise Refusal("invalid_event", tuple(faults), event_type.name)
    row = _row(event_type, envelope, terms)
    weight = _sampled_before(envelope)
    if weight is None:
        weight = terms.sampling.get(event_type.name, event_type.sample_one_in)
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


def _with_more(refusal: Refusal, faults: Faults, sent: Any, terms: Terms) -> Refusal:
    """The refusal with what is wrong around the payload, too; what it is about comes first."""
    if isinstance(sent, dict) and refusal.code != "server_only":  # a key needs no session
        faults = [*faults, *_sender_faults(sent, terms)]
    return replace(refusal, faults=tuple(dict.fromkeys((*refusal.faults, *faults))))


def _custom(name: str, terms: Terms) -> type[EventType]:
    if not (terms.custom_events and terms.with_key):
        raise Refusal("unknown_event_type", (("event_type", "must be a name in the catalog"),))
    if (event_type := custom_type(name)) is None:
        rule = (
            "must be a name in the catalog, or 1 to 60 lower-case letters, digits, _ . and -,"
            " of which the first is a letter"
        )
        raise Refusal("unknown_event_type", (("event_type", rule),))
    return event_type


def _payload(
    event_type: type[EventType], sent: Any, terms: Terms
) -> tuple[EventType | None, Any, Faults]:
    """The payload checked, the payload to store, and the faults."""
    if not isinstance(sent, dict):
        return None, None, []  # the envelope names this fault
    if faults := unstorable(sent):
        return None, None, faults
    if len(orjson.dumps(sent)) > event_type.payload_limit:
        fault = ("payload", f"must be at most {event_type.payload_limit} bytes as JSON")
        raise Refusal("payload_too_large", (fault,), event_type.name)
    stored = event_type.redacted(terms.hygiene.clean(sent), terms.phone_region)
    payload, faults = _validated(event_type, stored, "payload")
    return payload, stored, faults


def _validated(model: type[Any], sent: Any, prefix: str) -> tuple[Any | None, Faults]:
    try:
        return model.model_validate(sent), []
    except ValidationError as error:
        return None, faults_of(error, prefix)


def _combination_faults(
    event_type: type[EventType], sent: Mapping[str, Any], terms: Terms
) -> Faults:
    """Rules that depend on the type and on who sends."""
    faults = _sender_faults(sent, terms)
    if event_type.needs_request_id and sent.get("request_id") is None:
        faults.append(("request_id", "is required"))
    return faults


def _sender_faults(sent: Mapping[str, Any], terms: Terms) -> Faults:
    faults = [
        (name, NO_NUL) for name in ("user_id", "request_id") if "\0" in str(sent.get(name, ""))
    ]
    if not terms.with_key and sent.get("session_id") is None:
        faults.append(("session_id", "is required"))
    if not terms.with_key and sent.get("user_id") is not None:
        faults.append(("user_id", "is accepted with a server key only"))
    return faults


def _sampled_before(envelope: Envelope) -> int | None:
    """The weight an export gave the event; thinned a second time, the numbers would change."""
    return envelope.sample_weight if isinstance(envelope, ExportedEnvelope) else None


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
