"""Answers that several metrics of one page build on, asked of the database once."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session

from tracker.metrics.scope import Scope

Answer = TypeVar("Answer")
More = ParamSpec("More")
Question = Callable[Concatenate[Session, Scope, More], Answer]


def once(question: Question[More, Answer]) -> Question[More, Answer]:
    """`question`, asked once per session for the same tenants, days and further arguments.

    Only for questions to which the scope's slice and filters make no difference.
    """

    @wraps(question)
    def asked(session: Session, scope: Scope, /, *more: More.args, **named: More.kwargs) -> Answer:
        known = session.info.setdefault("once", {})
        key = (question, scope.tenants, scope.first, scope.last, more, *named.items())
        if key not in known:
            known[key] = question(session, scope, *more, **named)
        answer: Answer = known[key]
        return answer

    return asked
