"""Rows of the daily tables: of a period, and of few keys without reading the others."""

from collections.abc import Collection
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Select, func
from sqlalchemy.orm import InstrumentedAttribute

from tracker.metrics.scope import Scope
from tracker.model import DailyUniques
from tracker.model.rollups import Rollup

Columns = TypeVarTuple("Columns")
_MOST_KEYS = 500
_MOST_DAYS = 400
_MOST_PLACES = 20_000
"""Of more keys, days, or keys times days, the database is asked about all rather than each."""


def within(statement: Select[*Columns], rollup: type[Rollup], scope: Scope) -> Select[*Columns]:
    """The statement over a rollup's rows of the scope's tenants and days."""
    days = rollup.day.between(scope.first, scope.last)
    return statement.where(rollup.tenant_id.in_(scope.tenants), days)


def day_by_day(statement: Select[*Columns], rollup: type[Rollup], scope: Scope) -> Select[*Columns]:
    """The same as `within`, for few keys: with each day named, the key leads to its rows."""
    if scope.days > _MOST_DAYS:
        return within(statement, rollup, scope)
    days = rollup.day.in_(scope.each_day())
    return statement.where(rollup.tenant_id.in_(scope.tenants), days)


def of_keys(
    statement: Select[*Columns],
    column: InstrumentedAttribute[str],
    keys: Collection[str],
    scope: Scope,
) -> Select[*Columns]:
    """The statement over the period's rows with one of these keys in a rollup's column.

    Of very many keys all rows are read, also those of others.
    """
    rollup: Any = column.class_
    if len(keys) > _MOST_KEYS:
        return within(statement, rollup, scope)
    many = len(keys) * scope.days > _MOST_PLACES
    chosen = statement.where(column.in_(keys))
    return within(chosen, rollup, scope) if many else day_by_day(chosen, rollup, scope)


def once_each(statement: Select[*Columns], scope: Scope) -> Select[*Columns]:
    """The statement over daily_uniques such that every member of the period counts once.

    A member counts on its first day of the period: the one before which it was last active
    earlier than the period. The other days' rows are not even looked at.
    """
    return day_by_day(statement, DailyUniques, scope).where(DailyUniques.prev_day < scope.first)


def total(counter: InstrumentedAttribute[int]) -> ColumnElement[int]:
    """The sum of a rollup's counter, 0 for no row, under its name."""
    return func.coalesce(func.sum(counter), 0).label(counter.key)
