"""Lists that may be long: sorted, searched and cut by the database, in one query.

rows = select(DailyQueries.query, func.sum(...).label("searches")).group_by(...)
return listing(session, scope, rows, TopQuery, search="query", order=("-searches", "query"))
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, String, func, or_, select
from sqlalchemy.orm import Session

from tracker.metrics.scope import Listing, Scope

Row = TypeVar("Row")


def listing(
    session: Session,
    scope: Scope,
    statement: Select[*tuple[Any, ...]],
    row: Callable[..., Row],
    *,
    order: Sequence[str],
    search: str = "",
) -> Listing[Row]:
    """The slice of `statement` that the scope asks for, and the length of the whole.

    `order` are labels of the statement, `-` for descending; the column the reader sorts
    by (`scope.sort`) comes first. `search` is the label that `scope.filters["q"]` is
    looked for in, ignoring case. Nulls come last. `row` is called with the columns.
    """
    inner = statement.subquery("listed")
    whole = select(*inner.c, func.count().over().label("total_"))
    if search and (wanted := scope.filters.get("q", "")):
        # Queries are stored folded, which is more than in lower case: ß is ss there.
        spelled = sorted({wanted.lower(), wanted.casefold()})
        told = func.lower(inner.c[search])
        whole = whole.where(or_(*(told.contains(text, autoescape=True) for text in spelled)))
    keys = [scope.sort, *order] if scope.sort else order
    bytewise = session.get_bind().dialect.name == "postgresql"
    for key in keys:
        column: ColumnElement[Any] = inner.c[key.removeprefix("-")]
        if bytewise and isinstance(column.type, String):
            column = column.collate("C")  # as SQLite sorts, whatever the server's locale
        whole = whole.order_by(*_ordering(column, key.startswith("-")))
    found = session.execute(whole.limit(scope.limit).offset(scope.offset)).all()
    total = found[0].total_ if found else _total(session, whole, scope)
    return Listing([row(*values[:-1]) for values in found], total)


def _ordering(column: ColumnElement[Any], down: bool) -> tuple[ColumnElement[Any], ...]:
    # IS NULL first as a key of its own: both databases then put nulls last.
    return (column.is_(None), column.desc() if down else column.asc())


def _total(session: Session, whole: Select[Any], scope: Scope) -> int:
    """The length of the whole when the slice lies behind its end."""
    if scope.offset == 0 and scope.limit > 0:
        return 0
    counted = select(func.count()).select_from(whole.order_by(None).subquery())
    return int(session.scalar(counted) or 0)
