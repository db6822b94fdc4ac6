"""The pages, in the order of the navigation. A new page is one module here and one name below."""

from importlib import import_module

from tracker.dashboard.page import Page

_MODULES = (
    "overview",
    "demand",
    "one_demand",
    "sage",
    "experts",
    "expert",
    "filters",
    "people",
    "session",
    "person",
    "trips",
    "attempt",
    "business",
    "business_tenant",
    "digest",
    "feed",
    "activity",
    "catalog",
)

PAGES: tuple[Page, ...] = tuple(
    page for name in _MODULES for page in import_module(f"{__name__}.{name}").PAGES
)
"""Every declared page. A module lists its own in ``PAGES``: the page and those beneath it."""


def page_named(slug: str) -> Page | None:
    """The page of the navigation with this slug."""
    return next((page for page in PAGES if page.slug == slug and page.subject is None), None)
