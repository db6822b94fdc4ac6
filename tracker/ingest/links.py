"""`POST /api/sessions/link`: attaches an e-mail or a user to everything a session did."""

from datetime import UTC, datetime
from typing import Any

from flask import Request

from tracker.catalog.links import parse_link
from tracker.catalog.parsing import Refusal
from tracker.errors import ApiError, Fault
from tracker.ingest import clients
from tracker.ingest.bodies import read_json
from tracker.ingest.events import note, store
from tracker.ingest.intake import Answer, Intake
from tracker.store.linking import AlreadyLinked, Link
from tracker.store.warnings import Warned
from tracker.store.writer import Work


def link_session(intake: Intake, sent: Request) -> Answer:
    sender = clients.identify(intake, sent)
    wanted = _link_of(read_json(sent), sender)
    outcome = store(intake, Work(links=[wanted])).linked[0]
    if isinstance(outcome, AlreadyLinked):
        note(intake, [_conflict(wanted, outcome.args[0], intake)])
        raise ApiError(409, "already_linked", "This session is linked to another identity.")
    answer = {
        "session_id": wanted.session_id,
        "email": outcome.known.email,
        "user_id": outcome.known.user_id,
        "events_linked": outcome.events_linked,
    }
    return Answer("200 OK", answer, clients.headers_for(intake, sent))


def _link_of(body: Any, sender: clients.Sender) -> Link:
    try:
        asked = parse_link(body, sender.with_key)
    except Refusal as refusal:
        fields = [Fault(path, rule) for path, rule in refusal.faults]
        raise ApiError(422, "invalid_link", "The session was not linked.", fields) from None
    now = datetime.now(UTC)
    return Link(sender.tenant_id, str(asked.session_id), asked.email, asked.user_id, now)


def _conflict(wanted: Link, differs: str, intake: Intake) -> Warned:
    return Warned(
        tenant_id=wanted.tenant_id,
        day=intake.calendar.day(wanted.at),
        at=wanted.at,
        event_type="link",
        code="already_linked",
        path=differs,
        message="must be the identity its session is linked to",
        sample="",
    )
