"""`POST /api/webhooks/stripe/<tenant>`: what Stripe reports of a tenant's plan.

A webhook is believed when it carries the tenant's signature and a timestamp of the last five
minutes. Of its object only the plan, the status and the checkout's id are read.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson
import stripe
from flask import Response, current_app, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from tracker.catalog.parsing import Refusal, Row, Terms, parse
from tracker.errors import ApiError
from tracker.ingest import clients
from tracker.ingest.bodies import BODY_LIMIT
from tracker.ingest.events import note, store
from tracker.ingest.intake import this_intake
from tracker.store.sealing import Unreadable
from tracker.store.secrets import STRIPE, read_secret
from tracker.store.warnings import warning_of
from tracker.store.writer import Work

TOLERANCE_SECONDS = 300
_UNKNOWN_PLAN = "unknown"


def take_webhook(tenant_id: str) -> Response:
    request.max_content_length = BODY_LIMIT
    body = request.get_data(cache=False)
    _check_signature(body, request.headers.get("Stripe-Signature", ""), _secret_of(tenant_id))
    try:
        event = orjson.loads(body)
        mapped = _mapped(event)
        sent = mapped and _sent(event, *mapped)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, OSError):
        # Signed right, so it is taken: sending it again would not make it an event.
        current_app.logger.warning("no event could be read from a webhook of %s", tenant_id)
        return jsonify(received=True, outcome="refused")
    return jsonify(received=True, outcome=_recorded(sent, tenant_id))


def _secret_of(tenant_id: str) -> str:
    """The tenant's signing secret; a tenant without one answers like a wrong signature."""
    settings = current_app.extensions["settings"]
    try:
        with current_app.extensions["database"].read(None) as session:
            secret = read_secret(session, tenant_id, STRIPE, settings.secret_key)
    except Unreadable:
        current_app.logger.warning("the Stripe secret of %s must be set again", tenant_id)
        raise clients.overloaded() from None
    except (SQLAlchemyError, OSError):
        raise clients.overloaded() from None
    if secret is None:
        raise _bad_signature()
    return secret


def _check_signature(body: bytes, header: str, secret: str) -> None:
    """Raises ApiError 400 unless Stripe signed this body within five minutes of now."""
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE_SECONDS)
    except (stripe.SignatureVerificationError, UnicodeError, TypeError, ValueError):
        raise _bad_signature() from None
    # The library tolerates timestamps from the future.
    if _timestamp(header) > time.time() + TOLERANCE_SECONDS:
        raise _bad_signature()


def _timestamp(header: str) -> int:
    parts = (part.split("=", 1) for part in header.split(","))
    return int(next(value for name, value in parts if name == "t"))


def _bad_signature() -> ApiError:
    return ApiError(400, "invalid_signature", "The signature or its timestamp is not right.")


def _mapped(event: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The business event that a Stripe event stands for, if any: its type and payload."""
    kind, thing = event["type"], event["data"]["object"]
    if kind == "checkout.session.completed":
        plan = _named(thing) or _UNKNOWN_PLAN
        return "checkout_completed", {"plan": plan, "stripeSessionId": thing["id"]}
    if kind not in _PLANS:
        return None
    previous, new = _PLANS[kind](thing, event["data"].get("previous_attributes") or {})
    change = {"previousPlan": previous, "newPlan": new, "status": thing["status"]}
    return "plan_updated", change


Plans = tuple[str | None, str | None]


def _created(subscription: dict[str, Any], _before: dict[str, Any]) -> Plans:
    return None, _plan_of(subscription)


def _deleted(subscription: dict[str, Any], _before: dict[str, Any]) -> Plans:
    return _plan_of(subscription), None


def _updated(subscription: dict[str, Any], before: dict[str, Any]) -> Plans:
    """Only what changed is among the previous attributes; all else was as it is.

    A change of quantity lists the items, too, and leaves the plan what it was.
    """
    priced = before if "items" in before or "plan" in before else subscription
    was = {
        "metadata": (subscription.get("metadata") or {}) | (before.get("metadata") or {}),
        "items": priced.get("items"),
        "plan": priced.get("plan"),
    }
    return _plan_of(was), _plan_of(subscription)


_PLANS = {
    "customer.subscription.created": _created,
    "customer.subscription.updated": _updated,
    "customer.subscription.deleted": _deleted,
}


def _plan_of(subscription: dict[str, Any]) -> str:
    """The plan's name: as the product named it in the metadata, else that of its first price."""
    items = (subscription.get("items") or {}).get("data") or [{}]
    prices = [items[0].get("price"), items[0].get("plan"), subscription.get("plan")]
    return next(filter(None, [_named(subscription), *map(_price_name, prices)]), _UNKNOWN_PLAN)


def _named(thing: dict[str, Any]) -> str | None:
    named = (thing.get("metadata") or {}).get("plan")
    return str(named) if named else None


def _price_name(price: dict[str, Any] | None) -> str | None:
    names = (price or {}).get("lookup_key"), (price or {}).get("nickname"), (price or {}).get("id")
    return next((str(name) for name in names if name), None)


def _recorded(sent: dict[str, Any] | None, tenant: str) -> str:
    if sent is None:
        return "ignored"
    intake = this_intake()
    sender = clients.Sender(tenant, True, False, clients.choices_of(intake, tenant))
    terms = clients.terms_of(intake, sender, None)
    sent["occurred_at"] = _occurred(sent["occurred_at"], terms).isoformat()
    try:
        row: Row = parse(sent, terms)
    except Refusal as refusal:
        # Sending it again would change nothing, so it is taken, and shown among the refused.
        note(intake, [warning_of(sent, refusal, terms)])
        return "refused"
    return "stored" if store(intake, Work(rows=[row])).accepted else "duplicate"


def _sent(event: dict[str, Any], event_type: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The business event as a server would send it.

    Its id follows from Stripe's, so that a replay is a duplicate.
    """
    return {
        "event_type": event_type,
        "event_id": str(uuid5(NAMESPACE_URL, f"stripe:{event['type']}:{event['id']}")),
        "occurred_at": datetime.fromtimestamp(event["created"], UTC),
        "payload": payload,
    }


def _occurred(created: datetime, terms: Terms) -> datetime:
    """When Stripe made it; one from before all that is kept occurs when it is received."""
    held = created > terms.received_at - terms.retention + timedelta(minutes=1)
    return created if held else terms.received_at
