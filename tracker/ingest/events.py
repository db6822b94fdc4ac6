"""`POST /api/events`: one event or a batch, with a verdict on each."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import Request
from pydantic import TypeAdapter, ValidationError

from tracker.catalog.envelope import Moment
from tracker.catalog.faults import MOST_FAULTS
from tracker.catalog.parsing import Refusal, Row, SampledOut, Terms, parse
from tracker.errors import ApiError, Fault
from tracker.ingest import clients
from tracker.ingest.bodies import read_json, too_large
from tracker.ingest.intake import Answer, Intake
from tracker.store.warnings import Warned, warnings_of
from tracker.store.writer import Overloaded, Work

log = logging.getLogger(__name__)

BATCH_LIMIT = 500
_MOMENT = TypeAdapter(Moment)


@dataclass
class Verdicts:
    """What parsing made of a request's events."""

    rows: list[Row] = field(default_factory=list)
    sampled: list[Row] = field(default_factory=list)
    refused: list[tuple[int, Refusal]] = field(default_factory=list)
    warned: list[Warned] = field(default_factory=list)

    def rejected(self) -> list[dict[str, Any]]:
        return [
            {
                "index": index,
                "code": refusal.code,
                "fields": [{"path": path, "message": rule} for path, rule in refusal.faults],
            }
            for index, refusal in self.refused
        ]


def take_events(intake: Intake, sent: Request) -> Answer:
    sender = clients.identify(intake, sent)
    body = read_json(sent)
    events, sent_at = _unpack(body)
    verdicts = judge(events, clients.terms_of(intake, sender, sent_at))
    if verdicts.refused and not (verdicts.rows or verdicts.sampled):
        note(intake, verdicts.warned)
        raise _all_refused(verdicts, is_batch=events[0] is not body)
    work = Work(rows=verdicts.rows, warned=verdicts.warned, sampled=verdicts.sampled)
    store(intake, work)
    answer = {
        "accepted": work.accepted,
        "duplicates": work.duplicates,
        "sampled": len(verdicts.sampled),
        "rejected": verdicts.rejected(),
    }
    return Answer("202 ACCEPTED", answer, clients.headers_for(intake, sent))


def _unpack(body: Any) -> tuple[list[Any], datetime | None]:
    """The events of a body, and the client's clock when it sent them."""
    if not isinstance(body, dict) or "events" not in body:
        return [body], None
    events, unknown = body["events"], sorted(body.keys() - {"events", "sent_at"})[:MOST_FAULTS]
    faults = [Fault(name[:100], "is not a known field") for name in unknown]
    sent_at = None
    if body.get("sent_at") is not None:
        sent_at = _moment(body["sent_at"])
        if sent_at is None:
            faults.append(Fault("sent_at", "must be an RFC 3339 time with an offset"))
    if not isinstance(events, list) or not events:
        faults.append(Fault("events", f"must be an array of 1 to {BATCH_LIMIT} events"))
    elif len(events) > BATCH_LIMIT:
        raise too_large()
    if faults:
        raise ApiError(422, "invalid_event", "The batch itself is faulty.", faults)
    return events, sent_at


def _moment(text: Any) -> datetime | None:
    try:
        return _MOMENT.validate_python(text).astimezone(UTC)
    except (ValidationError, OverflowError):
        return None


def judge(events: list[Any], terms: Terms) -> Verdicts:
    """Parses each event on its own: a faulty one costs the others nothing."""
    verdicts = Verdicts()
    for index, sent in enumerate(events):
        try:
            verdicts.rows.append(parse(sent, terms))
        except SampledOut as left_out:
            verdicts.sampled.append(left_out.args[0])
        except Refusal as refusal:
            verdicts.refused.append((index, refusal))
    refused = [(events[index], refusal) for index, refusal in verdicts.refused]
    verdicts.warned = warnings_of(refused, terms)
    return verdicts


def store(intake: Intake, work: Work) -> Work:
    """Commits the work; ApiError 503 when it can't be said to be stored."""
    try:
        return intake.writer.submit(work)
    except Overloaded:
        raise clients.overloaded() from None


def note(intake: Intake, warned: list[Warned]) -> None:
    """Counts refusals for operators. The sender's answer does not depend on it."""
    try:
        intake.writer.submit(Work(warned=warned))
    except Overloaded:
        log.warning("refusals not counted")


def _all_refused(verdicts: Verdicts, is_batch: bool) -> ApiError:
    faults = [
        Fault(f"events.{index}.{path}".rstrip(".") if is_batch else path, rule)
        for index, refusal in verdicts.refused
        for path, rule in refusal.faults
    ]
    extra = {"accepted": 0, "duplicates": 0, "sampled": 0, "rejected": verdicts.rejected()}
    if all(refusal.is_for_want_of_a_key for _, refusal in verdicts.refused):
        message = "Events of this type are accepted with a server key only."
        return ApiError(403, "server_only", message, faults, extra=extra)
    message = "No event was accepted. Each fault is listed with the rule it breaks."
    return ApiError(422, "invalid_event", message, faults, extra=extra)
