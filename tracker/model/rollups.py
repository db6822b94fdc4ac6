"""Daily, additive tables. Pages read these; raw events may expire beneath them.

Every row is a sum of deltas, so applying the deltas of an event with the sign
turned takes the event out again. A row's key is all of its primary key; the rest
are counters. ``slot`` spreads hot keys over writing processes and is summed away
when read. All counters are of events that no bot sent, scaled by sample weight.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Index, Integer, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from tracker.model.base import Base, UtcDateTime

NEVER = date.min
"""The previous active day of a member that was never active before."""

NO_RANK = 0
"""The rank of a click whose position nobody sent."""

NO_COUNT = -1
"""The result count of a filter change that has none."""

ANY_VALUE = ""
"""The filter value under which a filter's sets count whatever their value."""


class Rollup(Base):
    """The columns every rollup's key starts and ends with."""

    __abstract__ = True

    tenant_id: Mapped[str] = mapped_column(String(63), primary_key=True, sort_order=-3)
    day: Mapped[date] = mapped_column(
        Date, primary_key=True, sort_order=-2, comment="Reporting time zone."
    )
    slot: Mapped[int] = mapped_column(
        SmallInteger, primary_key=True, sort_order=99, comment="Writer slot, summed when read."
    )


def counter(comment: str) -> Mapped[int]:
    """Counts one by one. PostgreSQL adds up 32 bits in half the time that it takes for 64."""
    return mapped_column(Integer, default=0, sort_order=100, comment=comment)


def total(comment: str) -> Mapped[int]:
    """Adds up numbers of any size, or events that stand for many."""
    return mapped_column(BigInteger, default=0, sort_order=100, comment=comment)


def latest(comment: str) -> Mapped[datetime | None]:
    return mapped_column(UtcDateTime, sort_order=101, comment=comment)


class DailyEvents(Rollup):
    __tablename__ = "daily_events"
    __table_args__ = {"comment": "Events by type and day."}

    event_type: Mapped[str] = mapped_column(String(80), primary_key=True)
    events: Mapped[int] = total("Events, scaled by sample weight.")
    kept: Mapped[int] = counter("Events stored; below `events` where the type is sampled.")


class DailyIngest(Rollup):
    __tablename__ = "daily_ingest"
    __table_args__ = {"comment": "What became of what was sent, by day of receipt."}

    event_type: Mapped[str] = mapped_column(String(80), primary_key=True)
    accepted: Mapped[int] = counter("Stored, bots included.")
    duplicates: Mapped[int] = counter("Refused quietly: the event_id was there already.")
    sampled: Mapped[int] = counter("Left out by the type's sample rate.")
    refused: Mapped[int] = counter("Refused with a reason.")
    late: Mapped[int] = counter("Stored over an hour after it occurred.")
    bots: Mapped[int] = counter("Stored but marked as sent by a bot.")


class SearchCounters:
    """What is counted of searches."""

    searches: Mapped[int] = counter("sage_query events.")
    zero_results: Mapped[int] = counter("Searches that found nothing.")
    thin_results: Mapped[int] = counter("Searches that found one or two.")
    counted: Mapped[int] = counter("Searches with a result count.")
    results: Mapped[int] = total("Sum of their result counts.")
    settled: Mapped[int] = counter("Searches whose outcome is settled.")
    clicked: Mapped[int] = counter("Settled searches with a click on one of their experts.")
    unclicked: Mapped[int] = counter("Settled searches with results and no such click.")
    reformulated: Mapped[int] = counter(
        "Settled searches followed within 5 minutes by another, without a click."
    )
    unhelpful: Mapped[int] = counter("Those of `reformulated` that had results.")


class DailySearches(SearchCounters, Rollup):
    __tablename__ = "daily_searches"
    __table_args__ = {"comment": "Searches by function, whatever the query."}

    function_called: Mapped[str] = mapped_column(String(32), primary_key=True)


class DailyQueries(SearchCounters, Rollup):
    __tablename__ = "daily_queries"
    __table_args__ = (
        Index("ix_daily_queries_query", "tenant_id", "query"),
        {"comment": "Searches by normalised query and function."},
    )

    query: Mapped[str] = mapped_column(String(500), primary_key=True)
    function_called: Mapped[str] = mapped_column(String(32), primary_key=True)
    last_at: Mapped[datetime | None] = latest("Latest search.")
    last_zero_at: Mapped[datetime | None] = latest("Latest search that found nothing.")


class DailySearchClicks(Rollup):
    __tablename__ = "daily_search_clicks"
    __table_args__ = {"comment": "Settled searches by the rank of their first click."}

    function_called: Mapped[str] = mapped_column(String(32), primary_key=True)
    rank: Mapped[int] = mapped_column(
        primary_key=True, comment="1-based rank of the first click in the answer."
    )
    searches: Mapped[int] = counter("Settled searches whose first click was at this rank.")


