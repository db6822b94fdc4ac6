"""/settings/tenants/<tenant>: keys, and what is sampled, redacted, allowed and kept of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from tracker.catalog.hygiene import SENSITIVE_NAMES
from tracker.dashboard.settings_changes import (
    Done,
    answer_to,
    attempt,
    form_lines,
    form_number,
    form_text,
    typed,
)
from tracker.dashboard.viewers import admin
from tracker.dashboard.wording import count
from tracker.jobs.addresses import Refused, resolve
from tracker.model import Tenant
from tracker.store import access, subscriptions
from tracker.store.access import AccessError
from tracker.store.budgets import DEFAULT_BUDGET, samplable_types
from tracker.store.secrets import STRIPE, remove_secret, secret_set_at, set_secret
from tracker.store.settings import (
    MOST_SAMPLED,
    RETENTION_DAYS,
    change_settings,
    choices_of,
    rename_tenant,
    settings_of,
)
from tracker.store.tenants import delete_tenant

_LARGEST_BUDGET = 10**9


@dataclass(frozen=True)
class SampledType:
    """A type that may be sampled: what was chosen, and what holds now."""

    name: str
    one_in: int | None
    budget: int | None
    now: int


def register(blueprint: Blueprint) -> None:
    rule = "/settings/tenants/<tenant_id>"
    blueprint.get(rule)(tenant_settings)
    blueprint.post(f"{rule}/<action>")(change_tenant)
    blueprint.post(f"{rule}/delete")(remove_tenant)


def tenant_settings(tenant_id: str, problem: str = "", done: Done | None = None) -> Any:
    """Everything that can be chosen for a tenant."""
    admin()
    with current_app.extensions["database"].read(None) as session:
        page = _page(session, tenant_id, problem, done)
    return page, 422 if problem else 200


def _page(session: Session, tenant_id: str, problem: str, done: Done | None) -> str:
    tenant = session.get(Tenant, tenant_id)
    if tenant is None:
        abort(404, "There is no such tenant.")
    deployment = current_app.extensions["settings"]
    chosen = settings_of(session, tenant_id)
    return render_template(
        "dashboard/settings_tenant.html",
        tenant=tenant,
        is_default=tenant_id == deployment.default_tenant,
        deployment=deployment,
        chosen=chosen,
        redaction=chosen.get("redaction") or {},
        keys=access.list_keys(session, tenant_id),
        now=datetime.now(UTC),
        sampled=_sampled(session, tenant_id, chosen),
        sensitive=sorted(SENSITIVE_NAMES),
        default_budget=DEFAULT_BUDGET,
        stripe_set_at=secret_set_at(session, tenant_id, STRIPE),
        webhooks=subscriptions.list_subscriptions(session, tenant_id),
        problem=problem,
        done=done,
        typed=typed(problem),
    )


def _sampled(session: Session, tenant_id: str, chosen: dict[str, Any]) -> list[SampledType]:
    today = current_app.extensions["calendar"].day(datetime.now(UTC))
    in_force = choices_of(session, tenant_id, today).sampling
    sampling, budgets = chosen.get("sampling") or {}, chosen.get("budgets") or {}
    return [
        SampledType(name, sampling.get(name), budgets.get(name), in_force.get(name, 1))
        for name in samplable_types(session, tenant_id, chosen)
    ]


def change_tenant(tenant_id: str, action: str) -> Any:
    """One change of a tenant's settings."""
    someone = admin()
    change = CHANGES.get(action)
    if change is None:
        abort(404)
    done, problem = attempt(lambda connection: change(connection, tenant_id, someone.name))
    current_app.extensions["choices"].forget(tenant_id)
    place = url_for("dashboard.tenant_settings", tenant_id=tenant_id)
    return answer_to(partial(tenant_settings, tenant_id), done, problem, place)


def remove_tenant(tenant_id: str) -> Any:
    """Deletes a tenant with everything of it, once its id was typed in."""
    someone = admin()
    if tenant_id == current_app.extensions["settings"].default_tenant:
        return tenant_settings(tenant_id, "Browsers send to this tenant; it can't be deleted.")
    if form_text("confirm") != tenant_id:
        return tenant_settings(tenant_id, "Type the id of the tenant to delete it.")
    try:
        rows = delete_tenant(current_app.extensions["database"], tenant_id, someone.name)
    except AccessError:
        abort(404, "There is no such tenant.")
    current_app.extensions["choices"].forget(tenant_id)
    flash(f"The tenant {tenant_id} is gone, with {count(rows, 'row')}.")
    return redirect(url_for("dashboard.settings"))


def _rename(connection: Connection, tenant_id: str, actor: str) -> Done:
    rename_tenant(connection, tenant_id, form_text("name"), actor)
    return Done("The name is changed.")


