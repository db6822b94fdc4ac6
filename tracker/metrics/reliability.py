"""What holds a tenant up: integrations that fail and limits it runs into."""

from collections import defaultdict
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.metrics.business import measured
from tracker.metrics.ratio import ratio
from tracker.metrics.scope import Scope
from tracker.model import DailyBusiness

_SUCCEEDED, _FAILED = "integration_succeeded", "integration_failed"


class Integration(NamedTuple):
    """How well one integration works."""

    integration_id: str
    type: str
    succeeded: int
    failed: int
    success_rate: float | None
    top_error: str | None

    @property
    def calls(self) -> int:
        """What the success rate is a share of."""
        return self.succeeded + self.failed


class Quota(NamedTuple):
    """How often one limit was run into."""

    quota_type: str
    rejections: int
    days: int
    last_day: date


def integrations(session: Session, scope: Scope) -> list[Integration]:
    """Calls to integrations, the most used first.

    Succeeded and failed are events of the period; the success rate is the succeeded over both.
    The top error is the most frequent error code of the failed, the first by name of several
    equally frequent; none when nothing failed. Source: daily_business.
    """
    succeeded: dict[tuple[str, str], int] = defaultdict(int)
    errors: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for measure, integration, kind, code, calls in session.execute(_calls(scope)):
        if measure == _SUCCEEDED:
            succeeded[integration, kind] = int(calls)
        else:
            errors[integration, kind][code] = int(calls)
    rows = [_integration(key, succeeded[key], errors[key]) for key in {*succeeded, *errors}]
    return sorted(rows, key=lambda row: (-row.calls, row.integration_id, row.type))


def _calls(scope: Scope) -> Any:
    calls = func.sum(DailyBusiness.events)
    columns = (
        DailyBusiness.measure,
        DailyBusiness.dim_a,
        DailyBusiness.dim_b,
        DailyBusiness.dim_c,
    )
    return (
        select(*columns, calls)
        .where(DailyBusiness.tenant_id.in_(scope.tenants))
        .where(DailyBusiness.measure.in_((_SUCCEEDED, _FAILED)))
        .where(DailyBusiness.day.between(scope.first, scope.last))
        .group_by(*columns)
        .having(calls > 0)
    )


def _integration(key: tuple[str, str], succeeded: int, errors: dict[str, int]) -> Integration:
    failed = sum(errors.values())
    return Integration(
        integration_id=key[0],
        type=key[1],
        succeeded=succeeded,
        failed=failed,
        success_rate=ratio(succeeded, succeeded + failed),
        top_error=min(errors, key=lambda code: (-errors[code], code), default=None),
    )


def quotas(session: Session, scope: Scope) -> list[Quota]:
    """Limits that were run into, the most often first.

    Rejections are `quota_exceeded` events of the period; days are those with at least one of
    them. Source: daily_business.
    """
    rejections: Any = func.sum(DailyBusiness.events)
    columns = (DailyBusiness.dim_a, DailyBusiness.day)
    statement = measured(scope, "quota_exceeded", *columns, rejections).group_by(*columns)
    found: dict[str, dict[date, int]] = defaultdict(dict)
    for quota_type, day, number in session.execute(statement.having(rejections > 0)):
        found[quota_type][day] = int(number)
    rows = [
        Quota(quota_type, sum(by_day.values()), len(by_day), max(by_day))
        for quota_type, by_day in found.items()
    ]
    return sorted(rows, key=lambda row: (-row.rejections, row.quota_type))
