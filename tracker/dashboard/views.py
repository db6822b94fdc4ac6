"""Saved views: pages with what was chosen on them, under names, in the navigation."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote

from flask import Blueprint, abort, current_app, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from tracker.dashboard.pages import PAGES
from tracker.dashboard.viewers import Viewer, viewer
from tracker.store.views import (
    LONGEST_NAME,
    Owner,
    Place,
    ViewError,
    change_view,
    delete_view,
    save_view,
    views_of,
)

_PAGES = {f"dashboard.{page.endpoint}": page for page in PAGES}


@dataclass(frozen=True)
class ViewLink:
    """A saved view as operators see it."""

    id: str
    name: str
    href: str
    shared: bool
    mine: bool
    owner: str
    page: str
    current: bool


def register(blueprint: Blueprint) -> None:
    blueprint.get("/views")(saved_views)
    blueprint.post("/views")(add_view)
    blueprint.post("/views/<view_id>")(edit_view)
    blueprint.post("/views/<view_id>/delete")(remove_view)
    blueprint.app_template_global("view_links")(view_links)


def view_links() -> list[ViewLink]:
    """The views of whoever is logged in, for the navigation; asked once per request."""
    if not current_user.is_authenticated or current_user.must_change_password:
        return []
    if "view_links" not in g:
        g.view_links = _links()
    links: list[ViewLink] = g.view_links
    return links


def saved_views() -> str:
    """The views, to open, rename, share and delete."""
    return _page(viewer())


def add_view() -> Any:
    """Keep the page that the form came from, and go back there."""
    someone = viewer()
    place = _place(request.form.get("path", ""), request.form.get("query", ""), someone)
    shared = bool(request.form.get("shared"))
    try:
        with current_app.extensions["database"].write() as connection:
            save_view(connection, _owner(), _name(), place, shared=shared)
    except ViewError as error:
        return _page(someone, str(error)), 422
    return redirect(_address(place.path, place.query))


def edit_view(view_id: str) -> Any:
    """Rename a view, and share it or not."""
    someone = viewer()
    try:
        with current_app.extensions["database"].write() as connection:
            shared = bool(request.form.get("shared"))
            change_view(connection, _owner(), view_id, _name(), shared=shared)
    except ViewError as error:
        return _page(someone, str(error)), 422
    return redirect(url_for("dashboard.saved_views"))


def remove_view(view_id: str) -> Any:
    """Take a view away."""
    viewer()
    try:
        with current_app.extensions["database"].write() as connection:
            delete_view(connection, _owner(), view_id)
    except ViewError as error:
        abort(404, str(error))
    return redirect(url_for("dashboard.saved_views"))


def _owner() -> Owner:
    return Owner(current_user.operator_id, current_user.email, current_user.role == "admin")


def _name() -> str:
    return request.form.get("name", "").replace("\0", "")


def _place(path: str, query: str, someone: Viewer) -> Place:
    """What the form names, when that is a page of the dashboard that may be read."""
    query = query.replace("\0", "")
    matched = _matched(path)
    if matched is None:
        abort(422, "Only pages of the dashboard can be saved.")
    page, subject = matched
    about_tenant = page.subject.name if page.subject and page.subject.tenant else ""
    tenant = subject.get(about_tenant) or next(iter(parse_qs(query).get("tenant", [])), None)
    if tenant and not someone.may_read(tenant):
        abort(403, "This tenant is not yours to read.")
    return Place(path, query, tenant)


def _matched(path: str) -> Any:
    """The declared page with this path and what its path names; None when there is none."""
    if not path.startswith("/") or path.startswith("//"):
        return None  # the map of URLs takes both for /path, and browsers // for a host
    try:
        endpoint, values = current_app.url_map.bind("").match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return None
    page = _PAGES.get(endpoint)
    return (page, values) if page else None


def _page(someone: Viewer, problem: str = "") -> str:
    may_change = {view.id for view in view_links() if view.mine or someone.role == "admin"}
    return render_template(
        "dashboard/views.html", may_change=may_change, problem=problem, longest=LONGEST_NAME
    )


def _links() -> list[ViewLink]:
    tenants = current_user.tenants if current_user.role == "tenant" else None
    with current_app.extensions["database"].read(None) as session:
        return [_link(view) for view in views_of(session, current_user.operator_id, tenants)]


def _link(view: Any) -> ViewLink:
    matched = _matched(view.path)
    return ViewLink(
        id=view.id,
        name=view.name,
        href=_address(view.path, view.query),
        shared=view.shared,
        mine=view.owner_id == current_user.operator_id,
        owner=view.email,
        page=matched[0].title if matched else view.path,
        current=(view.path, view.query) == (request.path, request.query_string.decode()),
    )


def _address(path: str, query: str) -> str:
    inside = "/" + path.lstrip("/")  # views kept earlier may have a path that names a host
    return quote(inside) + (f"?{query}" if query else "")
