"""The declared pages as routes: each page, and each of its panels as JSON and CSV."""

import csv
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import orjson
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)

from tracker.dashboard.answers import Answer, answer, estimate, plain, plain_rows
from tracker.dashboard.asking import BadParameters, Frame, NotYours, frame, panel_scope
from tracker.dashboard.links import Links
from tracker.dashboard.page import Page
from tracker.dashboard.pages import PAGES
from tracker.dashboard.pageview import Reader, page_view
from tracker.dashboard.panels import Panel
from tracker.dashboard.viewers import Viewer, viewer
from tracker.dashboard.ways_back import page_before
from tracker.errors import ApiError, Fault, wants_json
from tracker.metrics.scope import Scope
from tracker.store.access import audit

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def register(blueprint: Blueprint) -> None:
    blueprint.get("/")(home)
    for page in PAGES:
        add_page(blueprint, page)
    blueprint.app_errorhandler(BadParameters)(_bad_parameters)
    blueprint.app_errorhandler(NotYours)(_not_yours)


def add_page(blueprint: Blueprint, page: Page) -> None:
    """Add the routes of a declared page and of its panels."""
    blueprint.add_url_rule(page.path, page.endpoint, _page(page))
    for form in ("json", "csv"):
        rule = f"{page.path}/<panel_name>.{form}"
        blueprint.add_url_rule(rule, f"{page.endpoint}_{form}", _panel(page, form))


def home() -> Any:
    """The address without a path leads to the overview, which may ask for a login."""
    return redirect(url_for("dashboard.overview"))


def _page(page: Page) -> Callable[..., str]:
    def show(**subject: str) -> str:
        framed = _framed(page, viewer(), subject)
        # Quoted again: an id may hold a ? or a #
        links = Links(quote(request.path), request.args, framed, request.host_url.rstrip("/"))
        with Reader(current_app.extensions["database"], framed) as reader:
            _check_subject(page, framed.scope, reader)
            title = _title(page, framed.scope, reader)
            view = page_view(page, title, framed, links, reader)
        return render_template("dashboard/page.html", page=view)

    return show


def _panel(page: Page, form: str) -> Callable[..., Response]:
    def show(panel_name: str, **subject: str) -> Response:
        someone = viewer()
        panel = page.panel(panel_name)
        if panel is None:
            abort(404, f"{page.path} has no panel {panel_name}.")
        framed = _framed(page, someone, subject)
        scope = panel_scope(framed, panel, request.args)
        with Reader(current_app.extensions["database"], framed) as reader:
            _check_subject(page, scope, reader)
            session = reader.session()
            found = answer(panel, session, scope)
            estimated = form == "json" and bool(estimate(panel, session, scope))
        if form == "csv" or _takes_along(someone, scope):
            _note_export(someone, page, panel, scope, len(found.rows), form)
        if form == "csv":
            return _as_csv(page, panel, scope, found)
        return _as_json(panel, scope, found, estimated)

    return show


def _framed(page: Page, someone: Viewer, subject: dict[str, str]) -> Frame:
    with current_app.extensions["database"].read(None) as session:
        return frame(
            session, page, request.args, someone, current_app.extensions["settings"], subject
        )


def _check_subject(page: Page, scope: Scope, reader: Reader) -> None:
    exists = page.subject.exists if page.subject else None
    if exists and not exists(reader.session(), scope):
        abort(404, f"There is no such {page.subject.noun}." if page.subject else None)


def _title(page: Page, scope: Scope, reader: Reader) -> str:
    subject = page.subject
    if subject is None:
        return page.title
    value = scope.filters[subject.name]
    called = subject.called
    if called:
        value = reader.attempt("title", lambda session: called(session, scope), value)
    return subject.title.format(value)


def _takes_along(someone: Viewer, scope: Scope) -> bool:
    """Whether JSON is an operator's export.

    Programs ask again and again, and pages that are looked at do for the newest row.
    """
    return someone.role != "key" and scope.limit > 1


def _note_export(
    someone: Viewer, page: Page, panel: Panel, scope: Scope, rows: int, form: str
) -> None:
    tenant_id = scope.tenants[0] if len(scope.tenants) == 1 else None
    detail = {"page": page.slug, "panel": panel.name, "rows": rows, "format": form}
    with current_app.extensions["database"].write() as connection:
        audit(connection, someone.name, "panel.export", tenant_id, **detail)


def _as_json(panel: Panel, scope: Scope, found: Answer, estimated: bool) -> Response:
    body = {
        "panel": panel.name,
        "columns": list(found.columns),
        "rows": plain_rows(found.rows),
        "total": found.total,
        "estimated": estimated,
        "period": {"from": scope.first.isoformat(), "to": scope.last.isoformat()},
    }
    return Response(orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS), mimetype="application/json")


def _as_csv(page: Page, panel: Panel, scope: Scope, found: Answer) -> Response:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(found.columns)
    writer.writerows([_csv_cell(value) for value in row] for row in found.rows)
    name = f"{page.slug.replace('/', '-')}-{panel.name}-{scope.first}-{scope.last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(file.getvalue(), mimetype="text/csv", headers=headers)


def _csv_cell(value: Any) -> Any:
    """A cell as text. Visitors' words must not become formulas in a spreadsheet."""
    value = plain(value)
    if isinstance(value, dict | list | bool):
        value = orjson.dumps(value).decode()
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return "" if value is None else value


def _bad_parameters(error: BadParameters) -> Any:
    if wants_json():
        sentence = "The query string breaks rules; `fields` names them."
        return ApiError(400, "invalid_parameter", sentence, error.faults).response()
    page = render_template(
        "error.html",
        status=400,
        message=f"In the address, {error}.",
        way=(page_before() or request.path, "Back to the page"),
    )
    return page, 400


def _not_yours(_error: NotYours) -> Any:
    if wants_json():
        faults = [Fault("tenant", "must be a tenant that you may read")]
        return ApiError(403, "forbidden", "This tenant is not yours to read.", faults).response()
    return render_template(
        "error.html", status=403, message="This tenant is not yours to read."
    ), 403
