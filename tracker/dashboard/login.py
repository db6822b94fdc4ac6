"""Logging in and out."""

from typing import Any

from flask import (
    Blueprint,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user, login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from tracker.dashboard.viewers import LoggedIn
from tracker.dashboard.ways_back import is_own_path
from tracker.model import Operator
from tracker.store import logins
from tracker.store.access import audit
from tracker.store.operators import end_sessions


class LoginForm(FlaskForm):  # type: ignore[misc]
    email = EmailField("E-mail address", [InputRequired(), Length(max=254)])
    password = PasswordField("Password", [InputRequired(), Length(max=1000)])
    next = StringField()


def register(blueprint: Blueprint) -> None:
    blueprint.route("/login", methods=["GET", "POST"])(log_in)
    blueprint.post("/logout")(log_out)


def log_in() -> Any:
    """The login form. Wrong addresses and wrong passwords are told apart by nobody."""
    form = LoginForm(next=request.args.get("next", ""))
    if not form.validate_on_submit():
        return _page(form, 422 if request.method == "POST" else 200)
    try:
        operator = _checked(form)
    except logins.TooManyAttempts as error:
        answer = _page(form, 429, str(error))
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    if operator is None:
        return _page(form, 401, "E-mail address and password do not fit together.")
    _begin(operator)
    return redirect(_safe(form.next.data))


def log_out() -> Any:
    """End this session, and the operator's others: a copy of the cookie must be worth nothing."""
    if current_user.is_authenticated:
        with current_app.extensions["database"].write() as connection:
            end_sessions(connection, current_user.operator_id)
            audit(connection, current_user.email, "operator.logout")
    logout_user()
    session.clear()
    return redirect(url_for("dashboard.log_in"))


def _checked(form: LoginForm) -> Operator | None:
    database = current_app.extensions["database"]
    with database.write() as connection:
        logins.count_attempt(connection, form.email.data, _client())
    with database.read(None) as reading:
        return logins.authenticate(reading, form.email.data, form.password.data)


def _client() -> str:
    return request.remote_addr or ""


def _begin(operator: Operator) -> None:
    database = current_app.extensions["database"]
    with database.write() as connection:
        logins.log_in(connection, operator.id, operator.email, _client())
    session.clear()  # nothing from before the login lives on
    session.permanent = True
    login_user(LoggedIn(operator))


def _page(form: LoginForm, status: int, problem: str = "") -> Any:
    return make_response(render_template("login.html", form=form, problem=problem), status)


def _safe(target: str | None) -> str:
    """Where to go: a path of our own, never another site."""
    return target if target and is_own_path(target) else url_for("dashboard.overview")
