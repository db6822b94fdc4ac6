"""Median and 95th percentile of trip durations, by nearest rank.

The daily histogram says in which bucket a rank lies; the raw durations of that bucket alone say
where in it. So a page reads a twentieth of the attempts, and days whose attempts have expired
still have an answer, within 5 %.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, String, func, literal, select
from sqlalchemy.orm import Session

from tracker.metrics.once import once
from tracker.metrics.scope import Scope
from tracker.model import DailyTrips
from tracker.store.trips import NO_DURATION, bucket_duration

Values = tuple[str, ...]
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

_LOOK = """
    SELECT {n},
      (SELECT duration_ms FROM trip_creation_attempts WHERE {among}
       ORDER BY duration_ms LIMIT 1 OFFSET {skip}),
      (SELECT count(*) FROM trip_creation_attempts WHERE {among})
"""
"""What is at a place. By hand: SQLAlchemy takes longer to build hundreds of these than they do."""

_PLACES = " FROM (VALUES {places}) AS place (n, named, bucket, skip)"

_MOST_LOOKS = 400
_MOST_VALUES = 20_000
"""SQLite takes few more SELECTs, and values, in one statement."""


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
    width = 2 + 2 * len(_among(scope, by, "?", "?")[1])
    at_once = max(1, min(_MOST_LOOKS, _MOST_VALUES // width))
    found = {}
    for start in range(0, len(places), at_once):
        some = places[start : start + at_once]
        for n, duration, held in _looked_up(session, scope, by, some):
            if held == some[n].of:
                found[some[n]] = duration
    return found


def _looked_up(
    session: Session, scope: Scope, by: Grouping, places: Sequence[Place]
) -> Iterable[Any]:
    """Number, duration and raw durations of the bucket for each place.

    SQLite takes no OFFSET from a table, and PostgreSQL takes long to plan hundreds of SELECTs.
    """
    connection = session.connection()
    is_sqlite = connection.dialect.name == "sqlite"
    asked = _one_by_one if is_sqlite or not by else _from_table
    sql, values = asked(scope, by, places)
    return connection.exec_driver_sql(sql if is_sqlite else sql.replace("?", "%s"), values)


def _one_by_one(scope: Scope, by: Grouping, places: Sequence[Place]) -> tuple[str, Values]:
    among, shared = _among(scope, by, "?", "{bucket}")
    looks, values = [], []
    for n, place in enumerate(places):
        look = _LOOK.format(n=n, skip=place.rank - 1, among=among)
        looks.append(look.replace("{bucket}", str(place.bucket)))
        values += 2 * [*([_named(place)] if by else []), *shared]
    return " UNION ALL ".join(looks), tuple(values)


def _from_table(scope: Scope, by: Grouping, places: Sequence[Place]) -> tuple[str, Values]:
    named = "CAST(place.named AS date)" if by == "day" else "place.named"
    among, shared = _among(scope, by, named, "place.bucket")
    look = _LOOK.format(n="n", skip="place.skip", among=among)
    rows = ", ".join(
        f"({n}, ?, {place.bucket}, {place.rank - 1})" for n, place in enumerate(places)
    )
    return look + _PLACES.format(places=rows), (*shared, *shared, *map(_named, places))


def _named(place: Place) -> str:
    return place.group.isoformat() if isinstance(place.group, date) else place.group


def _among(scope: Scope, by: Grouping, named: str, bucket: str) -> tuple[str, list[str]]:
    """A group's bucket, said such that it lies in one piece of an index; and values it needs."""
    group = f"{by} = {named} AND " if by else ""
    tenants = f"tenant_id IN ({_marks(scope.tenants)}) AND bucket = {bucket}"
    if by == "day":
        return group + tenants, [*scope.tenants]
    if by == "prompt_contract_version":
        days = [scope.first.isoformat(), scope.last.isoformat()]
        # All durations are, but said so SQLite takes the index that is ordered by them
        within = "duration_ms >= 0 AND day BETWEEN ? AND ?"
        return f"{group}{tenants} AND {within}", [*scope.tenants, *days]
    days = [day.isoformat() for day in scope.each_day()]
    return f"{tenants} AND day IN ({_marks(days)})", [*scope.tenants, *days]


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" for _ in values)
