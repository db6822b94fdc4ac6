"""Failure twins: inputs that failed attempts have in common more often than successful ones."""

from math import exp, lgamma
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.metrics.once import once
from tracker.metrics.scope import Scope
from tracker.metrics.trips import by_day
from tracker.model import DailyTripInputs

FALSE_DISCOVERIES = 0.05
FEWEST = 10
"""Finished attempts that a value needs to be looked at."""


class Twin(NamedTuple):
    input: str
    value: str
    failed: int
    succeeded: int
    attempts: int
    failure_rate: float
    lift: float
    q_value: float


def failure_twins(session: Session, scope: Scope) -> list[Twin]:
    """Input values with which attempts fail more often than they otherwise do.

    Counts finished attempts of the period by the values of their inputs, lists by each of
    their elements; free text, names, dates and ids are not looked at. Lift is the failure
    rate with the value over the failure rate of all finished attempts. Values of at least
    10 attempts are tested (hypergeometric, one-sided), and listed while the share of false
    discoveries among them stays below 5 % (Benjamini and Hochberg, J. R. Stat. Soc. B 57,
    1995). A value that goes along with another one is listed with it: this shows where to
    look, not what the cause is. Most failures first. Source: daily_trip_inputs.
    """
    counts = by_day(session, scope).values()
    failed = sum(day.get("failed", 0) for day in counts)
    finished = failed + sum(day.get("success", 0) for day in counts)
    tested = [row for row in _inputs(session, scope) if row[2] + row[3] >= FEWEST]
    p_values = [_by_chance(row[2], row[2] + row[3], failed, finished) for row in tested]
    twins = [
        Twin(name, value, bad, good, bad + good, rate, rate * finished / failed, q)
        for (name, value, bad, good), q in zip(tested, q_values(p_values), strict=True)
        if q <= FALSE_DISCOVERIES and (rate := bad / (bad + good)) * finished > failed
    ]
    return sorted(twins, key=lambda twin: (-twin.failed, twin.input, twin.value))


@once
def _inputs(session: Session, scope: Scope) -> list[tuple[str, str, int, int]]:
    failed, succeeded = func.sum(DailyTripInputs.failed), func.sum(DailyTripInputs.succeeded)
    statement = (
        select(DailyTripInputs.input, DailyTripInputs.value, failed, succeeded)
        .where(DailyTripInputs.tenant_id.in_(scope.tenants))
        .where(DailyTripInputs.day.between(scope.first, scope.last))
        .group_by(DailyTripInputs.input, DailyTripInputs.value)
        .having(failed + succeeded > 0)
    )
    return [
        (name, value, int(bad), int(good)) for name, value, bad, good in session.execute(statement)
    ]


def _by_chance(bad: int, drawn: int, failed: int, finished: int) -> float:
    """The chance of `bad` or more failures among `drawn` attempts taken blindly.

    No more of it is added up than shows that it is above every chance that could be listed, and
    1 where no more failed than is to be expected: that takes as many steps as there are attempts.
    """
    if bad * finished <= drawn * failed:
        return 1.0
    most = min(drawn, failed)
    term = exp(
        _log_choose(failed, bad)
        + _log_choose(finished - failed, drawn - bad)
        - _log_choose(finished, drawn)
    )
    chance = 0.0
    for k in range(bad, most + 1):
        chance += term
        term *= (failed - k) * (drawn - k) / ((k + 1) * (finished - failed - drawn + k + 1))
        if term <= chance * 1e-12 or chance > FALSE_DISCOVERIES:  # both may be too small: 0
            break
    return min(chance, 1.0)


def _log_choose(n: int, k: int) -> float:
    if not 0 <= k <= n:
        return float("-inf")
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def q_values(p_values: list[float]) -> list[float]:
    """The smallest false-discovery rate at which each test would be called a discovery.

    Benjamini and Hochberg: p * tests / rank, made monotone from the largest p on down.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index], reverse=True)
    found = [1.0] * len(p_values)
    smallest = 1.0
    for rank, index in zip(range(len(order), 0, -1), order, strict=True):
        smallest = min(smallest, p_values[index] * len(p_values) / rank)
        found[index] = smallest
    return found
