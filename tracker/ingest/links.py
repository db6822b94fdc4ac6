"""`POST /api/sessions/link`: attaches an e-mail or a user to everything a session did."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, current_app, jsonify, request

from tracker.catalog.links import parse_link
from tracker.catalog.parsing import Refusal
from tracker.errors import ApiError, Fault
from tracker.ingest import clients
from tracker.ingest.bodies import read_json
from tracker.ingest.events import note, store
from tracker.store.linking import AlreadyLinked, Link
from tracker.store.warnings import Warned
from tracker.store.writer import Work


def link_session() -> Response:
    sender = clients.identify()
    wanted = _link_of(read_json(request), sender)
    outcome = store(Work(links=[wanted])).linked[0]
    if isinstance(outcome, AlreadyLinked):
        note([_conflict(wanted)])
        raise ApiError(409, "already_linked", "This session is linked to another identity.")
    return jsonify(
        session_id=wanted.session_id,
        email=outcome.known.email,
        user_id=outcome.known.user_id,
        events_linked=outcome.events_linked,
    )


def _link_of(body: Any, sender: clients.Sender) -> Link:
    try:
        asked = parse_link(body, sender.with_key)
    except Refusal as refusal:
        fields = [Fault(path, rule) for path, rule in refusal.faults]
        raise ApiError(422, "invalid_link", "The session was not linked.", fields) from None
    now = datetime.now(UTC)
    return Link(sender.tenant_id, str(asked.session_id), asked.email, asked.user_id, now)


def _conflict(wanted: Link) -> Warned:
    return Warned(
        tenant_id=wanted.tenant_id,
        day=current_app.extensions["calendar"].day(wanted.at),
        at=wanted.at,
        event_type="link",
        code="already_linked",
        path="email" if wanted.email else "user_id",
        message="must be the identity its session is linked to",
        sample="",
    )
