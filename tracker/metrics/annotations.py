"""What operators noted on days: the flags of every daily chart."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.metrics.once import once
from tracker.metrics.scope import Scope
from tracker.model import Annotation


class Note(NamedTuple):
    """What happened on a day, in an operator's words."""

    day: date
    text: str
    tenant_id: str
    author: str
    id: str


@once
def notes(session: Session, scope: Scope) -> list[Note]:
    """The notes of operators on days of the period, newest day first. Source: annotations."""
    return _notes(session, scope, scope.first, scope.last)


def all_notes(session: Session, scope: Scope) -> list[Note]:
    """The notes on any day, newest day first. Source: annotations."""
    return _notes(session, scope, date.min, date.max)


def _notes(session: Session, scope: Scope, first: date, last: date) -> list[Note]:
    statement = (
        select(*(getattr(Annotation, name) for name in Note._fields))
        .where(Annotation.tenant_id.in_(scope.tenants), Annotation.day.between(first, last))
        .order_by(Annotation.day.desc(), Annotation.id.desc())
    )
    return [Note(*row) for row in session.execute(statement)]
