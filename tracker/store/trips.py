"""Folding the events of one request into one trip creation attempt.

An attempt is computed from all events of its request, never from the last one alone, so
that the order of arrival can't matter.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import Connection

from tracker.model import Event, TripAttempt
from tracker.store import bulk
from tracker.store.deltas import Deltas, Key
from tracker.store.extremes import restore_extremes
from tracker.store.inputs import shared_inputs
from tracker.store.linking import TRIPS_LINKED, Known
from tracker.store.pasts import Past, pasts_of
from tracker.store.projections import EventRow
from tracker.store.uniques import MemberKey, SessionKey

ATTEMPTS = TripAttempt.__table__
TELEMETRY = ("create_trip_attempted", "create_trip_succeeded", "create_trip_failed")
TRIP = "trip"
NO_DURATION = -1
_STATUS = {"create_trip_succeeded": "success", "create_trip_failed": "failed"}
_COUNTED_AS = {"success": "succeeded", "failed": "failed"}
_BUCKET_RATIO = 1.1

RequestKey = tuple[str, str]
"""Tenant and request id."""
Attempt = dict[str, Any]


class Came(NamedTuple):
    """When new events of a request came, and whom they named, unless that is their session's."""

    at: datetime | None = None
    user_id: str | None = None


def duration_bucket(duration_ms: float | None) -> int:
    """The histogram bucket of a duration: 0 below 1 ms, then steps of 10 %."""
    if duration_ms is None:
        return NO_DURATION
    return 0 if duration_ms < 1 else 1 + math.floor(math.log(duration_ms) / math.log(_BUCKET_RATIO))


def bucket_duration(bucket: int) -> float:
    """The duration, in ms, that stands for a bucket: at most 5 % from any in it."""
    return 0.0 if bucket <= 0 else _BUCKET_RATIO ** (bucket - 0.5)


def fold_attempts(
    connection: Connection,
    rows: Iterable[EventRow],
    known: Mapping[SessionKey, Known],
    deltas: Deltas,
) -> tuple[dict[MemberKey, Counter[Any]], list[EventRow]]:
    """Folds the requests of new events anew. `known` says whom their sessions belong to.

    Returns the changed days of sessions by error code, and the outcomes that from now on do
    not stand because another of the same request occurred first.
    """
    news = [row for row in rows if row["event_type"] in TELEMETRY and not row["is_bot"]]
    fresh = {_request(row): row for row in news}
    if not fresh:
        return {}, []
    named = {
        _request(row): row["user_id"]
        for row in news
        if row["user_id"] != known.get((row["tenant_id"], row["session_id"]), Known()).user_id
    }
    came = {key: Came(row["received_at"], named.get(key)) for key, row in fresh.items()}
    members, losers = refold(connection, fresh, deltas, came=came)
    new = {row["id"] for row in rows}
    return members, [
        # what beat a stored outcome was noticed when the new event came
        row | {name: fresh[_request(row)][name] for name in ("received_at", "received_day")}
        for row, stood in losers
        if stood or row["id"] in new
    ]


def refold(
    connection: Connection,
    requests: Iterable[RequestKey],
    deltas: Deltas,
    afresh: bool = False,
    came: Mapping[RequestKey, Came] = MappingProxyType({}),
) -> tuple[dict[MemberKey, Counter[Any]], list[tuple[EventRow, bool]]]:
    """Computes attempts from their stored events, and counts the difference.

    An attempt that has no event left is taken out, and so is one of which only what has expired
    says when it was; one that has expired stays counted. Returns the changed days of sessions by
    error code, and each outcome that does not stand with whether it did until now. `afresh`
    forgets the user that a login attached. `came` tells of new events.
    """
    by = ("tenant_id", "request_id")
    wanted = sorted(requests)
    events: dict[RequestKey, list[EventRow]] = defaultdict(list)
    for row in bulk.matching(connection, Event.__table__, by, wanted):
        if row.event_type in TELEMETRY and not row.is_bot:
            events[row.tenant_id, row.request_id].append(row._asdict())
    rows = bulk.matching(connection, ATTEMPTS, by, wanted)
    held = {(row.tenant_id, row.request_id): row._asdict() for row in rows}
    past = pasts_of(connection, [mark_of(request) for request in wanted])
    members: dict[MemberKey, Counter[Any]] = defaultdict(Counter)
    losers: list[tuple[EventRow, bool]] = []
    folded: dict[RequestKey, Attempt] = {}
    for request in wanted:
        before, expired = held.get(request), past[mark_of(request)]
        known = None if afresh else before
        after, beaten = fold_with(expired, events[request], known)
        if events[request] and after is None and not (before and before["day"] > expired.until):
            held.pop(request, None)
            continue
        count_attempt(before, deltas, members, -1)
        if after is not None:
            news = came.get(request, Came())
            if before and _is_nobodys(before, news):
                after["user_id"] = news.user_id
            folded[request] = after
            count_attempt(after, deltas, members, +1)
            stood_at = before and before["outcome_at"]
            losers += [(row, row["occurred_at"] == stood_at) for row in beaten]
    _keep(connection, held, folded)
    return members, losers


