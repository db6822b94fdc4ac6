"""Documents a tenant has the product read: how many, how fast, and what went wrong."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.metrics.business import measured
from tracker.metrics.scope import Scope
from tracker.model import DailyBusiness

_TYPES = ("ingest_started", "ingest_completed", "ingest_failed")


class Source(NamedTuple):
    """What became of one type of source."""

    source_type: str
    started: int
    completed: int
    failed: int
    docs: int
    chunks: int
    p50_s: float | None
    p95_s: float | None


class DayOfIngestion(NamedTuple):
    """What was read on one day."""

    day: date
    completed: int
    failed: int
    docs: int
    chunks: int


class IngestError(NamedTuple):
    """Why sources could not be read."""

    error_code: str
    source_type: str
    failures: int


def ingestion(session: Session, scope: Scope) -> list[Source]:
    """Ingestions by type of source, those started most first.

    Started, completed and failed are events of the period; documents and chunks are sums over
    the completed. p50 and p95 are the durations, in seconds, that half and 95 % of the outcomes
    did not exceed (nearest rank), completed and failed alike: an outcome is paired with the
    latest earlier start of the same source and URL, and one without a start has no duration.
    Source: daily_business, the pairs settled per source and URL.
    """
    counted = _counts(session, scope)
    durations = _durations(session, scope)
    rows = [
        Source(
            source_type,
            started=of["ingest_started"][0],
            completed=of["ingest_completed"][0],
            failed=of["ingest_failed"][0],
            docs=of["ingest_completed"][1],
            chunks=of["ingest_completed"][2],
            p50_s=nearest_rank(durations[source_type], 50),
            p95_s=nearest_rank(durations[source_type], 95),
        )
        for source_type, of in counted.items()
    ]
    return sorted(rows, key=lambda row: (-row.started, row.source_type))


def _counts(session: Session, scope: Scope) -> dict[str, dict[str, tuple[int, int, int]]]:
    """Per type of source and event type: events, documents and chunks."""
    sums: list[Any] = [func.sum(column) for column in _COUNTERS]
    statement = (
        select(DailyBusiness.dim_a, DailyBusiness.measure, *sums)
        .where(DailyBusiness.tenant_id.in_(scope.tenants))
        .where(DailyBusiness.measure.in_(_TYPES))
        .where(DailyBusiness.day.between(scope.first, scope.last))
        .group_by(DailyBusiness.dim_a, DailyBusiness.measure)
        .having(sums[0] > 0)
    )
    found: dict[str, dict[str, tuple[int, int, int]]] = defaultdict(lambda: defaultdict(_none))
    for source_type, measure, events, docs, chunks in session.execute(statement):
        found[source_type][measure] = int(events), int(docs), int(chunks)
    return found


_COUNTERS = (DailyBusiness.events, DailyBusiness.amount_a, DailyBusiness.amount_b)


def _none() -> tuple[int, int, int]:
    return 0, 0, 0


def _durations(session: Session, scope: Scope) -> Mapping[str, dict[int, int]]:
    """Per type of source: how many outcomes took how many milliseconds."""
    outcomes: Any = func.sum(DailyBusiness.events)
    columns = (DailyBusiness.dim_a, DailyBusiness.dim_c)
    statement = measured(scope, "ingest_pairs", *columns, outcomes).group_by(*columns)
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for source_type, milliseconds, number in session.execute(statement.having(outcomes > 0)):
        found[source_type][int(milliseconds)] = int(number)
    return found


def nearest_rank(histogram: Mapping[int, int], percent: int) -> float | None:
    """The percentile in seconds of a histogram of milliseconds; None when it is empty."""
    rank = -(-percent * sum(histogram.values()) // 100)
    passed = 0
    for milliseconds in sorted(histogram):
        passed += histogram[milliseconds]
        if passed >= rank:
            return milliseconds / 1000
    return None


def daily_ingestion(session: Session, scope: Scope) -> list[DayOfIngestion]:
    """Outcomes, documents and chunks of each day, days without any too.

    Counts by the day of the outcome. Source: daily_business.
    """
    sums = [func.sum(column) for column in _COUNTERS]
    statement = (
        select(DailyBusiness.day, DailyBusiness.measure, *sums)
        .where(DailyBusiness.tenant_id.in_(scope.tenants))
        .where(DailyBusiness.measure.in_(_TYPES[1:]))
        .where(DailyBusiness.day.between(scope.first, scope.last))
        .group_by(DailyBusiness.day, DailyBusiness.measure)
    )
    found = {(row[0], row[1]): tuple(map(int, row[2:])) for row in session.execute(statement)}
    return [
        DayOfIngestion(
            day,
            completed=(done := found.get((day, "ingest_completed"), _none()))[0],
            failed=found.get((day, "ingest_failed"), _none())[0],
            docs=done[1],
            chunks=done[2],
        )
        for day in scope.each_day()
    ]


def ingest_errors(session: Session, scope: Scope) -> list[IngestError]:
    """Failed ingestions by error code and type of source, most frequent first.

    Counts `ingest_failed` events of the period. Source: daily_business.
    """
    failures: Any = func.sum(DailyBusiness.events)
    columns = (DailyBusiness.dim_b, DailyBusiness.dim_a)
    statement = measured(scope, "ingest_failed", *columns, failures).group_by(*columns)
    rows = [
        IngestError(code, source_type, int(number))
        for code, source_type, number in session.execute(statement.having(failures > 0))
    ]
    return sorted(rows, key=lambda row: (-row.failures, row.error_code, row.source_type))
