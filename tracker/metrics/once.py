"""Answers that several metrics of one page build on, asked of the database once."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from sqlalchemy.orm import Session

from tracker.metrics.scope import Scope

Answer = TypeVar("Answer")


def once(question: Callable[[Session, Scope], Answer]) -> Callable[[Session, Scope], Answer]:
    """`question`, asked once per session for the same tenants and days.

    Only for questions to which the scope's slice and filters make no difference.
    """

    @wraps(question)
    def asked(session: Session, scope: Scope) -> Answer:
        known = session.info.setdefault("once", {})
        key = (question, scope.tenants, scope.first, scope.last)
        if key not in known:
            known[key] = question(session, scope)
        answer: Answer = known[key]
        return answer

    return asked