def _is_nobodys(attempt: Attempt, news: Came) -> bool:
    """Whether a login came too late for the attempt, although it gave its user to the events."""
    too_late = news.at is None or attempt["created_at"] < news.at - TRIPS_LINKED
    return attempt["user_id"] is None and too_late


def _keep(
    connection: Connection, held: dict[RequestKey, Attempt], folded: dict[RequestKey, Attempt]
) -> None:
    others = [c.name for c in ATTEMPTS.columns if not c.primary_key]
    bulk.upsert(connection, ATTEMPTS, list(folded.values()), dict.fromkeys(others, "replace"))
    gone = [held[request] for request in held.keys() - folded.keys()]
    bulk.delete_keys(connection, ATTEMPTS, [(one["tenant_id"], one["id"]) for one in gone])
    withdrawn: dict[Key, set[datetime]] = defaultdict(set)
    for request, before in held.items():
        after = folded.get(request)
        moved = after is None or (_place(after), after["outcome_at"]) != (
            _place(before),
            before["outcome_at"],
        )
        if before["outcome_at"] and moved:
            withdrawn[_place(before)].add(before["outcome_at"])
    restore_extremes(connection, {"daily_trips": withdrawn})


def _request(row: EventRow) -> RequestKey:
    return row["tenant_id"], row["request_id"]


def mark_of(request: RequestKey) -> tuple[str, str, str]:
    """Under which is remembered what has expired of a request."""
    return request[0], TRIP, request[1]


def fold_with(
    past: Past, events: Sequence[EventRow], held: Attempt | None
) -> tuple[Attempt | None, list[EventRow]]:
    """The attempt of a request of which some may have expired; None when the attempt has."""
    rows = [row for row in events if row["day"] > past.until]
    if not rows:
        return None, []
    attempt, beaten = fold([*past.events, *rows], held)
    return (attempt, beaten) if attempt["day"] > past.until else (None, [])


def fold(events: Sequence[EventRow], held: Attempt | None) -> tuple[Attempt, list[EventRow]]:
    """The attempt that these events of one request make, and the outcomes it ignores.

    Of two attempts and of two outcomes the one that occurred first stands.
    """
    ordered = sorted(events, key=lambda row: (row["occurred_at"], row["id"]))
    attempted = next((r for r in ordered if r["event_type"] == "create_trip_attempted"), None)
    outcomes = [r for r in ordered if r["event_type"] != "create_trip_attempted"]
    outcome = outcomes[0] if outcomes else None
    first: EventRow = attempted or ordered[0]
    inputs = attempted["payload"] if attempted else {}
    return {
        "tenant_id": first["tenant_id"],
        "id": str(uuid5(NAMESPACE_URL, f"{first['tenant_id']}/{first['request_id']}")),
        "request_id": first["request_id"],
        "created_at": first["occurred_at"],
        "day": first["day"],
        "attempted_at": attempted and attempted["occurred_at"],
        "user_id": _first(ordered, "user_id") or (held or {}).get("user_id"),
        "anon_session_id": _first(ordered, "session_id"),
        "prompt_contract_version": inputs.get("prompt_contract_version", "classic_v1"),
        "input_snapshot": inputs.get("input_snapshot"),
        "effective_defaults": inputs.get("effective_defaults"),
        **_outcome(outcome),
    }, outcomes[1:]


def _outcome(event: EventRow | None) -> Attempt:
    payload: Mapping[str, Any] = event["payload"] if event else {}
    duration_ms = payload.get("duration_ms")
    status = _STATUS[event["event_type"]] if event else "pending"
    return {
        "status": status,
        "outcome_at": event and event["occurred_at"],
        "error_code": payload.get("error_code") if status == "failed" else None,
        "duration_ms": duration_ms,
        "bucket": duration_bucket(duration_ms),
        "trip_id": payload.get("trip_id"),
    }


def _first(events: Sequence[EventRow], column: str) -> Any:
    return next((row[column] for row in events if row[column]), None)


def count_attempt(
    attempt: Attempt | None,
    deltas: Deltas,
    members: dict[MemberKey, Counter[Any]],
    sign: int,
) -> None:
    """Adds an attempt to the rollups, or takes it out."""
    if attempt is None:
        return
    moment = attempt["outcome_at"] if sign > 0 else None
    place = _place(attempt)
    deltas.add("daily_trips", place, attempts=sign, first_at=moment, last_at=moment)
    if counter := _COUNTED_AS.get(attempt["status"]):
        for pair in shared_inputs(attempt["input_snapshot"]):
            deltas.add("daily_trip_inputs", (*place[:2], *pair), **{counter: sign})
    error = attempt["error_code"]
    if error and attempt["anon_session_id"]:
        member = (attempt["tenant_id"], attempt["anon_session_id"], "error", error)
        members[member][attempt["day"]] += sign


def _place(attempt: Attempt) -> Key:
    """The row of daily_trips that an attempt counts in."""
    return (
        attempt["tenant_id"],
        attempt["day"],
        attempt["prompt_contract_version"],
        attempt["status"],
        attempt["error_code"] or "",
        attempt["bucket"],
    )
