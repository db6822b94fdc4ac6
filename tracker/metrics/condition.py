"""What is asked of sessions, as conditions that may be put together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select
from sqlalchemy.orm import Session

from tracker.metrics.overview import distinct
from tracker.metrics.scope import Scope
from tracker.model import SessionDay

Sessions = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]
"""Selects the tenant and id of sessions, once each."""


@dataclass(frozen=True)
class Condition:
    """What a session must have done."""

    sessions: Sessions
    """All that did."""

    holds: ColumnElement[bool] | None = None
    """That the session of a row of session_days did; None when only a look at all can tell."""

    number: Callable[[Session], int] | None = None
    """How many they are, from daily_uniques; None when it does not tell."""

    few: Sessions | None = None
    """The same as `sessions`, by another way that is faster when they are few."""


def any_row(rows: Select[Any]) -> ColumnElement[bool]:
    """That there is such a row, to be looked up for one session at a time.

    Of EXISTS PostgreSQL makes a join, for which it reads all the rows that there are.
    """
    return rows.correlate(SessionDay).limit(1).scalar_subquery().is_not(None)


def uniques(
    scope: Scope, kinds: dict[str, int], key: str = "", *, known: bool = False
) -> Callable[[Session], int]:
    """The distinct members of kinds, each so many times; with `known` those of them that are."""

    def number(session: Session) -> int:
        counts = {kind: session.execute(distinct(scope, kind, key)).one() for kind in kinds}
        return sum(times * int(counts[kind][known]) for kind, times in kinds.items())

    return number
