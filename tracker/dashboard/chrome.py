"""What surrounds every page: the navigation, built from the declared pages."""

from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for
from flask_login import current_user

from tracker.dashboard import formats
from tracker.dashboard.page import Group
from tracker.dashboard.pages import PAGES

_GROUPS: tuple[Group, ...] = ("Marketplace", "Trips", "Business", "Operations")
_CARRIED = ("period", "from", "to", "tenant", "compare")


@dataclass(frozen=True)
class NavLink:
    """An entry of the navigation. `key` is the letter after `g` that leads there."""

    group: Group
    label: str
    endpoint: str
    slug: str
    key: str = ""
    roles: tuple[str, ...] = ()
    """Who may read it, where not everybody may."""


_UNDECLARED = (
    NavLink("Operations", "Notes", "dashboard.annotations", "annotations", "n"),
    NavLink("Operations", "Alerts", "dashboard.alerts_page", "alerts", "l", ("admin", "analyst")),
    NavLink("Operations", "Settings", "dashboard.settings", "settings", "x", ("admin",)),
)
"""Pages that are not declared with panels; they come after the others."""


@dataclass(frozen=True)
class NavItem:
    label: str
    href: str
    key: str
    current: bool


def register(app: Flask) -> None:
    app.add_template_global(navigation)
    app.add_template_filter(formats.soft)
    # Looked up where a template names it, not for each: an error page asks no database.
    app.jinja_env.globals["current_user"] = current_user


def navigation() -> list[tuple[Group, list[NavItem]]]:
    """The groups with their links; the period and tenant that are looked at go along."""
    declared = [
        NavLink(page.group, page.title, f"dashboard.{page.endpoint}", page.slug, page.key)
        for page in PAGES
        if page.subject is None and not page.parent
    ]
    shown = [link for link in (*declared, *_UNDECLARED) if not link.roles or _role() in link.roles]
    return [
        (group, [_item(link) for link in shown if link.group == group])
        for group in _GROUPS
        if any(link.group == group for link in shown)
    ]


def _role() -> str:
    return current_user.role if current_user.is_authenticated else ""


def _item(link: NavLink) -> NavItem:
    carried: dict[str, Any] = {n: v for n in _CARRIED if (v := request.args.get(n))}
    top = request.path.strip("/").split("/")[0]
    under = next((page.parent for page in PAGES if page.slug == top and page.parent), top)
    return NavItem(
        label=link.label,
        href=url_for(link.endpoint, **carried),
        key=link.key,
        current=under == link.slug,
    )