class DailyExperts(Rollup):
    __tablename__ = "daily_experts"
    __table_args__ = (
        Index("ix_daily_experts_expert", "tenant_id", "expert_id", "day"),
        {"comment": "Impressions and clicks by expert, context and rank."},
    )

    context: Mapped[str] = mapped_column(String(16), primary_key=True)
    expert_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True, comment="1-based; 0 for no position.")
    impressions: Mapped[int] = counter("Times served at this rank.")
    clicks: Mapped[int] = counter("Card clicks at this rank.")


class DailyFilters(Rollup):
    __tablename__ = "daily_filters"
    __table_args__ = {"comment": "Filter changes by filter and canonical value."}

    filter_name: Mapped[str] = mapped_column(String(100), primary_key=True)
    filter_value: Mapped[str] = mapped_column(String(500), primary_key=True)
    sets: Mapped[int] = counter("filter_change events.")
    zero_results: Mapped[int] = counter("Those that left no result.")


class DailyResults(Rollup):
    __tablename__ = "daily_results"
    __table_args__ = {
        "comment": "Exact histogram of result counts by filter and value; value '' is any."
    }

    filter_name: Mapped[str] = mapped_column(String(100), primary_key=True)
    filter_value: Mapped[str] = mapped_column(String(500), primary_key=True)
    result_count: Mapped[int] = mapped_column(primary_key=True)
    sets: Mapped[int] = counter("filter_change events with this result count.")


class DailyTrips(Rollup):
    __tablename__ = "daily_trips"
    __table_args__ = {
        "comment": "Trip attempts by day of the attempt, outcome and duration bucket."
    }

    prompt_contract_version: Mapped[str] = mapped_column(String(100), primary_key=True)
    status: Mapped[str] = mapped_column(String(8), primary_key=True)
    error_code: Mapped[str] = mapped_column(String(100), primary_key=True, comment="'' for none.")
    bucket: Mapped[int] = mapped_column(
        SmallInteger, primary_key=True, comment="Log-spaced duration bucket; -1 for no duration."
    )
    attempts: Mapped[int] = counter("Attempts.")
    first_at: Mapped[datetime | None] = latest("Earliest outcome.")
    last_at: Mapped[datetime | None] = latest("Latest outcome.")


class DailyTripInputs(Rollup):
    __tablename__ = "daily_trip_inputs"
    __table_args__ = {"comment": "Finished trip attempts by what was put in; no free text."}

    input: Mapped[str] = mapped_column(
        String(100), primary_key=True, comment="Path of the field in the snapshot."
    )
    value: Mapped[str] = mapped_column(String(100), primary_key=True)
    failed: Mapped[int] = counter("Attempts with this value that failed.")
    succeeded: Mapped[int] = counter("Attempts with this value that succeeded.")


class DailyBusiness(Rollup):
    __tablename__ = "daily_business"
    __table_args__ = (
        Index("ix_daily_business_measure", "tenant_id", "measure", "day"),
        {"comment": "Business events by what they are about; the dimensions depend on `measure`."},
    )

    measure: Mapped[str] = mapped_column(
        String(80), primary_key=True, comment="An event type, or a settled fact."
    )
    dim_a: Mapped[str] = mapped_column(String(200), primary_key=True)
    dim_b: Mapped[str] = mapped_column(String(200), primary_key=True)
    dim_c: Mapped[str] = mapped_column(String(200), primary_key=True)
    events: Mapped[int] = total("Events or facts, scaled by sample weight.")
    amount_a: Mapped[int] = total("First sum, such as documents ingested.")
    amount_b: Mapped[int] = total("Second sum, such as chunks.")


class DailyUniques(Rollup):
    """Distinct counts that add up.

    A member active on days d1 < d2 < ... contributes (d1, never), (d2, d1), ...; the
    distinct members of a range are the rows inside it whose previous day lies before it.
    """

    __tablename__ = "daily_uniques"
    __table_args__ = (
        Index("ix_daily_uniques_range", "tenant_id", "kind", "day", "prev_day"),
        {"comment": "Distinct members by key, day and previous active day."},
    )

    kind: Mapped[str] = mapped_column(String(16), primary_key=True, comment="What is counted.")
    key: Mapped[str] = mapped_column(String(500), primary_key=True, comment="'' for all.")
    prev_day: Mapped[date] = mapped_column(
        Date, primary_key=True, comment="The member's previous active day; 0001-01-01 for none."
    )
    members: Mapped[int] = counter("Sessions, or people where the kind says so.")
    identified: Mapped[int] = counter("Those of them that are linked to an e-mail or user.")
