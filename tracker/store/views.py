"""Saved views: a page with its query string under a name, for one operator or for all.

The query string is kept as it was, so that a relative period stays relative.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session
from uuid_utils import uuid7

from tracker.model import Operator, SavedView
from tracker.store.access import IS_UUID, audit

LONGEST_NAME = 60
LONGEST_QUERY = 2000
MOST = 50
"""Views that one operator may have."""

VIEWS = SavedView.__table__
OPERATORS = Operator.__table__


class ViewError(ValueError):
    """A view that can't be kept or changed; the message is a sentence for whoever asked."""


@dataclass(frozen=True)
class Owner:
    """An operator as the owner of views. Admins may also change those that others share."""

    operator_id: str
    email: str
    is_admin: bool = False


@dataclass(frozen=True)
class Place:
    """What a view shows: a page's path, its query string, and the tenant that it names."""

    path: str
    query: str
    tenant_id: str | None


def save_view(
    connection: Connection, owner: Owner, name: str, place: Place, *, shared: bool
) -> str:
    """Keeps a view; returns its id."""
    if len(place.query) > LONGEST_QUERY:
        raise ViewError("Too much is chosen on this page for a view.")
    words = _free_name(connection, owner.operator_id, name)
    mine = select(func.count()).where(VIEWS.c.owner_id == owner.operator_id)
    if connection.execute(mine).scalar_one() >= MOST:
        raise ViewError(f"You have {MOST} views. Delete one first.")
    view_id = str(uuid7())
    connection.execute(
        insert(VIEWS).values(
            id=view_id,
            owner_id=owner.operator_id,
            tenant_id=place.tenant_id,
            name=words,
            path=place.path,
            query=place.query,
            shared=shared,
            created_at=datetime.now(UTC),
        )
    )
    detail = {"name": words, "view": view_id, "shared": shared}
    audit(connection, owner.email, "view.create", place.tenant_id, **detail)
    return view_id


def change_view(
    connection: Connection, owner: Owner, view_id: str, name: str, *, shared: bool
) -> None:
    """Renames a view, and shares it or stops sharing it."""
    view = _changeable(connection, owner, view_id)
    words = _free_name(connection, view.owner_id, name, but=view.id)
    connection.execute(update(VIEWS).where(VIEWS.c.id == view.id).values(name=words, shared=shared))
    detail = {"name": words, "view": view.id, "shared": shared}
    audit(connection, owner.email, "view.change", view.tenant_id, **detail)


def delete_view(connection: Connection, owner: Owner, view_id: str) -> None:
    """Takes a view away."""
    view = _changeable(connection, owner, view_id)
    connection.execute(delete(VIEWS).where(VIEWS.c.id == view.id))
    audit(connection, owner.email, "view.delete", view.tenant_id, name=view.name, view=view.id)


def views_of(session: Session, operator_id: str, tenants: Collection[str] | None) -> list[Any]:
    """An operator's own views and those shared with them, by name; with the owner's `email`.

    Operators who read some tenants only see shared views that name one of those: a name or a
    query string can tell of others.
    """
    seen: ColumnElement[bool] = VIEWS.c.shared
    if tenants is not None:
        seen = and_(seen, VIEWS.c.tenant_id.in_(tenants))
    statement = (
        select(VIEWS, OPERATORS.c.email)
        .join(OPERATORS, OPERATORS.c.id == VIEWS.c.owner_id)
        .where(or_(VIEWS.c.owner_id == operator_id, seen))
        .order_by(func.lower(VIEWS.c.name), VIEWS.c.id)
    )
    return list(session.execute(statement))


def forget_views(
    connection: Connection, identifiers: Collection[str], tenants: Collection[str]
) -> None:
    """Deletes the views of tenants that show somebody: whose address or name says who it is."""
    wanted = {identifier.casefold() for identifier in identifiers}
    theirs = or_(VIEWS.c.tenant_id.in_(tenants), VIEWS.c.tenant_id.is_(None))
    for view in connection.execute(select(VIEWS).where(theirs)).all():
        if wanted & {value.casefold() for value in _named(view)}:
            connection.execute(delete(VIEWS).where(VIEWS.c.id == view.id))


def _named(view: Any) -> list[str]:
    """The values in a view's address that can name somebody, and the words of its name."""
    values = [value for name, value in parse_qsl(view.query) if name.split(".")[-1] in _NAMING]
    return [*unquote(view.path).split("/"), *values, *view.name.split()]


_NAMING = ("q", "session")
"""Parameters of pages that may name somebody; others are numbers, days and choices."""


def _free_name(connection: Connection, owner_id: str, name: str, but: str | None = None) -> str:
    words = " ".join(name.split())
    if not words or len(words) > LONGEST_NAME:
        raise ViewError(f"A view's name has 1 to {LONGEST_NAME} characters.")
    same = select(VIEWS.c.id).where(VIEWS.c.owner_id == owner_id, VIEWS.c.name == words)
    if any(view_id != but for view_id in connection.execute(same).scalars()):
        raise ViewError(f"There is a view called {words} already.")
    return words


def _changeable(connection: Connection, owner: Owner, view_id: str) -> Any:
    """The view, if the operator may change it."""
    theirs = VIEWS.c.owner_id == owner.operator_id
    if owner.is_admin:
        theirs = or_(theirs, VIEWS.c.shared)
    statement = select(VIEWS).where(VIEWS.c.id == view_id, theirs)
    view = connection.execute(statement).first() if IS_UUID(view_id) else None
    if view is None:
        raise ViewError("There is no such view of yours.")
    return view
