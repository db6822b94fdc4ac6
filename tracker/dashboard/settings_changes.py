"""Making one change from a form of the settings: done with a message, or refused with why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import current_app, flash, g, redirect, request, session
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from tracker.dashboard import formats
from tracker.store.access import AccessError


@dataclass(frozen=True)
class Done:
    """What was done. A `secret` is shown with it, once."""

    message: str
    secret: str = ""
    secret_is: str = ""


_MOST_DIGITS = 16
"""Of a number that is looked at; what is longer is never meant."""

Change = Callable[[Connection], Done]


def attempt(change: Change) -> tuple[Done | None, str]:
    """The change in a transaction of its own: done, or why not."""
    if any("\0" in value for value in request.form.values()):
        return None, "A value must not contain a NUL character."
    try:
        with current_app.extensions["database"].write() as connection:
            return change(connection), ""
    except AccessError as error:
        return None, str(error)


def answer_to(
    show: Callable[[str, Done | None], Any], done: Done | None, problem: str, place: str
) -> Any:
    """The page itself with a problem or with a secret, which is shown once; else the way to it."""
    if done is None:
        return show(problem, None)
    if done.secret:
        _take_no_form_twice()
        return show("", done)
    flash(done.message)
    return redirect(place)


def _take_no_form_twice() -> None:
    """Forms up to now are too old: who reloads the page with a secret must not make another one."""
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)


def form_text(name: str) -> str:
    """A field of the form, trimmed."""
    return request.form.get(name, "").strip()


def form_lines(name: str) -> list[str]:
    """The lines of a field that are not empty."""
    return [line.strip() for line in request.form.get(name, "").splitlines() if line.strip()]


def form_number(name: str, what: str, least: int, most: int) -> int | None:
    """A whole number; None when the field is empty. AccessError for anything else."""
    text = form_text(name)
    if not text:
        return None
    is_number = text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS
    if not (is_number and least <= int(text) <= most):
        raise AccessError(f"{what} must be a whole number from {least:,} to {most:,}.")
    return int(text)


def typed(problem: str) -> Callable[[str], MultiDict[str, str]]:
    """What was typed, by action: all of the form that was refused, nothing of its page's others."""
    refused = (request.view_args or {}).get("action") if problem else None
    return lambda action: request.form if action == refused else MultiDict()


def moment(value: Any) -> str:
    """A moment as the settings pages write it; an en dash for none."""
    if value is None:
        return formats.NOTHING
    zone = current_app.extensions["settings"].zone
    return formats.moment(value, zone, datetime.now(UTC).astimezone(zone).date())
