"""Why events were refused: counted per day, type, code and field, with one sample each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from tracker.catalog.parsing import Refusal, Terms
from tracker.catalog.text import redact
from tracker.model import IngestWarning
from tracker.store import bulk
from tracker.store.deltas import Deltas
from tracker.store.projections import EventRow

SAMPLE_LIMIT = 500
KEYS_PER_BATCH = 50
_COUNTS_AS_REFUSED = {
    "invalid_event",
    "unknown_event_type",
    "server_only",
    "payload_too_large",
    "too_old",
}
Key = tuple[str, date, str, str, str]


@dataclass(frozen=True)
class Warned:
    """An event, or a part of one, that was not taken as sent."""

    tenant_id: str
    day: date
    at: datetime
    event_type: str
    code: str
    path: str
    message: str
    sample: str

    @property
    def key(self) -> Key:
        """Under which it is counted."""
        return self.tenant_id, self.day, self.event_type, self.code, self.path


_AFTER_STORING = {
    "already_linked": ("email", "must be the e-mail address its session is linked to"),
    "outcome_ignored": ("request_id", "must be the first outcome of its request"),
}


def warning_of(sent: Any, refusal: Refusal, terms: Terms) -> Warned:
    """The warning about a refused event, under its first fault."""
    return _sampled(_warning_about(refusal, terms), sent, terms)


def warnings_of(refused: Iterable[tuple[Any, Refusal]], terms: Terms) -> list[Warned]:
    """The warnings about refused events, with a sample where `keep_warnings` would keep it.

    Looking for personal data takes its time: somebody could send events that are all refused.
    """
    warned, keys = [], set[Key]()
    for sent, refusal in refused:
        one = _warning_about(refusal, terms)
        if one.key not in keys and len(keys) < KEYS_PER_BATCH:
            keys.add(one.key)
            one = _sampled(one, sent, terms)
        warned.append(one)
    return warned


def _warning_about(refusal: Refusal, terms: Terms) -> Warned:
    path, message = refusal.faults[0]
    named = ".".join("*" if part.isdigit() else part for part in path.split("."))
    named = terms.hygiene.clean(named.replace("\0", ""))
    return Warned(
        tenant_id=terms.tenant_id,
        day=terms.calendar.day(terms.received_at),
        at=terms.received_at,
        event_type=refusal.event_type,
        code=refusal.code,
        path=redact(named, terms.phone_region)[:100],
        message=message,
        sample="",
    )


def _sampled(one: Warned, sent: Any, terms: Terms) -> Warned:
    return replace(one, sample=sample_of(terms.hygiene.clean(sent), terms.phone_region))


def warned_of(row: EventRow, code: str) -> Warned:
    """The warning about an event that was stored, but not all of it could be taken as sent.

    It has no sample: the event itself is there, until somebody is erased with it.
    """
    path, message = _AFTER_STORING[code]
    return Warned(
        tenant_id=row["tenant_id"],
        day=row["received_day"],
        at=row["received_at"],
        event_type=row["event_type"],
        code=code,
        path=path,
        message=message,
        sample="",
    )


def sample_of(sent: Any, phone_region: str = "") -> str:
    """The start of a refused event, without personal data."""
    hidden = {"email", "user_id", "session_id", "request_id"}
    shown = {k: v for k, v in sent.items() if k not in hidden} if isinstance(sent, dict) else sent
    try:
        text = orjson.dumps(shown).decode()
    except TypeError:
        text = type(sent).__name__
    return redact(text[: 2 * SAMPLE_LIMIT], phone_region)[:SAMPLE_LIMIT].replace("\\u0000", "")


def keep_warnings(connection: Connection, warned: Sequence[Warned], deltas: Deltas) -> None:
    """Counts warnings; a batch full of different faults can't fill the table."""
    rows: dict[Key, dict[str, Any]] = {}
    for one in warned:
        if one.code in _COUNTS_AS_REFUSED:
            deltas.add("daily_ingest", (one.tenant_id, one.day, one.event_type), refused=1)
        if one.key in rows:
            rows[one.key]["count"] += 1
        elif len(rows) < KEYS_PER_BATCH:
            rows[one.key] = _row(one)
    merge = {"count": "add", "first_at": "min", "last_at": "max"}
    bulk.upsert(
        connection,
        IngestWarning.__table__,
        [rows[key] for key in sorted(rows)],
        merge | {"message": "replace", "sample": "replace"},
    )


def _row(one: Warned) -> dict[str, Any]:
    return {
        "tenant_id": one.tenant_id,
        "day": one.day,
        "event_type": one.event_type,
        "code": one.code,
        "path": one.path,
        "count": 1,
        "message": one.message,
        "sample": one.sample,
        "first_at": one.at,
        "last_at": one.at,
    }