def _create_key(connection: Connection, tenant_id: str, actor: str) -> Done:
    name, scopes = form_text("name"), tuple(request.form.getlist("scope"))
    _, secret = access.create_key(connection, tenant_id, name, scopes, actor)
    return Done(f"The key “{name}” is made.", secret, "key")


def _rotate_key(connection: Connection, tenant_id: str, actor: str) -> Done:
    hours = form_number("hours", "The hours that the old key works for", 0, 24 * 30)
    key = _own_key(connection, tenant_id)
    _, secret = access.rotate_key(connection, key, actor, 24 if hours is None else hours)
    return Done("The key has a successor.", secret, "new key")


def _revoke_key(connection: Connection, tenant_id: str, actor: str) -> Done:
    access.revoke_key(connection, _own_key(connection, tenant_id), actor)
    return Done("The key is revoked.")


def _own_key(connection: Connection, tenant_id: str) -> str:
    key_id = form_text("key")
    if key_id not in {str(key.id) for key in access.list_keys(connection, tenant_id)}:
        raise AccessError("There is no such key.")
    return key_id


def _choose_custom_events(connection: Connection, tenant_id: str, actor: str) -> Done:
    allowed = True if form_text("custom_events") else None
    change_settings(connection, tenant_id, actor, {"custom_events": allowed})
    return Done("Custom events are " + ("allowed." if allowed else "refused."))


def _choose_sampling(connection: Connection, tenant_id: str, actor: str) -> Done:
    types = samplable_types(connection, tenant_id, settings_of(connection, tenant_id))
    sampling = {
        name: form_number(f"one_in.{name}", f"“Keep one in” of {name}", 1, MOST_SAMPLED)
        for name in types
    }
    budgets = {
        name: form_number(f"budget.{name}", f"The daily budget of {name}", 1, _LARGEST_BUDGET)
        for name in types
    }
    changes = {
        "sampling": {name: n for name, n in sampling.items() if n not in (None, 1)} or None,
        "budgets": {name: n for name, n in budgets.items() if n is not None} or None,
    }
    change_settings(connection, tenant_id, actor, changes)
    return Done("The sampling is changed.")


def _choose_redaction(connection: Connection, tenant_id: str, actor: str) -> Done:
    redaction = {"keys": form_lines("keys"), "patterns": form_lines("patterns")}
    chosen = redaction if any(redaction.values()) else None
    change_settings(connection, tenant_id, actor, {"redaction": chosen})
    return Done("The redaction is changed; it holds for what comes in from now on.")


def _choose_origins(connection: Connection, tenant_id: str, actor: str) -> Done:
    origins = form_lines("origins") or None
    change_settings(connection, tenant_id, actor, {"allowed_origins": origins})
    return Done("The allowed origins are changed.")


def _choose_retention(connection: Connection, tenant_id: str, actor: str) -> Done:
    longest = current_app.extensions["settings"].retention_days
    days = form_number("days", "The days that raw events are kept", RETENTION_DAYS[0], longest)
    change_settings(connection, tenant_id, actor, {"retention_days": days})
    return Done("The retention is changed.")


def _set_stripe_secret(connection: Connection, tenant_id: str, actor: str) -> Done:
    secret_key = current_app.extensions["settings"].secret_key
    set_secret(connection, tenant_id, STRIPE, form_text("secret"), actor, secret_key)
    return Done("Stripe’s secret is kept, encrypted.")


def _remove_stripe_secret(connection: Connection, tenant_id: str, actor: str) -> Done:
    remove_secret(connection, tenant_id, STRIPE, actor)
    return Done("Stripe’s webhooks are refused from now on.")


def _add_webhook(connection: Connection, tenant_id: str, actor: str) -> Done:
    settings, url = current_app.extensions["settings"], form_text("url")
    try:
        resolve(url, settings.allow_private_webhooks)
    except Refused as error:
        raise AccessError(str(error)) from None
    _, secret = subscriptions.create_subscription(
        connection,
        tenant_id,
        form_text("name"),
        url,
        form_text("types").replace(",", " ").split(),
        actor,
        settings.secret_key,
    )
    return Done("The webhook is there.", secret, "signing secret")


CHANGES = {
    "name": _rename,
    "keys": _create_key,
    "rotate-key": _rotate_key,
    "revoke-key": _revoke_key,
    "custom-events": _choose_custom_events,
    "sampling": _choose_sampling,
    "redaction": _choose_redaction,
    "origins": _choose_origins,
    "retention": _choose_retention,
    "stripe-secret": _set_stripe_secret,
    "remove-stripe-secret": _remove_stripe_secret,
    "webhooks": _add_webhook,
}
"""The forms of the page, by the last part of their address."""
