"""/settings/tenants/<tenant>/webhooks/<id>: one webhook, its deliveries, and sending them again."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from flask import Blueprint, abort, current_app, render_template, request, url_for
from sqlalchemy import Connection

from tracker.dashboard.settings_changes import (
    Done,
    answer_to,
    attempt,
    form_number,
    form_text,
    typed,
)
from tracker.dashboard.viewers import admin
from tracker.dashboard.wording import count
from tracker.model import Tenant
from tracker.store import destinations, subscriptions
from tracker.store.access import IS_UUID, AccessError, audit
from tracker.store.notifying import send_missed

STATES = ("waiting", "delivered", "failed")
_SHOWN = 100
_LONGEST_REPLAY_HOURS = 24 * 30


def register(blueprint: Blueprint) -> None:
    rule = "/settings/tenants/<tenant_id>/webhooks/<webhook_id>"
    blueprint.get(rule)(webhook)
    blueprint.post(f"{rule}/<action>")(change_webhook)
    blueprint.post(f"{rule}/replay-missed")(replay_missed)


def webhook(tenant_id: str, webhook_id: str, problem: str = "", done: Done | None = None) -> Any:
    """A webhook and its deliveries, the newest first."""
    admin()
    state, before = request.args.get("state", ""), request.args.get("before", "")
    with current_app.extensions["database"].read(None) as session:
        found = subscriptions.find_subscription(session, tenant_id, webhook_id)
        if found is None:
            abort(404, "There is no such webhook.")
        state = state if state in STATES else ""
        tenant = session.get_one(Tenant, found.tenant_id)
        listed = subscriptions.list_deliveries(session, webhook_id, _SHOWN + 1, state, before)
    page = render_template(
        "dashboard/settings_webhook.html",
        tenant_id=tenant_id,
        tenant_name=tenant.name,
        webhook=found,
        deliveries=listed[:_SHOWN],
        further=listed[_SHOWN - 1].id if len(listed) > _SHOWN else "",
        before=before,
        test_type=subscriptions.TEST,
        states=STATES,
        state=state,
        problem=problem,
        done=done,
        typed=typed(problem),
    )
    return page, 422 if problem else 200


def change_webhook(tenant_id: str, webhook_id: str, action: str) -> Any:
    """One change of a webhook."""
    someone = admin()
    change = CHANGES.get(action)
    if change is None or not IS_UUID(webhook_id):
        abort(404)
    done, problem = attempt(
        lambda connection: change(connection, tenant_id, webhook_id, someone.name)
    )
    place = url_for("dashboard.webhook", tenant_id=tenant_id, webhook_id=webhook_id)
    if action == "delete":
        place = url_for("dashboard.tenant_settings", tenant_id=tenant_id)
    return answer_to(partial(webhook, tenant_id, webhook_id), done, problem, place)


def replay_missed(tenant_id: str, webhook_id: str) -> Any:
    """Sends all that never arrived: too much, maybe, to hold up all others who write."""
    someone = admin()
    place = url_for("dashboard.webhook", tenant_id=tenant_id, webhook_id=webhook_id)
    done, problem = None, ""
    try:
        database, since = current_app.extensions["database"], _since()
        sent = send_missed(database, tenant_id, webhook_id, since, someone.name)
        done = Done(f"Sent: {count(sent, 'event')}." if sent else "Nothing was missed.")
    except AccessError as error:
        problem = str(error)
    return answer_to(partial(webhook, tenant_id, webhook_id), done, problem, place)


def _since() -> datetime:
    hours = form_number("hours", "The hours", 1, _LONGEST_REPLAY_HOURS) or 24
    return datetime.now(UTC) - timedelta(hours=hours)


def _types(connection: Connection, tenant_id: str, webhook_id: str, actor: str) -> Done:
    types = form_text("types").replace(",", " ").split()
    subscriptions.change_types(connection, tenant_id, webhook_id, types, actor)
    return Done("The types are changed.")


def _secret(connection: Connection, tenant_id: str, webhook_id: str, actor: str) -> Done:
    secret_key = current_app.extensions["settings"].secret_key
    secret = subscriptions.rotate_secret(connection, tenant_id, webhook_id, actor, secret_key)
    return Done("Deliveries are signed with a new secret.", secret, "signing secret")


def _disable(connection: Connection, tenant_id: str, webhook_id: str, actor: str) -> Done:
    _require(connection, tenant_id, webhook_id)
    reason = "An admin stopped it."
    destinations.disable(connection, webhook_id, reason, actor, datetime.now(UTC))
    return Done("Nothing is sent until it is enabled.")


def _enable(connection: Connection, tenant_id: str, webhook_id: str, actor: str) -> Done:
    _require(connection, tenant_id, webhook_id)
    destinations.enable(connection, webhook_id, actor)
    return Done("It is sent to again, beginning with what waits.")


def _replay(connection: Connection, tenant_id: str, webhook_id: str, actor: str) -> Done:
    found = _require(connection, tenant_id, webhook_id)
    delivery_id = form_text("delivery")
    if not IS_UUID(delivery_id) or not destinations.replay(connection, webhook_id, delivery_id):
        raise AccessError("There is no such delivery, or it is being sent this moment.")
    detail = {"name": found.name, "webhook": webhook_id, "delivery": delivery_id}
    audit(connection, actor, "webhook.replay", tenant_id, **detail)
    is_stopped = found.disabled_at is not None
    return Done("It is sent again" + (" once the webhook is enabled." if is_stopped else "."))


def _test(connection: Connection, tenant_id: str, webhook_id: str, actor: str) -> Done:
    subscriptions.send_test(connection, tenant_id, webhook_id, actor)
    return Done("A test is on its way: see the deliveries below.")


def _delete(connection: Connection, tenant_id: str, webhook_id: str, actor: str) -> Done:
    subscriptions.delete_subscription(connection, tenant_id, webhook_id, actor)
    return Done("The webhook is gone.")


def _require(connection: Connection, tenant_id: str, webhook_id: str) -> Any:
    found = subscriptions.find_subscription(connection, tenant_id, webhook_id)
    if found is None:
        raise AccessError("There is no such webhook.")
    return found


CHANGES = {
    "types": _types,
    "secret": _secret,
    "disable": _disable,
    "enable": _enable,
    "replay": _replay,
    "test": _test,
    "delete": _delete,
}
"""The forms of the page, by the last part of their address."""
