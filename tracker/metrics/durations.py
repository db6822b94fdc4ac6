"""Median and 95th percentile of trip durations, by nearest rank.

The daily histogram says in which bucket a rank lies; the raw durations of that bucket alone say
where in it. So a page reads a twentieth of the attempts, and days whose attempts have expired
still have an answer, within 5 %.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, String, func, literal, select, tuple_
from sqlalchemy.orm import Session

from tracker.metrics.once import once
from tracker.metrics.scope import Scope
from tracker.model import DailyTrips, TripAttempt
from tracker.store.trips import NO_DURATION, bucket_duration

Grouping = Literal["", "day", "prompt_contract_version"]
RANKS = (0.5, 0.95)


class Durations(NamedTuple):
    """p50 and p95 in ms, and whether raw durations gave them. Without any, both are None."""

    p50_ms: float | None
    p95_ms: float | None
    exact: bool


class Place(NamedTuple):
    """Where a rank lies: its bucket, how manieth it is there, and of how many."""

    group: Any
    bucket: int
    rank: int
    of: int


NONE = Durations(None, None, exact=True)


@once
def durations(session: Session, scope: Scope, by: Grouping = "") -> dict[Any, Durations]:
    """p50 and p95 of the finished attempts, of all of them (key "") or by a column.

    Nearest rank: the smallest duration that at least the share of durations does not exceed.
    """
    places = {
        group: [_place(group, counts, share) for share in RANKS]
        for group, counts in _histograms(session, scope, by).items()
    }
    found = _raw(session, scope, by, [place for pair in places.values() for place in pair])
    return {group: _durations(pair, found) for group, pair in places.items()}


def inexact(by: Grouping = "") -> Callable[[Session, Scope], bool]:
    """Asks whether any of these durations is only known to 5 %: raw ones have expired."""

    def is_inexact(session: Session, scope: Scope) -> bool:
        return not all(found.exact for found in durations(session, scope, by).values())

    return is_inexact


def _durations(pair: Sequence[Place], found: Mapping[Place, float]) -> Durations:
    values = [found.get(place, bucket_duration(place.bucket)) for place in pair]
    return Durations(values[0], values[1], exact=all(place in found for place in pair))


def _histograms(session: Session, scope: Scope, by: Grouping) -> dict[Any, dict[int, int]]:
    group: ColumnElement[Any] = getattr(DailyTrips, by) if by else literal("", String)
    attempts = func.sum(DailyTrips.attempts)
    statement = (
        select(group.label("group_"), DailyTrips.bucket, attempts)
        .where(DailyTrips.tenant_id.in_(scope.tenants))
        .where(DailyTrips.day.between(scope.first, scope.last))
        .where(DailyTrips.bucket > NO_DURATION)
        .group_by("group_", DailyTrips.bucket)
        .having(attempts > 0)
    )
    histograms: dict[Any, dict[int, int]] = defaultdict(dict)
    for name, bucket, count in session.execute(statement):
        histograms[name][bucket] = int(count)
    return histograms


def _place(group: Any, counts: Mapping[int, int], share: float) -> Place:
    total = sum(counts.values())
    rank = -int(-share * total // 1)  # rounded up
    for bucket in sorted(counts):
        if rank <= counts[bucket]:
            break
        rank -= counts[bucket]
    return Place(group, bucket, rank, counts[bucket])


def _raw(
    session: Session, scope: Scope, by: Grouping, places: Sequence[Place]
) -> dict[Place, float]:
    """The durations at these places, as far as all raw durations of their buckets are held."""
    if not places:
        return {}
    raw = TripAttempt
    group: ColumnElement[Any] = getattr(raw, by) if by else literal("", String)
    within = [getattr(raw, by), raw.bucket] if by else [raw.bucket]
    ranked = (
        select(
            group.label("group_"),
            raw.bucket,
            raw.duration_ms,
            func.row_number().over(partition_by=within, order_by=raw.duration_ms).label("rank"),
            func.count().over(partition_by=within).label("of"),
        )
        .where(raw.tenant_id.in_(scope.tenants))
        .where(*_among(raw, scope, by, places))
        .subquery()
    )
    at = tuple_(ranked.c.group_, ranked.c.bucket, ranked.c.rank, ranked.c.of)
    found = session.execute(select(ranked).where(at.in_([tuple(place) for place in places])))
    return {
        Place(row.group_, row.bucket, int(row.rank), int(row.of)): row.duration_ms for row in found
    }


def _among(
    raw: type[TripAttempt], scope: Scope, by: Grouping, places: Sequence[Place]
) -> list[ColumnElement[bool]]:
    if by == "day":
        return [tuple_(raw.day, raw.bucket).in_([(p.group, p.bucket) for p in places])]
    # Days one by one: the index then leads straight to each day's bucket.
    return [raw.day.in_(scope.each_day()), raw.bucket.in_({place.bucket for place in places})]
