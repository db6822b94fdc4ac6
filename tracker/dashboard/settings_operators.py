"""/settings/operators: who opens the dashboard, and what they may read."""

from typing import Any

from flask import Blueprint, abort, current_app, render_template, request, url_for
from sqlalchemy import Connection

from tracker.dashboard.settings_changes import Done, answer_to, attempt, form_text, typed
from tracker.dashboard.viewers import admin
from tracker.store import access, operators
from tracker.store.access import AccessError
from tracker.store.operator_changes import change_role, disable_operator, enable_operator


def register(blueprint: Blueprint) -> None:
    blueprint.get("/settings/operators")(operator_settings)
    blueprint.post("/settings/operators/<action>")(change_operator)


def operator_settings(problem: str = "", done: Done | None = None) -> Any:
    """All operators."""
    someone = admin()
    with current_app.extensions["database"].read(None) as session:
        page = render_template(
            "dashboard/settings_operators.html",
            operators=operators.list_operators(session),
            tenants=access.list_tenants(session),
            roles=operators.ROLES,
            me=someone.name,
            problem=problem,
            done=done,
            typed=typed(problem),
        )
    return page, 422 if problem else 200


def change_operator(action: str) -> Any:
    """One change of an operator."""
    someone = admin()
    change = CHANGES.get(action)
    if change is None:
        abort(404)
    done, problem = attempt(lambda connection: change(connection, someone.name))
    return answer_to(operator_settings, done, problem, url_for("dashboard.operator_settings"))


def _add(connection: Connection, actor: str) -> Done:
    email, role, tenants = form_text("email"), form_text("role"), _tenants()
    password = operators.create_operator(connection, email, role, actor, tenants=tenants)
    return Done(f"{email} may log in.", password, "one-time password")


def _reset(connection: Connection, actor: str) -> Done:
    email = form_text("email")
    password = operators.set_password(connection, email, actor)
    return Done(
        f"{email} has a new password; every session is ended.", password, "one-time password"
    )


def _role(connection: Connection, actor: str) -> Done:
    email = _other(actor)
    change_role(connection, email, form_text("role"), _tenants(), actor)
    return Done(f"{email} has another role.")


def _disable(connection: Connection, actor: str) -> Done:
    email = _other(actor)
    disable_operator(connection, email, actor)
    return Done(f"{email} is logged out and may not log in.")


def _enable(connection: Connection, actor: str) -> Done:
    email = form_text("email")
    enable_operator(connection, email, actor)
    return Done(f"{email} may log in again.")


def _other(actor: str) -> str:
    """The operator to change: never oneself, so that there is always an admin."""
    email = access.normalised_email(form_text("email"))
    if email == actor:
        raise AccessError("Another admin must do this to you.")
    return email


def _tenants() -> tuple[str, ...]:
    return tuple(request.form.getlist("tenant")) if form_text("role") == "tenant" else ()


CHANGES = {
    "add": _add,
    "reset-password": _reset,
    "role": _role,
    "disable": _disable,
    "enable": _enable,
}
"""The forms of the page, by the last part of their address."""
