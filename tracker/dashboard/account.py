"""An operator's own account: the password."""

from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask_login import current_user, login_user
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired, Length, ValidationError

from tracker.dashboard.viewers import LoggedIn, ask_to_log_in
from tracker.passwords import SHORTEST_PASSWORD, is_long_enough
from tracker.store.logins import TooManyAttempts, authenticate, count_attempt
from tracker.store.operators import find_operator, set_password


def _long_enough(_form: FlaskForm, field: PasswordField) -> None:
    if not is_long_enough(field.data):
        raise ValidationError(f"Use {SHORTEST_PASSWORD} characters or more besides blanks.")


class PasswordForm(FlaskForm):  # type: ignore[misc]
    current = PasswordField("Current password", [InputRequired(), Length(max=1000)])
    new = PasswordField(
        "New password",
        [InputRequired(), Length(max=1000), _long_enough],
    )
    again = PasswordField(
        "New password again",
        [InputRequired(), EqualTo("new", message="The two new passwords differ.")],
    )


def register(blueprint: Blueprint) -> None:
    blueprint.route("/account/password", methods=["GET", "POST"])(change_password)


def change_password() -> Any:
    """Choose a new password. It ends the operator's other sessions."""
    if not current_user.is_authenticated:
        ask_to_log_in()
    form = PasswordForm()
    if not form.validate_on_submit():
        return _page(form), 422 if request.method == "POST" else 200
    if problem := _problem(form):
        return _page(form, problem), 401
    with current_app.extensions["database"].write() as connection:
        set_password(connection, current_user.email, current_user.email, form.new.data)
    with current_app.extensions["database"].read(None) as reading:
        operator = find_operator(reading, current_user.operator_id)
        if operator is not None:
            login_user(LoggedIn(operator))
    return redirect(url_for("dashboard.overview"))


def _problem(form: PasswordForm) -> str:
    """Why the current password does not do; guesses count like those at the login form."""
    if form.new.data == form.current.data:
        return "Choose a password that differs from the current one."
    database = current_app.extensions["database"]
    try:
        with database.write() as connection:
            count_attempt(connection, current_user.email, request.remote_addr or "")
    except TooManyAttempts as error:
        return str(error)
    with database.read(None) as reading:
        known = authenticate(reading, current_user.email, form.current.data)
    return "" if known else "That is not your current password."


def _page(form: PasswordForm, problem: str = "") -> str:
    return render_template("account.html", form=form, problem=problem)
