"""Who is looking: an operator who logged in, or a program with a read key."""

from dataclasses import dataclass
from typing import NoReturn

from flask import abort, current_app, redirect, request, url_for
from flask_login import UserMixin, current_user

from tracker.dashboard.ways_back import page_before
from tracker.errors import ApiError, wants_json
from tracker.extensions import login
from tracker.model import Operator
from tracker.store.access import find_key
from tracker.store.operators import find_operator


class LoggedIn(UserMixin):  # type: ignore[misc]
    """The operator of a session. The id carries the session version, so that it can end."""

    def __init__(self, operator: Operator) -> None:
        self.id = f"{operator.id}:{operator.session_version}"
        self.operator_id = operator.id
        self.email = operator.email
        self.role = operator.role
        self.must_change_password = operator.must_change_password
        self.tenants = tuple(sorted(tenant.tenant_id for tenant in operator.tenants))


@dataclass(frozen=True)
class Viewer:
    """What someone may read: all tenants (None), or those named. `name` is for the audit log."""

    name: str
    role: str
    tenants: tuple[str, ...] | None

    def may_read(self, tenant_id: str) -> bool:
        return self.tenants is None or tenant_id in self.tenants


def register() -> None:
    """Bind Flask-Login. Sessions end by raising the operator's version, not by a new address."""
    login.session_protection = None
    login.user_loader(_load)


def viewer() -> Viewer:
    """Who is looking. Ends the request with 401 or 403, or leads to the login form."""
    if wants_json() and "Authorization" in request.headers:
        return _key_viewer(_sent_secret())
    if not current_user.is_authenticated:
        ask_to_log_in()
    if current_user.must_change_password:
        _ask_for_a_new_password()
    tenants = current_user.tenants if current_user.role == "tenant" else None
    return Viewer(current_user.email, current_user.role, tenants)


def admin() -> Viewer:
    """The same for what only admins may see or do; 403 for everybody else."""
    someone = viewer()
    if someone.role != "admin":
        abort(403, "Only admins may do this.")
    return someone


def _load(session_id: str) -> LoggedIn | None:
    operator_id, _, version = session_id.partition(":")
    with current_app.extensions["database"].read(None) as session:
        operator = find_operator(session, operator_id)
        if operator is None or operator.disabled_at or version != str(operator.session_version):
            return None
        return LoggedIn(operator)


def _sent_secret() -> str:
    """The API key of the request: a bearer token, or the user name of HTTP Basic."""
    sent = request.authorization
    if sent is None:
        return ""
    return (sent.token if sent.type == "bearer" else sent.username) or ""


def _key_viewer(secret: str) -> Viewer:
    with current_app.extensions["database"].read(None) as session:
        grant = find_key(session, secret)
    if grant is None:
        raise ApiError(401, "invalid_key", "This key is unknown, revoked or expired.")
    if "read" not in grant.scopes:
        raise ApiError(403, "forbidden", "This key lacks the scope read.")
    current_app.extensions["key_uses"].note(grant.key_id)
    return Viewer(f"key {grant.key_id}", "key", (grant.tenant_id,))


def ask_to_log_in() -> NoReturn:
    """End the request: 401 for programs, the login form for people."""
    if wants_json():
        raise ApiError(401, "login_required", "Log in, or send a key with the scope read.")
    there = request.full_path.rstrip("?") if request.method == "GET" else page_before()
    abort(redirect(url_for("dashboard.log_in", next=there)))


def _ask_for_a_new_password() -> NoReturn:
    if wants_json():
        raise ApiError(403, "forbidden", "Choose a password of your own first.")
    abort(redirect(url_for("dashboard.change_password")))
