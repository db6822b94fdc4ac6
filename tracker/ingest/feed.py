"""`GET /api/events`: a tenant's events for another program, a slice at a time."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Response, current_app, jsonify, request
from pydantic import AwareDatetime, TypeAdapter, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from tracker.errors import ApiError, Fault
from tracker.ingest import clients
from tracker.ingest.intake import this_intake
from tracker.ingest.ratelimit import seconds_to_next_window
from tracker.metrics.feed import NoSuchEvent, Outgoing, Wanted, outgoing

ROWS_BY_DEFAULT = 100
MOST_ROWS = 1000
ROWS_A_MINUTE = 30_000
_MOST_TYPES = 50
_LONG_AGO, _FAR_AHEAD = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Nothing occurs outside; at the calendar's own ends a day more, or another zone, leaves it."""
_PARAMETERS = {"limit", "starting_after", "type", "from", "to"}
_MOMENT = TypeAdapter(AwareDatetime)


def read_events() -> Response:
    """The key's tenant's events, those received last first."""
    grant = _reader()
    wanted = _wanted(grant.tenant_id)
    allowed = _reserve(grant.key_id, wanted.limit)
    rows: list[Outgoing] = []
    try:
        with current_app.extensions["database"].read(wanted.tenants) as session:
            rows = outgoing(session, _with_one_more(wanted, allowed))
    except NoSuchEvent:
        raise _invalid([Fault("starting_after", "must be the id of an event")]) from None
    except (SQLAlchemyError, OSError):
        raise clients.overloaded() from None
    finally:
        _give_back(grant.key_id, wanted.limit - min(len(rows), allowed))
    return jsonify(data=[_as_json(row) for row in rows[:allowed]], has_more=len(rows) > allowed)


def _reader() -> Any:
    if secret := clients.bearer_secret(request):
        return clients.granted(this_intake(), secret, "read")
    raise ApiError(401, "invalid_key", "Send a key with the scope read as a bearer token.")


def _wanted(tenant_id: str) -> Wanted:
    """What the query string asks for; ApiError 400 with every fault."""
    faults: list[Fault] = []
    faults += [
        Fault(name[:100], "is not a known parameter") for name in request.args.keys() - _PARAMETERS
    ]
    types = [kind for kind in request.args.getlist("type") if kind]
    if len(types) > _MOST_TYPES:
        faults.append(Fault("type", f"may be given {_MOST_TYPES} times at most"))
    faults += [
        Fault(name, "must not contain a NUL character")
        for name, value in request.args.items(multi=True)
        if "\0" in value
    ]
    wanted = Wanted(
        tenants=(tenant_id,),
        limit=_limit(faults),
        starting_after=request.args.get("starting_after", ""),
        types=types,
        start=_moment("from", faults),
        end=_moment("to", faults, is_end=True),
    )
    if wanted.start and wanted.end and wanted.start >= wanted.end:
        faults.append(Fault("to", "must not be before from"))
    if faults:
        raise _invalid(faults)
    return wanted


def _invalid(faults: list[Fault]) -> ApiError:
    sentence = "The query string breaks rules; `fields` names them."
    return ApiError(400, "invalid_parameter", sentence, faults)


def _limit(faults: list[Fault]) -> int:
    text = request.args.get("limit", "") or str(ROWS_BY_DEFAULT)
    if text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST_ROWS:
        return int(text)
    faults.append(Fault("limit", f"must be a whole number from 1 to {MOST_ROWS}"))
    return 1


def _moment(name: str, faults: list[Fault], is_end: bool = False) -> datetime | None:
    """A time, or a day of the reporting time zone; the last day counts in whole."""
    if not (text := request.args.get(name, "")):
        return None
    try:
        if len(text) == len("2026-01-31"):
            zone = current_app.extensions["settings"].zone
            day = datetime.combine(date.fromisoformat(text), time.min, zone)
            return _held(day) + timedelta(days=int(is_end))
        # A + that was not percent-encoded has become a space.
        moment = _held(_MOMENT.validate_python(text.replace(" ", "+")))
        return moment.astimezone(UTC) + timedelta(microseconds=int(is_end))
    except (ValidationError, ValueError):
        faults.append(Fault(name, "must be a date, or an RFC 3339 time with an offset"))
        return None


def _held(moment: datetime) -> datetime:
    """The moment, or the nearest at which an event may occur."""
    return min(max(moment, _LONG_AGO), _FAR_AHEAD)


def _reserve(key_id: str, rows: int) -> int:
    """How many rows the key may still read in this minute; ApiError 429 when none.

    Rows are counted before they are read, so that readers at once can't exceed the limit
    together; those that were not there are given back.
    """
    counted: int = current_app.extensions["rate_counters"].count(_client(key_id), n=rows)
    left = ROWS_A_MINUTE - (counted - rows)
    if left <= 0:
        _give_back(key_id, rows)
        raise ApiError(
            429,
            "rate_limited",
            f"More than {ROWS_A_MINUTE} rows in this minute.",
            retry_after=seconds_to_next_window(),
        )
    return min(rows, left)


def _give_back(key_id: str, rows: int) -> None:
    current_app.extensions["rate_counters"].count(_client(key_id), n=-rows)


def _client(key_id: str) -> bytes:
    return bytes.fromhex(key_id.replace("-", ""))[-8:]


def _with_one_more(wanted: Wanted, allowed: int) -> Wanted:
    """One row more than is shown tells whether there are more."""
    return replace(wanted, limit=allowed + 1)


def _as_json(row: Outgoing) -> dict[str, Any]:
    moments = {"occurred_at": _utc(row.occurred_at), "received_at": _utc(row.received_at)}
    return row._asdict() | moments


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
