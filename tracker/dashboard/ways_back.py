"""Ways back to a page: from a form that is no longer taken, and from where only forms go."""

import re
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

from tracker.errors import http_error, wants_json

_OWN_PATH = re.compile(r"/(?![/\\])[!-~]*")


def register(app: Flask) -> None:
    app.register_error_handler(CSRFError, _form_too_old)
    app.register_error_handler(MethodNotAllowed, _only_for_forms)


def is_own_path(target: str) -> bool:
    """Whether it is a path of our own, and never another site."""
    return _OWN_PATH.fullmatch(target) is not None


def page_before() -> str | None:
    """The page of ours that a form was sent from, where the browser says so."""
    sent = urlsplit(request.referrer or "")
    path = f"{sent.path}?{sent.query}" if sent.query else sent.path
    return path if sent.netloc == request.host and is_own_path(path) else None


def _form_too_old(error: CSRFError) -> Any:
    """The form is from a session that is over, or from before a new one."""
    if wants_json() or "referrer" in (error.description or ""):
        return http_error(error)
    message, way = _still_in() if current_user.is_authenticated else _out()
    page = render_template(
        "error.html", status=400, heading="That form is too old", message=message, way=way
    )
    return page, 400


def _still_in() -> tuple[str, tuple[str, str]]:
    message = "It was sent before, or is from an earlier session. Nothing was changed now."
    return message, (page_before() or url_for("dashboard.overview"), "Back to the page")


def _out() -> tuple[str, tuple[str, str]]:
    message = (
        "The session it was opened in has ended. Nothing was changed: log in and send it anew."
    )
    before = page_before()
    if before is None or urlsplit(before).path != url_for("dashboard.log_in"):
        before = url_for("dashboard.log_in", next=before)
    return message, (before, "Log in")


def _only_for_forms(error: MethodNotAllowed) -> Any:
    """An address that takes forms leads to the nearest page above it, where the form is."""
    path = request.path
    while request.method == "GET" and not wants_json() and path != "/":
        path = path.rpartition("/")[0] or "/"
        if _is_page(path):
            return redirect(path)
    return http_error(error)


def _is_page(path: str) -> bool:
    try:
        current_app.url_map.bind("").match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return False
    return True
