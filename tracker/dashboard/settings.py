"""/settings: tenants, operators, what the deployment decides, and who changed what. Admins only."""

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for

from tracker.dashboard import (
    audit_words,
    settings_changes,
    settings_operators,
    settings_tenant,
    settings_webhook,
)
from tracker.dashboard.settings_changes import Done, attempt, form_text
from tracker.dashboard.viewers import admin
from tracker.store import access
from tracker.store.audit_trail import entries
from tracker.store.subscriptions import given_up

_ENTRIES = 50


def register(blueprint: Blueprint) -> None:
    blueprint.get("/settings")(settings)
    blueprint.post("/settings/tenants")(add_tenant)
    blueprint.get("/settings/audit")(audit)
    for views in (settings_tenant, settings_webhook, settings_operators):
        views.register(blueprint)
    blueprint.app_template_filter("moment")(settings_changes.moment)
    blueprint.app_template_filter("detail")(audit_words.detail)


def settings(problem: str = "", status: int = 200) -> Any:
    """All tenants, and what the environment decides."""
    admin()
    deployment = current_app.extensions["settings"]
    with current_app.extensions["database"].read(None) as session:
        tenants = access.list_tenants(session)
        stopped = given_up(session, [tenant.id for tenant in tenants])
    page = render_template(
        "dashboard/settings.html",
        tenants=tenants,
        stopped=stopped,
        deployment=deployment,
        kinds=access.KINDS,
        problem=problem,
        form=request.form,
    )
    return page, status


def add_tenant() -> Any:
    """Makes a tenant and leads to its settings."""
    someone = admin()
    tenant_id = form_text("id").lower()

    def create(connection: Any) -> Done:
        kind = form_text("kind") or "production"
        access.create_tenant(connection, tenant_id, form_text("name"), someone.name, kind)
        return Done(f"The tenant {tenant_id} is there. Next, make a key for its servers.")

    done, problem = attempt(create)
    if done is None:
        return settings(problem, 422)
    flash(done.message)
    return redirect(url_for("dashboard.tenant_settings", tenant_id=tenant_id))


def audit() -> Any:
    """Who changed what, newest first."""
    admin()
    before, tenant = request.args.get("before", ""), request.args.get("tenant", "")
    with current_app.extensions["database"].read(None) as session:
        found = entries(session, _ENTRIES + 1, before=before, tenant_id=tenant.replace("\0", ""))
    further = str(found[_ENTRIES - 1].id) if len(found) > _ENTRIES else ""
    return render_template(
        "dashboard/settings_audit.html",
        entries=found[:_ENTRIES],
        further=further,
        before=before,
        tenant=tenant,
    )
